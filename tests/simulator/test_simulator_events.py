"""What becomes of accepted mail, and how the simulator tells of it."""

import asyncio
import json
from datetime import timedelta

import aioboto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from relay.simulator import (
    ConfigurationSet,
    HttpRequest,
    Simulator,
    Suppressed,
    SuppressionReason,
    running,
)
from relay.simulator.queue import Queue

SIM = "simulator.amazonses.com"


@pytest.fixture
def control(simulator):
    def call(method, path, document=None):
        body = b"" if document is None else json.dumps(document).encode()
        answer = simulator.respond(HttpRequest(method, f"/_simulator/{path}", body=body)).answer
        return answer.status, json.loads(answer.body) if answer.body else None

    return call


def events(control):
    return [one["event"] for one in control("GET", "events")[1]]


def received(simulator, most=10, visibility_s=30.0):
    now = simulator.service.clock()
    return simulator.service.publisher.queue.receive(most, visibility_s, now)


# --- What happens --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mailbox", "told"),
    [
        ("success", ["Delivery"]),
        ("bounce", ["Permanent/General"]),
        ("complaint", ["Delivery", "abuse"]),
        ("ooto", ["Delivery", "Transient/General"]),
        ("suppressionlist", ["Permanent/Suppressed"]),
        ("invented", ["Delivery"]),
    ],
)
@pytest.mark.parametrize("label", ["", "+label"])
def test_the_mailbox_simulator_answers_as_ses_s_does(control, send, mailbox, told, label):
    message = send.accepted(destinations=(f"{mailbox}{label}@{SIM}",))
    found = []
    for event in events(control):
        assert event["mail"]["messageId"] == message.id
        match event["notificationType"]:
            case "Bounce":
                bounce = event["bounce"]
                found.append(f"{bounce['bounceType']}/{bounce['bounceSubType']}")
                assert bounce["bouncedRecipients"][0]["emailAddress"] == f"{mailbox}{label}@{SIM}"
            case "Complaint":
                found.append(event["complaint"]["complaintFeedbackType"])
            case kind:
                found.append(kind)
    assert found == told


def test_bounces_of_one_request_are_told_in_one_event(control, send):
    send.accepted(destinations=(f"bounce+a@{SIM}", f"bounce+b@{SIM}", "ordinary@y.example"))
    [event] = events(control)
    named = [one["emailAddress"] for one in event["bounce"]["bouncedRecipients"]]
    assert named == [f"bounce+a@{SIM}", f"bounce+b@{SIM}"]
    assert event["mail"]["destination"] == [*named, "ordinary@y.example"]


def test_the_accounts_own_list_bounces_what_it_has(control, send):
    entry = Suppressed(address="a@y.example", reason=SuppressionReason.BOUNCE)
    send.account(suppressed={"a@y.example": entry})
    send.accepted(destinations=("A@y.example",))
    [event] = events(control)
    assert event["bounce"]["bounceSubType"] == "OnAccountSuppressionList"


def test_fates_of_ordinary_addresses_are_scripted(control, send):
    bounce = {"recipient": "*@y.example", "times": 2, "kind": "Bounce", "status": "5.2.1"}
    status, shown = control("POST", "fates", bounce)
    assert status == 201
    assert (shown["type"], shown["subtype"], shown["times"]) == ("Permanent", "General", 2)
    control("POST", "fates", {"recipient": "c@*", "kind": "Complaint", "feedback": "other"})
    for recipient in ("a@y.example", "b@z.example", "B@Y.example", "d@y.example", "c@z.example"):
        send.accepted(destinations=(recipient,))
    assert [one["recipients"] for one in control("GET", "events")[1]] == [
        ["a@y.example"],
        ["B@Y.example"],
        ["c@z.example"],
    ]
    assert len(control("GET", "fates")[1]) == 1
    assert control("DELETE", "fates") == (204, None)
    assert control("GET", "fates") == (200, [])


def test_deliveries_are_told_when_asked_for(control, send):
    send.accepted()
    control("PUT", "publishing", {"deliveries": True})
    send.accepted()
    [event] = events(control)
    assert event["delivery"]["recipients"] == ["to@elsewhere.example"]


@pytest.mark.parametrize("kind", ["Bounce", "Complaint", "Delivery", "DeliveryDelay", "Reject"])
def test_anything_can_happen_to_a_message_later(control, send, clock, kind):
    control("PUT", "publishing", {"format": "configuration_set"})
    message = send.accepted()
    clock.advance(hours=1)
    asked = {"message_id": message.id, "kind": kind}
    assert control("POST", "events", asked) == (204, None)
    [one] = control("GET", "events")[1]
    assert (one["kind"], one["at"]) == (kind, "2026-01-01T01:00:00+00:00")
    assert control("DELETE", "events") == (204, None)
    assert control("GET", "events") == (200, [])


