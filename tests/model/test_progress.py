"""Each outcome moves an entry by one pure step."""

from datetime import UTC, datetime, timedelta

import pytest

from relay.model import replies
from relay.model.address import Address
from relay.model.content import Content
from relay.model.entry import EntryRequest, Held, QueueEntry, RequestState
from relay.model.envelope import Recipient
from relay.model.message import Message, Parameters
from relay.model.outcome import Cause, Deferred, Failed, Relayed, Scope, ScopeKind, Unknown
from relay.model.progress import Times, after, expired, interrupted
from relay.model.reply import Reply
from relay.model.settings import Lane

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TIMES = Times(
    now=NOW,
    retry_at=NOW + timedelta(seconds=15),
    retry_unknown_at=NOW + timedelta(minutes=10),
)
A, B, C = (Address(local, "example.org") for local in "abc")
REFUSED = Reply(550, "5.7.1", "not verified")


def entry(*requests, **fields):
    message = Message(
        id="q1",
        session_id="s1",
        user="tickets",
        route="default",
        lane=Lane.TRANSACTIONAL,
        sender=Address("t", "example.com"),
        source=Address("t", "example.com"),
        recipients=(Recipient(A), Recipient(B), Recipient(C)),
        content=Content((), b""),
        parameters=Parameters(),
        authors=(),
        message_id="",
        received_at=NOW,
        size=0,
    )
    requests = requests or (EntryRequest(number=1, recipients=(A, B, C)),)
    known = {
        "id": "q1",
        "version": 1,
        "message": message,
        "requests": requests,
        "attempts": 0,
        "next_attempt_at": NOW,
        "expires_at": NOW + timedelta(days=4),
    }
    return QueueEntry(**{**known, **fields})


def deferred(cause, scope=None, not_before=None):
    return Deferred(
        cause=cause,
        scope=scope or Scope(ScopeKind.MESSAGE, "q1"),
        reply=replies.NOT_KEPT,
        not_before=not_before,
    )


def test_relayed_closes_its_request_and_leaves_the_others():
    two = (EntryRequest(number=1, recipients=(A,)), EntryRequest(number=2, recipients=(B,)))
    moved = after(entry(*two), 1, Relayed(ses_message_id="m"), TIMES).entry
    assert [r.state for r in moved.requests] == [RequestState.RELAYED, RequestState.PENDING]
    assert moved.requests[0].ses_message_id == "m"
    assert [r.number for r in moved.open_requests] == [2]


def test_failed_refuses_the_whole_request():
    progress = after(entry(), 1, Failed(reply=REFUSED), TIMES)
    assert progress.refused.recipients == (A, B, C)
    assert progress.entry.open_requests == ()


def test_a_refusal_that_names_some_lets_the_others_go_on_alone():
    progress = after(entry(), 1, Failed(reply=REFUSED, recipients=frozenset({B})), TIMES)
    assert progress.refused.recipients == (B,)
    states = {r.number: (r.state, r.recipients) for r in progress.entry.requests}
    assert states == {1: (RequestState.FAILED, (B,)), 2: (RequestState.PENDING, (A, C))}
    assert progress.entry.next_attempt_at == NOW


def test_a_bad_recipient_that_is_not_named_is_found_by_sending_one_by_one():
    moved = after(entry(), 1, deferred(Cause.UNNAMED_RECIPIENT), TIMES).entry
    assert [r.recipients for r in moved.requests] == [(A,), (B,), (C,)]
    assert [r.number for r in moved.requests] == [2, 3, 4]
    assert moved.attempts == 0


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause.counts_as_attempt])
def test_causes_that_count_are_counted(cause):
    assert after(entry(), 1, deferred(cause), TIMES).entry.attempts == 1


@pytest.mark.parametrize("cause", [Cause.QUOTA, Cause.ACCOUNT_PAUSED, Cause.HELD])
def test_causes_of_the_account_count_no_attempt(cause):
    moved = after(entry(), 1, deferred(cause), TIMES).entry
    assert moved.attempts == 0
    assert moved.next_attempt_at == TIMES.retry_at


@pytest.mark.parametrize("cause", [Cause.RATE, Cause.WAITING, Cause.STOPPING])
def test_what_only_waits_for_its_turn_is_due_at_once(cause):
    moved = after(entry(), 1, deferred(cause), TIMES).entry
    assert moved.attempts == 0
    assert moved.next_attempt_at == NOW


def test_an_entry_expires_after_an_attempt_when_its_lifetime_is_over():
    old = entry(expires_at=NOW)
    ended = expired(old, NOW, replies.EXPIRED)
    assert ended.entry.requests[0].state is RequestState.EXPIRED
    assert ended.refused.recipients == (A, B, C)
    assert expired(entry(), NOW, replies.EXPIRED).refused is None


@pytest.mark.parametrize("still", [{"paused_since": NOW}, {"held": Held(reason="operator")}])
def test_nothing_expires_while_its_lifetime_stands_still(still):
    assert expired(entry(expires_at=NOW, **still), NOW, replies.EXPIRED).refused is None


def test_a_request_found_in_flight_has_lost_its_answer():
    flying = (EntryRequest(number=1, recipients=(A,), state=RequestState.IN_FLIGHT),)
    taken_up = interrupted(entry(*flying, lease_until=NOW), TIMES, replies.ANSWER_LOST)
    assert taken_up.requests[0].state is RequestState.UNKNOWN
    assert taken_up.lease_until is None
    assert taken_up.next_attempt_at == TIMES.retry_unknown_at


def test_a_scope_that_ses_names_is_what_the_entry_waits_for():
    scope = Scope(ScopeKind.CONFIGURATION_SET, "news", "default")
    moved = after(entry(), 1, deferred(Cause.CONFIGURATION_SET, scope), TIMES).entry
    assert moved.waits_for == scope
    assert after(moved, 1, Relayed(ses_message_id="m"), TIMES).entry.waits_for is None


def test_an_unclassified_answer_waits_for_an_operator():
    moved = after(entry(), 1, deferred(Cause.UNCLASSIFIED), TIMES).entry
    assert moved.held is not None


def test_the_lifetime_stands_still_while_the_account_is_paused():
    first = entry()
    expiry = first.expires_at
    paused = after(first, 1, deferred(Cause.ACCOUNT_PAUSED), TIMES).entry
    later = NOW + timedelta(hours=5)
    again = after(
        paused,
        1,
        deferred(Cause.ACCOUNT_PAUSED),
        Times(now=later, retry_at=later, retry_unknown_at=later),
    ).entry
    much_later = later + timedelta(hours=1)
    ended = after(
        again,
        1,
        deferred(Cause.NETWORK),
        Times(now=much_later, retry_at=much_later, retry_unknown_at=much_later),
    ).entry
    assert ended.expires_at == expiry + timedelta(hours=6)
    assert ended.paused_since is None


def test_a_lost_answer_goes_once_more_later_and_then_to_an_operator():
    lost = Unknown(reply=replies.NOT_KEPT)
    once = after(entry(), 1, lost, TIMES).entry
    assert once.requests[0].state is RequestState.UNKNOWN
    assert once.next_attempt_at == TIMES.retry_unknown_at
    assert once.held is None
    twice = after(once, 1, lost, TIMES).entry
    assert twice.held is not None


def test_only_requests_that_are_due_are_made():
    waiting = EntryRequest(number=1, recipients=(A,), not_before=NOW + timedelta(seconds=1))
    due = EntryRequest(number=2, recipients=(B,))
    assert [r.number for r in entry(waiting, due).due_requests(NOW)] == [2]
