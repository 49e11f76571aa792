"""Events of a message's life, from the final dot to its last outcome.

`messages_total` counts a message by the outcome of its first request (the others of a large one go
the same way); `recipients_total` counts every recipient.

Errors: none.
"""

from dataclasses import dataclass
from functools import cache
from typing import assert_never

from relay.model.address import Address
from relay.model.envelope import Client
from relay.model.message import TAG_QUEUE_ID, TAG_USER, Message, Request
from relay.model.outcome import Cause, Deferred, Failed, Outcome, Relayed, Unknown
from relay.model.reply import Reply
from relay.telemetry.events import Event, Level
from relay.telemetry.metrics import Metrics
from relay.telemetry.recorder import Facts, Recorder, milliseconds, sender_of
from relay.telemetry.smtp import client_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Circumstances of one attempt at a request."""

    number: int  # counts from 1
    duration_s: float | None = None  # None: no request was made, something stood in the way
    delay_s: float | None = None  # how long it waits now, where that is known


class MessageEvents:
    """What becomes of messages."""

    def __init__(self, recorder: Recorder, metrics: Metrics) -> None:
        self._recorder = recorder
        self._metrics = metrics
        # The library looks a child up under a lock, after writing its labels anew; this, eight
        # times for each message, costs as much as all the counting.
        self._messages = cache(metrics.messages.labels)
        self._recipients = cache(metrics.recipients.labels)
        self._requests = cache(metrics.ses_requests.labels)
        self._seconds = cache(metrics.ses_request_seconds.labels)

    def received(self, message: Message, client: Client) -> None:
        """Say that a client submitted a message that policy accepts; nobody is responsible yet."""
        facts = client_facts(client) | message_facts(message)
        facts |= {"size": message.size, "lane": message.lane, "message_id": message.message_id}
        recipients = [recipient.address for recipient in message.recipients]
        self._count(message, "received", len(recipients))
        self._recorder.record(Event.MESSAGE_RECEIVED, Level.INFO, facts, recipients)

    def attempted(
        self, message: Message, request: Request, outcome: Outcome, attempt: Attempt
    ) -> None:
        """Say what became of a request, whatever it was."""
        match outcome:
            case Relayed():
                self.relayed(message, request, outcome, attempt)
            case Deferred() | Unknown():
                self.deferred(message, request, outcome, attempt)
            case Failed():
                self.failed(message, request, outcome, attempt)
            case _:
                assert_never(outcome)

    def relayed(
        self, message: Message, request: Request, outcome: Relayed, attempt: Attempt
    ) -> None:
        """Say that SES took a request."""
        facts = _request_facts(message, request, attempt)
        facts |= {
            "ses_message_id": outcome.ses_message_id,
            "ses_request_id": outcome.ses_request_id,
            "tags": _own_tags(message),
            "dsn": _wishes(message, request),
        }
        self._asked(message, "relayed", attempt)
        self._count(message, "relayed", len(request.recipients), request)
        self._metrics.charge(len(request.recipients))
        self._recorder.record(Event.MESSAGE_RELAYED, Level.INFO, facts, request.recipients)

    def deferred(
        self, message: Message, request: Request, outcome: Deferred | Unknown, attempt: Attempt
    ) -> None:
        """Say that a request is put off; an answer that never came is `cause: lost_answer`."""
        facts = _request_facts(message, request, attempt)
        facts |= {"reply": str(outcome.reply), "detail": outcome.detail}
        match outcome:
            case Deferred(cause=cause):
                facts |= {
                    "cause": cause.word,
                    "scope": str(outcome.scope),
                    "ses_request_id": outcome.ses_request_id,
                }
            case Unknown():
                cause = Cause.LOST_ANSWER
                facts |= {"cause": cause.word}
            case _:
                assert_never(outcome)
        self._asked(message, cause.word, attempt)
        self._count(message, "deferred", len(request.recipients), request)
        level = Level.WARNING if cause.alarm else Level.INFO
        self._recorder.record(Event.MESSAGE_DEFERRED, level, facts, request.recipients)

    def failed(self, message: Message, request: Request, outcome: Failed, attempt: Attempt) -> None:
        """Say that SES refused a request for good, or the recipients it named."""
        facts = _request_facts(message, request, attempt)
        facts |= {
            "reply": str(outcome.reply),
            "detail": outcome.detail,
            "ses_request_id": outcome.ses_request_id,
        }
        refused = [
            address
            for address in request.recipients
            if outcome.recipients is None or address in outcome.recipients
        ]
        self._asked(message, "failed", attempt)
        self._count(message, "failed", len(refused), request)
        self._recorder.record(Event.MESSAGE_FAILED, Level.WARNING, facts, refused)

    def expired(self, message: Message, recipients: tuple[Address, ...], reply: Reply) -> None:
        """Say that a message's lifetime ended before SES took it for these recipients."""
        facts = message_facts(message) | {"reply": str(reply)}
        self._count(message, "expired", len(recipients))
        self._recorder.record(Event.MESSAGE_EXPIRED, Level.WARNING, facts, recipients)

    def held(self, message: Message, reason: str) -> None:
        """Say that a message waits for somebody to release it."""
        facts = message_facts(message) | {"reason": reason}
        recipients = [recipient.address for recipient in message.recipients]
        self._count(message, "held", len(recipients))
        self._recorder.record(Event.MESSAGE_HELD, Level.WARNING, facts, recipients)

    def released(self, message: Message, reason: str) -> None:
        """Say that a held message goes on."""
        facts = message_facts(message) | {"reason": reason}
        recipients = [recipient.address for recipient in message.recipients]
        self._count(message, "released", len(recipients))
        self._recorder.record(Event.MESSAGE_RELEASED, Level.INFO, facts, recipients)

    def discarded(
        self, client: Client, sender: Address | None, recipient: Address, *, reason: str
    ) -> None:
        """Say that one recipient's copy was thrown away, because the operator wrote so."""
        facts = client_facts(client) | {"sender": sender_of(sender), "reason": reason}
        user = client.user or "-"
        self._messages(user, "discarded").inc()
        self._recipients(user, "discarded").inc()
        self._recorder.record(Event.MESSAGE_DISCARDED, Level.INFO, facts, (recipient,))

    def bounced(self, message: Message, bounce: Message) -> None:
        """Say that the failure of `message` is reported to somebody by `bounce`."""
        facts = message_facts(message) | {"bounce_queue_id": bounce.id}
        recipients = [recipient.address for recipient in bounce.recipients]
        self._count(message, "bounced", len(recipients))
        self._recorder.record(Event.MESSAGE_BOUNCED, Level.INFO, facts, recipients)

    def suppressed(self, reason: str) -> None:
        """Count a recipient that the suppression list kept from mail. No log line."""
        self._metrics.suppressed.labels(reason).inc()

    def _count(
        self, message: Message, outcome: str, recipients: int, request: Request | None = None
    ) -> None:
        if request is None or request.number == 1:
            self._messages(message.user, outcome).inc()
        self._recipients(message.user, outcome).inc(recipients)

    def _asked(self, message: Message, result: str, attempt: Attempt) -> None:
        if attempt.duration_s is not None:
            self._requests(message.route, result).inc()
            self._seconds(message.route).observe(attempt.duration_s)