def test_wrong_requests_are_answered_with_every_fault(control, send):
    message = send.accepted()
    status, told = control("POST", "fates", {"kind": "X", "times": 0.5, "new": 1})
    assert status == 400
    assert told["error"] == (
        "new: unknown (known here: delay_s, diagnostic, feedback, kind, recipient, status, "
        "subtype, times, type); recipient: is needed: an address or a pattern such as "
        "*@example.org; times: must be a whole number from 1, or left out; kind: must be one of "
        "Bounce, Complaint, Delivery, DeliveryDelay, Reject"
    )
    for path, document, wrong in (
        ("events", {"message_id": "x", "kind": "Bounce"}, "message_id: there is no such message"),
        ("events", {"message_id": message.id, "kind": "Bounce", "delay_s": -1}, "delay_s: must be"),
    ):
        status, told = control("POST", path, document)
        assert (status, told["error"].startswith(wrong)) == (400, True)
    status, told = control("PUT", "publishing", {"format": "x", "copies": 11, "delay_s": -1})
    assert (status, told["error"].count(";")) == (400, 2)


# --- How it is told ------------------------------------------------------------------------------


def test_a_configuration_set_tells_with_tags_and_headers(control, simulator, send):
    control("PUT", "publishing", {"format": "configuration_set"})
    send.accepted(
        b"From: a@example.com\r\nSubject: Hi\r\nX-Long: " + b"x" * 900 + b"\r\n\r\nHello\r\n",
        destinations=(f"bounce@{SIM}",),
        tags=(("app", "shop"),),
    )
    [event] = events(control)
    assert event["eventType"] == "Bounce"
    assert event["mail"]["tags"]["app"] == ["shop"]
    assert event["mail"]["headers"][:2] == [
        {"name": "From", "value": "a@example.com"},
        {"name": "Subject", "value": "Hi"},
    ]
    assert event["mail"]["headersTruncated"] is False
    assert event["mail"]["commonHeaders"] == {"from": ["a@example.com"], "subject": "Hi"}


def test_long_headers_are_cut_off(control, send):
    control("PUT", "publishing", {"format": "configuration_set"})
    lines = b"".join(b"X-Long: " + b"x" * 900 + b"\r\n" for _ in range(20))
    send.accepted(b"From: a@example.com\r\n" + lines + b"\r\n", destinations=(f"bounce@{SIM}",))
    [event] = events(control)
    assert event["mail"]["headersTruncated"] is True
    assert len(event["mail"]["headers"]) == 12


def test_both_formats_tell_of_one_incident(control, simulator, send):
    status, shown = control("PUT", "publishing", {"format": "both", "wrapped": False})
    assert (status, shown) == control("GET", "publishing")
    send.accepted(destinations=(f"bounce@{SIM}",))
    bodies = [json.loads(one.body) for one in received(simulator)]
    assert [sorted(body)[1:] for body in bodies] == [
        ["eventType", "mail"],
        ["mail", "notificationType"],
    ]
    assert len({body["bounce"]["feedbackId"] for body in bodies}) == 1


def test_events_come_wrapped_late_and_more_than_once(control, simulator, send, clock):
    control("PUT", "publishing", {"copies": 3, "delay_s": 30})
    send.accepted(destinations=(f"bounce@{SIM}",))
    clock.advance(seconds=29)
    assert received(simulator) == []
    clock.advance(seconds=1)
    bodies = [json.loads(one.body) for one in received(simulator)]
    assert [body["Type"] for body in bodies] == ["Notification"] * 3
    assert len({body["Message"] for body in bodies}) == 1


def test_disorder_loses_nothing(control, simulator, send):
    control("PUT", "publishing", {"shuffled": True, "wrapped": False})
    names = [f"bounce+{number}@{SIM}" for number in range(50)]
    for name in names:
        send.accepted(destinations=(name,))
    told = [json.loads(one.body)["mail"]["destination"][0] for one in received(simulator, 50)]
    assert told != names
    assert sorted(told) == sorted(names)


ALL = {"Bounce", "Complaint", "Delivery", "DeliveryDelay", "Reject"}


@pytest.mark.parametrize(
    ("form", "events", "told"),
    [
        ("identity", None, {"Bounce", "Complaint", "Delivery"}),
        ("configuration_set", None, ALL),
        ("auto", {"BOUNCE", "REJECT"}, {"Bounce", "Reject"}),
        ("auto", set(), set()),
    ],
)
def test_nobody_tells_of_more_than_he_does_at_ses(control, send, form, events, told):
    control("PUT", "publishing", {"format": form})
    given = {} if events is None else {"events": frozenset(events)}
    send.account(configuration_sets={"app": ConfigurationSet(**given)})
    message = send.accepted(configuration_set="app")
    for kind in sorted(ALL):
        control("POST", "events", {"message_id": message.id, "kind": kind})
    assert {one["kind"] for one in control("GET", "events")[1]} == told


# --- The queue -----------------------------------------------------------------------------------


def test_a_message_comes_again_until_it_is_deleted(clock):
    queue = Queue()
    queue.put("a", clock(), clock())
    [first] = queue.receive(10, 30, clock())
    assert queue.receive(10, 30, clock()) == []
    clock.advance(seconds=30)
    [second] = queue.receive(10, 30, clock())
    assert (second.id, second.count) == (first.id, 2)
    assert queue.show_at(second.receipt, clock())
    [third] = queue.receive(10, 30, clock())
    assert queue.delete(first.receipt)
    assert not queue.show_at(third.receipt, clock())
    clock.advance(seconds=99)
    assert queue.receive(10, 30, clock()) == []
    assert not queue.delete("junk")


