"""What events teach: taken in once, whole, and in any order to the same end."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from stored import AT, later

from relay.model.address import Address
from relay.model.envelope import Notify, Recipient, Ret
from relay.model.ports import (
    FullMailboxes,
    Learned,
    Lesson,
    Sent,
    Subject,
    Suppressed,
    Tally,
    Waiting,
)
from relay.stores.none import NoLessons, NoSendings, NoTallies

BOB = Address("bob", "example.org")
DAY = 86_400.0


def entry(reason="bounce", since=0.0, until=None, note="", address="bob@example.org"):
    return Suppressed(
        address=address,
        reason=reason,
        since=later(since),
        until=None if until is None else later(until),
        note=note,
    )


def tally(name="tickets", **counted):
    return Tally(subject=Subject.USER, name=name, slot=AT, **counted)


def lesson(key, *suppress, **more):
    return Lesson(key=key, at=AT, suppress=suppress, **more)


# --- Each event once -----------------------------------------------------------------------------


async def test_an_event_is_taken_in_once_over_restarts(kept):
    shared = (await kept.open()).shared
    first = lesson("k1", entry(), tallies=(tally(bounced=1),))
    assert await shared.lessons.learn(first) == Learned(fresh=True, suppressed=(entry(),))
    assert (await shared.suppression.suppressed(BOB, AT)).reason == "bounce"
    assert await shared.suppression.unsuppress(["bob@example.org"]) == ["bob@example.org"]
    again = (await kept.after_a_crash()).shared
    assert await again.lessons.learn(first) == Learned(fresh=False)
    assert await again.suppression.suppressed(BOB, AT) is None
    assert await again.tallies.tallied(AT) == [tally(bounced=1)]


async def test_an_event_is_forgotten_when_no_queue_can_hold_it_any_more(kept):
    lessons = (await kept.open()).shared.lessons
    await lessons.learn(lesson("k1"))
    await lessons.learn(replace(lesson("k2"), at=AT + timedelta(days=31)))
    assert (await lessons.learn(lesson("k1"))).fresh


async def test_only_who_got_mail_until_now_is_told_of(kept):
    lessons = (await kept.open()).shared.lessons
    until_monday = entry("ses_global_list", until=DAY)
    assert (await lessons.learn(lesson("k1", until_monday))).suppressed == (until_monday,)
    assert (await lessons.learn(lesson("k2", entry()))).suppressed == ()
    past = entry("ses_global_list", since=-2 * DAY, until=-DAY, address="amy@example.org")
    assert (await lessons.learn(lesson("k3", past))).suppressed == ()
    back = entry(address="amy@example.org")
    assert (await lessons.learn(lesson("k4", back))).suppressed == (back,)


STORY = (
    entry("ses_global_list", since=50, until=14 * DAY),
    entry("complaint", since=30),
    entry("bounce", since=20, note="b"),
    entry("bounce", since=20, note="a"),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(STORY))))[::5])
async def test_no_order_gives_another_list(folder, order):
    shared = (await folder.open()).shared
    for place in order:
        await shared.lessons.learn(lesson(f"k{place}", STORY[place]))
    assert await shared.suppression.listed("", 9) == [STORY[3]]


async def test_an_operators_entry_for_good_stays(kept):
    shared = (await kept.open()).shared
    manual = entry("manual", since=100, note="asked by phone")
    await shared.suppression.suppress([manual])
    await shared.lessons.learn(lesson("k1", entry("bounce", since=0)))
    assert await shared.suppression.listed("", 9) == [manual]


# --- Full mailboxes ------------------------------------------------------------------------------


def full(key, day, limit=3):
    at = later(day * DAY)
    return Lesson(
        key=key, at=AT, full=FullMailboxes(addresses=("Bob@example.org",), at=at, limit=limit)
    )


@pytest.mark.parametrize("days", [(0, 10, 29), (29, 10, 0), (10, 29, 0)])
async def test_the_third_full_mailbox_within_30_days_suppresses_for_30(kept, days):
    shared = (await kept.open()).shared
    for number, day in enumerate(days[:2]):
        assert (await shared.lessons.learn(full(f"k{number}", day))).suppressed == ()
    [told] = (await shared.lessons.learn(full("k2", days[2]))).suppressed
    assert (told.reason, told.since, told.until) == (
        "mailbox_full",
        later(29 * DAY),
        later(59 * DAY),
    )
    assert await shared.suppression.suppressed(BOB, AT) is not None


async def test_full_mailboxes_further_apart_do_not_count_together(kept):
    lessons = (await kept.open()).shared.lessons
    for number, day in enumerate((0, 20, 40, 60)):
        assert (await lessons.learn(full(f"k{number}", day))).suppressed == ()


# --- Events that wait ----------------------------------------------------------------------------


def waiting(key="k1", seconds=10.0, **more):
    return Waiting(key=key, event="{}", first_seen=AT, look_at=later(seconds), **more)


async def test_an_event_waits_until_it_is_settled_once(kept):
    first = (await kept.open()).shared
    await first.lessons.learn(lesson("k1", waiting=waiting(counted=True)))
    shared = (await kept.after_a_crash()).shared
    assert await shared.lessons.waiting(later(9), 5) == []
    assert await shared.lessons.waiting(later(10), 5) == [waiting(counted=True)]
    await shared.lessons.put_off("k1", later(60))
    assert await shared.lessons.waiting(later(59), 5) == []
    assert await shared.lessons.waiting(later(60), 5) == [
        waiting(seconds=60, looks=1, counted=True)
    ]
    assert await shared.lessons.settle("k1", [tally(bounced=1)]) is True
    assert await shared.lessons.settle("k1", [tally(bounced=1)]) is False
    assert await shared.tallies.tallied(AT) == [tally(bounced=1)]
    assert await shared.lessons.waiting(later(999), 5) == []


# --- Tallies -------------------------------------------------------------------------------------


async def test_tallies_add_up_and_old_ones_are_forgotten(kept):
    tallies = (await kept.open()).shared.tallies
    route = Tally(subject=Subject.ROUTE, name="default", slot=later(600), relayed=2)
    await tallies.add([tally(relayed=5), route])
    await tallies.add([tally(relayed=1, bounced=2, complained=3, simulated=4)])
    both = tally(relayed=6, bounced=2, complained=3, simulated=4)
    assert await tallies.tallied(AT) == [both, route]
    assert await tallies.tallied(later(1)) == [route]
    assert await tallies.tallied(AT) == [route]


async def test_tallies_are_summed_up_by_name_and_stay(kept):
    shared = (await kept.open()).shared
    await shared.tallies.add(
        [
            tally("tickets", messages=1, relayed=2, simulated=7),
            tally("News", messages=1, relayed=1),
            replace(tally(messages=3, relayed=4, bounced=2, complained=1), slot=later(600)),
            replace(tally("default", messages=9), subject=Subject.ROUTE),
        ]
    )
    await shared.tallies.add([tally("tickets", messages=1)])
    beside = await kept.guest()
    assert await beside.tallies.summed(Subject.USER, later(1)) == [
        Tally(
            subject=Subject.USER,
            name="tickets",
            slot=later(600),
            messages=3,
            relayed=4,
            bounced=2,
            complained=1,
        )
    ]
    assert await beside.tallies.summed(Subject.USER, AT) == [
        tally("News", messages=1, relayed=1),
        tally(messages=5, relayed=6, bounced=2, complained=1, simulated=7),
    ]


# --- Our own record ------------------------------------------------------------------------------


def relayed(**facts):
    return {
        "session_id": "s1",
        "queue_id": "q1",
        "user": "tickets",
        "sender": "alice@example.com",
        "route": "default",
        "ses_message_id": "0102-A-000000",
        "recipients": ["bob@example.org"],
        **facts,
    }


async def noted(kept, *events):
    """Note events, and close, which waits for them; then open again to read."""
    stores = await kept.open()
    for facts in events:
        stores.shared.history.note("message.relayed", AT, facts)
    await stores.close()
    kept.opened.remove(stores)
    return (await kept.open()).shared.sendings


async def test_a_request_is_found_by_the_id_ses_gave_it(kept):
    sendings = await noted(
        kept,
        relayed(),
        relayed(ses_message_id="0102-B-000000", recipients=["amy@example.org"]),
    )
    assert await sendings.sent("0102-A-000000") == Sent(
        ses_message_id="0102-A-000000",
        queue_id="q1",
        session_id="s1",
        user="tickets",
        route="default",
        sender=Address("alice", "example.com"),
        recipients=(Recipient(BOB),),
        at=AT,
    )
    assert (await sendings.sent("0102-B-000000")).recipients[0].address.local == "amy"
    for unknown in ("0102-C-000000", "q1", "", "\udcff"):
        assert await sendings.sent(unknown) is None


async def test_what_the_sender_asked_for_is_found_with_it(kept):
    dsn = {
        "ret": "HDRS",
        "envid": "E+2B1",
        "recipients": {"bob@example.org": {"notify": "FAILURE,DELAY", "orcpt": "rfc822;b@x"}},
    }
    sendings = await noted(kept, relayed(dsn=dsn, sender="<>", tags={"app": "a"}))
    found = await sendings.sent("0102-A-000000")
    [recipient] = found.recipients
    assert recipient == Recipient(BOB, frozenset({Notify.FAILURE, Notify.DELAY}), "rfc822;b@x")
    assert (found.sender, found.ret, found.envid) == (None, Ret.HEADERS, "E+2B1")
    assert found.tags == {"app": "a"}


async def test_a_relay_without_a_store_tells_and_forgets():
    assert await NoLessons().learn(lesson("k1", entry())) == Learned(fresh=True, kept=False)
    assert not await NoLessons().waiting(AT, 5)
    assert await NoLessons().put_off("k1", AT) is None
    assert await NoLessons().settle("k1") is False
    assert await NoSendings().sent("x") is None
    assert await NoTallies().add([tally()]) is None
    assert not await NoTallies().tallied(AT)
    assert not await NoTallies().summed(Subject.USER, AT)