def message_facts(message: Message) -> Facts:
    """Give the facts of a message that stand on each of its lines."""
    return {
        "session_id": message.session_id,
        "queue_id": message.id,
        "user": message.user,
        "sender": sender_of(message.sender),
        "route": message.route,
    }


def _own_tags(message: Message) -> Facts:
    """Give the tags that the operator set; ours are facts of their own."""
    return {
        name: value
        for name, value in message.parameters.tags
        if name not in (TAG_QUEUE_ID, TAG_USER)
    }


def _wishes(message: Message, request: Request) -> Facts:
    """Give what the sender asked of reports (RFC 3461), for those who may bounce late."""
    said = {"ret": message.ret, "envid": message.envid}
    wishes: Facts = {name: word for name, word in said.items() if word}
    wishing = [one for one in message.recipients if one.notify or one.orcpt]
    if wishing:
        here = {address.key for address in request.recipients}
        wishes["recipients"] = {
            str(one.address): {"notify": ",".join(sorted(one.notify)), "orcpt": one.orcpt or ""}
            for one in wishing
            if one.address.key in here
        }
    return wishes


def _request_facts(message: Message, request: Request, attempt: Attempt) -> Facts:
    return message_facts(message) | {
        "request": request.number,
        "attempt": attempt.number,
        "duration_ms": milliseconds(attempt.duration_s),
        "delay_s": None if attempt.delay_s is None else round(attempt.delay_s, 1),
        "size": message.size,
    }