def test_a_full_queue_drops_the_oldest_and_says_so(clock):
    queue = Queue(most=2)
    for body in "abc":
        queue.put(body, clock(), clock() + timedelta(seconds=5 * (body == "b")))
    assert (len(queue), queue.dropped) == (2, 1)
    assert [one.body for one in queue.receive(10, 30, clock())] == ["c"]
    queue.clear()
    assert (len(queue), queue.dropped) == (0, 0)


# --- Over the wire -------------------------------------------------------------------------------


def client(url):
    session = aioboto3.Session(
        aws_access_key_id="simulator", aws_secret_access_key="simulator", region_name="eu-west-1"
    )
    return session.client("sqs", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}))


async def test_aioboto3_reads_and_empties_the_queue():
    simulator = Simulator()
    async with running(simulator) as url, client(url) as sqs:
        queue = {"QueueUrl": f"{url}/123456789012/events"}
        sent = await sqs.send_message(MessageBody="one", **queue)
        await sqs.send_message(MessageBody="two", **queue)
        counts = await sqs.get_queue_attributes(AttributeNames=["All"], **queue)
        assert counts["Attributes"]["ApproximateNumberOfMessages"] == "2"
        first = (await sqs.receive_message(WaitTimeSeconds=20, **queue))["Messages"]
        assert [(one["MessageId"], one["Body"]) for one in first] == [(sent["MessageId"], "one")]
        [second] = (await sqs.receive_message(MaxNumberOfMessages=10, **queue))["Messages"]
        receipt = {"ReceiptHandle": second["ReceiptHandle"]}
        await sqs.change_message_visibility(VisibilityTimeout=0, **receipt, **queue)
        [again] = (await sqs.receive_message(**queue))["Messages"]
        await sqs.delete_message(ReceiptHandle=again["ReceiptHandle"], **queue)
        done = await sqs.delete_message_batch(
            Entries=[
                {"Id": "a", "ReceiptHandle": first[0]["ReceiptHandle"]},
                {"Id": "b", "ReceiptHandle": "junk"},
            ],
            **queue,
        )
        assert [one["Id"] for one in done["Successful"]] == ["a"]
        assert [one["Id"] for one in done["Failed"]] == ["b"]
        await sqs.send_message(MessageBody="three", **queue)
        await sqs.purge_queue(**queue)
        assert "Messages" not in await sqs.receive_message(**queue)


async def test_a_poll_waits_for_an_event(monkeypatch):
    simulator = Simulator()
    queue, looked = simulator.service.publisher.queue, asyncio.Event()

    def receive(*asked, give=queue.receive):
        looked.set()
        return give(*asked)

    monkeypatch.setattr(queue, "receive", receive)
    async with running(simulator) as url, client(url) as sqs:
        asked = {"QueueUrl": f"{url}/123456789012/events", "WaitTimeSeconds": 20}
        polling = asyncio.create_task(sqs.receive_message(**asked))
        await looked.wait()
        queue.put("late", simulator.service.clock(), simulator.service.clock())
        assert (await polling)["Messages"][0]["Body"] == "late"


@pytest.mark.parametrize(
    ("call", "asked", "code"),
    [
        ("receive_message", {"QueueUrl": "http://x/1/others"}, "NonExistentQueue"),
        ("receive_message", {"MaxNumberOfMessages": 11}, "InvalidParameterValue"),
        ("receive_message", {"VisibilityTimeout": -1}, "InvalidParameterValue"),
        ("delete_message", {"ReceiptHandle": "junk"}, "ReceiptHandleIsInvalid"),
        (
            "change_message_visibility",
            {"ReceiptHandle": "junk#1", "VisibilityTimeout": 1},
            "ReceiptHandleIsInvalid",
        ),
        ("delete_message_batch", {"Entries": []}, "InvalidParameterValue"),
        ("send_message", {"MessageBody": ""}, "InvalidParameterValue"),
        ("list_queues", {}, "InvalidAction"),
    ],
)
async def test_wrong_requests_are_refused(call, asked, code):
    async with running(Simulator()) as url, client(url) as sqs:
        given = {} if call == "list_queues" else {"QueueUrl": f"{url}/123456789012/events"}
        with pytest.raises(ClientError) as caught:
            await getattr(sqs, call)(**{**given, **asked})
        assert code in caught.value.response["Error"]["Code"]


async def test_a_foreign_key_reads_nothing():
    async with running(Simulator()) as url:
        session = aioboto3.Session(
            aws_access_key_id="x", aws_secret_access_key="y", region_name="eu-west-1"
        )
        async with session.client("sqs", endpoint_url=url) as sqs:
            with pytest.raises(ClientError):
                await sqs.receive_message(QueueUrl=f"{url}/123456789012/events")
