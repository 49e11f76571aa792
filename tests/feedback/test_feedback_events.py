"""Events are read in either format and any wrapper; what is none says why."""

import json
from datetime import UTC, datetime

import pytest
import said
from hypothesis import given
from hypothesis import strategies as st

from relay.feedback.events import (
    Bounce,
    Complaint,
    Delay,
    Delivery,
    Other,
    Reject,
    Unreadable,
    read,
    unwrap,
)
from relay.feedback.fields import read_time
from relay.model.address import Address


def event_of(body):
    inner = unwrap(body)
    return inner if isinstance(inner, Unreadable) else read(inner)


@pytest.mark.parametrize("tags", [said.OURS, None], ids=["configuration set", "identity"])
def test_a_bounce_is_read_in_either_format(tags):
    bounce = event_of(said.bounce("Permanent/General", "X@Example.org", tags=tags))
    assert isinstance(bounce, Bounce)
    assert (bounce.type, bounce.subtype) == ("Permanent", "General")
    [one] = bounce.recipients
    assert (one.address, one.status) == (Address("X", "Example.org"), "5.1.1")
    assert one.diagnostic == "smtp; 550 5.1.1 nobody here"
    assert bounce.at == datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
    assert bounce.mail.ses_message_id == said.SES_ID
    assert bounce.mail.destinations == ("X@Example.org",)
    assert (bounce.mail.queue_id, bounce.mail.user) == (("q1", "tickets") if tags else ("", ""))


def test_both_formats_of_one_incident_have_one_key():
    tagged, plain = event_of(said.bounce()), event_of(said.bounce(tags=None))
    assert tagged.key == plain.key
    assert event_of(said.bounce(feedback_id="F2")).key != tagged.key
    assert event_of(said.complaint(feedback_id="F1")).key != tagged.key


def test_a_delivery_has_a_key_of_its_recipients_and_time():
    keys = {
        event_of(body).key
        for body in (
            said.delivery("a@example.org"),
            said.delivery("b@example.org"),
            said.delivery("a@example.org", at=said.SENT),
            said.delivery("a@example.org", ses_id="other"),
        )
    }
    assert len(keys) == 4
    assert event_of(said.delivery("a@example.org")).key in keys


def test_the_other_kinds_are_read():
    complaint = event_of(said.complaint(feedback="not-spam"))
    assert isinstance(complaint, Complaint)
    assert (complaint.feedback, complaint.subtype) == ("not-spam", "")
    delivery = event_of(said.delivery())
    assert isinstance(delivery, Delivery)
    assert delivery.recipients[0].diagnostic == "250 2.0.0 thank you"
    delay = event_of(
        said.event(
            "DeliveryDelay",
            {
                "delayType": "MailboxFull",
                "delayedRecipients": [{"emailAddress": "x@example.org", "status": "4.2.2"}],
                "timestamp": said.AT,
            },
        )
    )
    assert isinstance(delay, Delay)
    assert (delay.type, delay.recipients[0].status) == ("MailboxFull", "4.2.2")
    reject = event_of(said.event("Reject", {"reason": "Bad content"}))
    assert isinstance(reject, Reject)
    assert reject.reason == "Bad content"


@pytest.mark.parametrize(
    "kind", ["Send", "Open", "Click", "Rendering Failure", "Subscription", "Invented"]
)
def test_what_changes_nothing_is_told_apart(kind):
    assert event_of(json.dumps({"eventType": kind})) == Other(kind=kind)


def test_wrappers_are_taken_off():
    bare = said.bounce()
    expected = event_of(bare)
    assert event_of(said.wrapped(bare)) == expected
    assert event_of(said.wrapped(json.loads(bare))) == expected
    bridge = {"source": "aws.ses", "detail-type": "Email Bounced", "detail": json.loads(bare)}
    assert event_of(json.dumps(bridge)) == expected


def test_the_greeting_of_a_topic_is_no_poison():
    text = "Successfully validated SNS topic for Amazon SES event publishing."
    assert event_of(said.wrapped(text)) == Other(kind="topic validated")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "the body is no JSON object"),
        ("[1]", "the body is no JSON object"),
        ("[" * 100_000, "the body is no JSON object"),
        (said.wrapped("hello"), "no JSON object"),
        ("{}", "neither eventType nor notificationType"),
        ('{"eventType": "Bounce"}', "mail.messageId is missing"),
        ('{"eventType": "Bounce", "mail": {"messageId": "m"}}', "mail.timestamp is no time"),
    ],
)
def test_junk_has_a_reason(body, reason):
    assert event_of(body) == Unreadable(reason)


@pytest.mark.parametrize(
    "written",
    ["2018-10-08T14:05:45 +0000", "2018-10-08T14:05:45.000Z", "2018-10-08T16:05:45+02:00"],
)
def test_times_are_read_as_ses_writes_them(written):
    assert read_time(written) == datetime(2018, 10, 8, 14, 5, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["", "soon", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"]
)
def test_times_that_are_none_are_none(written):
    assert read_time(written) is None


def test_unknown_and_misplaced_fields_do_no_harm():
    told = json.loads(said.bounce())
    told["bounce"]["bouncedRecipients"] += [
        7,
        {"emailAddress": None},
        {"emailAddress": "not an address"},
        {"emailAddress": "Bob <bob@example.org>", "new": {}},
    ]
    told["bounce"] |= {"new": [1], "reportingMTA": 5}
    told["mail"] |= {"new": 1, "headersTruncated": "false", "tags": {"a": "b", "c": ["d", 1]}}
    bounce = event_of(json.dumps(told))
    assert [str(one.address) for one in bounce.recipients] == ["x@example.org", "bob@example.org"]
    assert bounce.mail.tags == {"a": (), "c": ("d",)}


def test_an_address_that_the_receiver_rewrote_is_the_one_we_wrote_to():
    rewritten = event_of(said.bounce(destinations=("alias@example.net",)))
    assert [str(one.address) for one in rewritten.recipients] == ["alias@example.net"]
    of_two = event_of(said.bounce(destinations=("alias@example.net", "b@example.net")))
    assert [str(one.address) for one in of_two.recipients] == ["x@example.org"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
READ = (Bounce, Complaint, Delivery, Delay, Reject, Other, Unreadable)


@given(st.text())
def test_any_text_gives_a_value(text):
    assert isinstance(event_of(text), READ)
    assert isinstance(event_of(said.wrapped(text)), READ)


@given(st.data())
def test_any_value_in_any_place_gives_a_value(data):
    told = json.loads(
        data.draw(st.sampled_from([said.bounce(), said.complaint(), said.delivery()]))
    )
    place = told
    while True:
        name = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[name], dict) or not place[name] or data.draw(st.booleans()):
            place[name] = data.draw(JSON)
            break
        place = place[name]
    assert isinstance(event_of(json.dumps(told)), READ)
