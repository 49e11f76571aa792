"""The memory of the dashboard: lives, states, bounds."""

import pytest
from fakes import START

from relay.model.custody import HistoryEvent
from relay.web import Recent


def note(recent, event, **facts):
    recent.note(event, START, facts)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        (["message.received"], "in work"),
        (["message.received", "message.deferred"], "deferred"),
        (["message.received", "message.deferred", "message.relayed"], "relayed"),
        (["message.received", "message.held", "message.released"], "in work"),
        (["message.received", "message.failed", "message.bounced"], "failed"),
        (["message.relayed", "feedback.delivery"], "delivered"),
        (["message.relayed", "feedback.delivery", "feedback.complaint"], "complaint"),
    ],
)
def test_the_last_event_gives_the_state(events, state):
    recent = Recent()
    for event in events:
        note(recent, event, queue_id="q")
    assert recent.life("q").state == state


def test_the_newest_message_comes_first():
    recent = Recent()
    for queue_id in ("a", "b", "a"):
        note(recent, "message.received", queue_id=queue_id)
    assert [life.queue_id for life in recent.lives()] == ["b", "a"]
    assert [life.queue_id for life in recent.lives(most=1)] == ["b"]


def test_the_oldest_message_falls_out():
    recent = Recent(most_messages=2)
    for queue_id in ("a", "b", "c"):
        note(recent, "message.received", queue_id=queue_id)
    assert recent.life("a") is None
    assert [life.queue_id for life in recent.lives()] == ["c", "b"]
    assert recent.totals["message.received"] == 3


def test_a_message_that_is_deferred_for_days_stays_small():
    recent = Recent()
    note(recent, "message.received", queue_id="q")
    for attempt in range(500):
        note(recent, "message.deferred", queue_id="q", attempt=attempt)
    events = recent.life("q").events
    assert len(events) == 60
    assert (events[0].event, events[-1].facts["attempt"]) == ("message.received", 499)


def test_a_long_list_of_recipients_is_cut():
    recent = Recent()
    many = [f"r{number}@example.net" for number in range(10_000)]
    note(recent, "message.received", queue_id="q", recipients=many)
    first = recent.life("q").first
    assert (len(first.recipients), first.facts["recipient_count"]) == (50, 10_000)


def test_what_belongs_to_no_message_is_a_notice():
    recent = Recent(most_notices=2)
    for number in range(3):
        note(recent, "smtp.refused", reply=f"550 {number}")
    assert [notice.text("reply") for notice in recent.notices()] == ["550 2", "550 1"]
    assert recent.lives() == []


@pytest.mark.parametrize("words", ["Q-17", "bob@EXAMPLE", "ses-9", "<1@x>", "tickets", "ann@"])
def test_a_message_is_found_by_whatever_names_it(words):
    recent = Recent()
    note(recent, "message.received", queue_id="q-16", sender="other@example.com")
    note(
        recent,
        "message.received",
        queue_id="q-17",
        user="tickets",
        sender="ann@example.com",
        recipients=["bob@example.org"],
        message_id="<1@x>",
    )
    note(recent, "message.relayed", queue_id="q-17", ses_message_id="ses-9")
    assert [life.queue_id for life in recent.lives(about=words)] == ["q-17"]


def test_a_message_is_found_by_the_id_of_ses():
    recent = Recent()
    note(recent, "message.relayed", queue_id="q-17", ses_message_id="ses-9")
    assert recent.relayed_as("ses-9").queue_id == "q-17"
    assert recent.relayed_as("ses-8") is None


def test_what_was_before_the_start_is_shown_and_not_counted():
    recent = Recent()
    recent.recall(
        [
            HistoryEvent(event="feedback.delivery", at=START, facts={"queue_id": "older"}),
            HistoryEvent(event="message.received", at=START, facts={"queue_id": "q"}),
            HistoryEvent(event="message.relayed", at=START, facts={"queue_id": "q"}),
            HistoryEvent(event="account.changed", at=START, facts={"route": "default"}),
        ]
    )
    [life] = recent.lives()
    assert (life.queue_id, life.state) == ("q", "relayed")
    assert [notice.event for notice in recent.notices()] == ["account.changed"]
    assert not recent.totals
