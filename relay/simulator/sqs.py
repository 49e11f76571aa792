"""The part of Amazon SQS that a reader of events needs, on the port of the SES APIs.

One queue, `/ACCOUNT/events`; the JSON protocol of today's SDKs (`X-Amz-Target`), not the Query
protocol of older ones.

AWS facts: botocore service model `sqs` 2012-11-05 (protocol json 1.0); SQS API reference,
ReceiveMessage (long poll up to 20 s, 10 messages at most, visibility 30 s by default).

Errors: none; each operation returns its result or a `Refusal`.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta

from .document import Document
from .exchange import Answer, json_answer
from .refusal import Refusal
from .service import Service
from .submission import Caller

PREFIX = "AmazonSQS."
QUEUE = "events"
_LONGEST_POLL_S = 20.0
_LONGEST_HIDDEN_S = 43_200.0
_VISIBILITY_S = 30.0
_MOST = 10

Result = Mapping[str, object] | Refusal


def receive_message(service: Service, asked: Document, _caller: Caller) -> Result:
    """ReceiveMessage, without its waiting; see `wait_s`."""
    most = asked.number("MaxNumberOfMessages")
    visibility = asked.number("VisibilityTimeout")
    if most is not None and not 1 <= most <= _MOST:
        return _invalid(f"MaxNumberOfMessages must be between 1 and {_MOST}.")
    if visibility is not None and not 0 <= visibility <= _LONGEST_HIDDEN_S:
        return _invalid("VisibilityTimeout is out of range.")
    found = service.publisher.queue.receive(
        int(most or 1), _VISIBILITY_S if visibility is None else visibility, service.clock()
    )
    if not found:
        return {}
    return {
        "Messages": [
            {
                "MessageId": one.id,
                "ReceiptHandle": one.receipt,
                "MD5OfBody": _md5(one.body),
                "Body": one.body,
                "Attributes": {"ApproximateReceiveCount": str(one.count)},
            }
            for one in found
        ]
    }


def delete_message(service: Service, asked: Document, _caller: Caller) -> Result:
    """DeleteMessage."""
    if not service.publisher.queue.delete(asked.text("ReceiptHandle") or ""):
        return _bad_receipt()
    return {}


def delete_message_batch(service: Service, asked: Document, _caller: Caller) -> Result:
    """DeleteMessageBatch."""
    entries = asked.inners("Entries")
    if not 1 <= len(entries) <= _MOST:
        return _invalid(f"There must be 1 to {_MOST} entries.")
    done: list[dict[str, str]] = []
    failed: list[dict[str, object]] = []
    for entry in entries:
        name = entry.text("Id") or ""
        if service.publisher.queue.delete(entry.text("ReceiptHandle") or ""):
            done.append({"Id": name})
        else:
            failed.append({"Id": name, "Code": "ReceiptHandleIsInvalid", "SenderFault": True})
    return {"Successful": done, "Failed": failed}


def change_message_visibility(service: Service, asked: Document, _caller: Caller) -> Result:
    """ChangeMessageVisibility."""
    at = service.clock() + timedelta(seconds=asked.number("VisibilityTimeout") or 0.0)
    if not service.publisher.queue.show_at(asked.text("ReceiptHandle") or "", at):
        return _bad_receipt()
    return {}


def send_message(service: Service, asked: Document, _caller: Caller) -> Result:
    """SendMessage: lets a test put in what SES never would."""
    body = asked.text("MessageBody")
    if not body:
        return _invalid("MessageBody is missing.")
    now = service.clock()
    at = now + timedelta(seconds=asked.number("DelaySeconds") or 0.0)
    message_id = service.publisher.queue.put(body, now, at)
    return {"MessageId": message_id, "MD5OfMessageBody": _md5(body)}


def get_queue_attributes(service: Service, _asked: Document, caller: Caller) -> Result:
    """GetQueueAttributes: the two that operators look at."""
    arn = f"arn:aws:sqs:{caller.region}:{caller.account_id}:{QUEUE}"
    waiting = str(len(service.publisher.queue))
    return {"Attributes": {"QueueArn": arn, "ApproximateNumberOfMessages": waiting}}


def purge_queue(service: Service, _asked: Document, _caller: Caller) -> Result:
    """PurgeQueue."""
    service.publisher.queue.clear()
    return {}


Operation = Callable[[Service, Document, Caller], Result]

RECEIVING = "ReceiveMessage"
OPERATIONS: dict[str, Operation] = {
    RECEIVING: receive_message,
    "DeleteMessage": delete_message,
    "DeleteMessageBatch": delete_message_batch,
    "ChangeMessageVisibility": change_message_visibility,
    "SendMessage": send_message,
    "GetQueueAttributes": get_queue_attributes,
    "PurgeQueue": purge_queue,
}


def error(refused: Refusal) -> Answer:
    """The answer to a refused action, with the code that older SDKs know it by."""
    return json_answer(
        refused.rest_status,
        {"__type": refused.rest_code, "message": refused.message},
        ("x-amzn-query-error", f"{refused.query_code};Sender"),
    )


def no_such_queue(asked: Document) -> Refusal | None:
    """Refuse a URL of another queue than the only one."""
    if (asked.text("QueueUrl") or "").endswith(f"/{QUEUE}"):
        return None
    return Refusal(
        query_code="AWS.SimpleQueueService.NonExistentQueue",
        rest_code="com.amazonaws.sqs#QueueDoesNotExist",
        message="The specified queue does not exist.",
    )


def wait_s(asked: Document) -> float:
    """How long a poll may wait for messages."""
    return min(max(asked.number("WaitTimeSeconds") or 0.0, 0.0), _LONGEST_POLL_S)


def _md5(body: str) -> str:
    """The digest that SDKs check; it protects nothing."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def _invalid(message: str) -> Refusal:
    return Refusal(
        query_code="InvalidParameterValue", rest_code="InvalidParameterValue", message=message
    )


def _bad_receipt() -> Refusal:
    return Refusal(
        query_code="ReceiptHandleIsInvalid",
        rest_code="com.amazonaws.sqs#ReceiptHandleIsInvalid",
        message="The input receipt handle is invalid.",
    )
