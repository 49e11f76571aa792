"""Suppression, holds, verdicts and history: shared by all who work on a store."""

import json
from datetime import timedelta

import pytest
from stored import AT, later

from relay.model.address import Address
from relay.model.custody import ScopeHold
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import SENDERS_KEPT, StoreFault, Suppressed, name_of_user
from relay.model.reply import Reply

BOB = Address("bob", "example.org")
SES = Scope(ScopeKind.IDENTITY, "example.com", "default")


def suppressed(address, **more):
    return Suppressed(address=address, reason="bounce", since=AT, **more)


# --- Suppression ---------------------------------------------------------------------------------


async def test_a_suppressed_address_is_found_whatever_its_case(kept):
    suppression = (await kept.open()).shared.suppression
    assert await suppression.suppressed(BOB, AT) is None
    entry = suppressed("Bob@Example.org", note="asked by phone")
    assert await suppression.suppress([entry]) is None
    for spelled in (BOB, Address("BOB", "example.ORG")):
        found = await suppression.suppressed(spelled, AT)
        assert found == suppressed("bob@example.org", note="asked by phone")
    for other in ("bobby", "bob+shop"):
        assert await suppression.suppressed(Address(other, "example.org"), AT) is None


async def test_a_suppression_ends(kept):
    suppression = (await kept.open()).shared.suppression
    await suppression.suppress([suppressed("bob@example.org", until=later(60))])
    assert (await suppression.suppressed(BOB, later(59))).until == later(60)
    assert await suppression.suppressed(BOB, later(60)) is None


async def test_an_address_is_removed_and_can_come_back(kept):
    suppression = (await kept.open()).shared.suppression
    await suppression.suppress([suppressed("bob@example.org")])
    assert await suppression.unsuppress(["BOB@example.org", "x@example.org"]) == ["bob@example.org"]
    assert await suppression.suppressed(BOB, AT) is None
    await suppression.suppress([suppressed("bob@example.org", note="again")])
    assert (await suppression.suppressed(BOB, AT)).note == "again"


async def test_the_list_is_paged_by_address(kept):
    suppression = (await kept.open()).shared.suppression
    await suppression.suppress([suppressed(f"{name}@example.org") for name in "dbca"])
    first = await suppression.listed("", 3)
    assert [one.address[0] for one in first] == ["a", "b", "c"]
    assert [one.address[0] for one in await suppression.listed(first[-1].address, 3)] == ["d"]


async def test_what_another_process_adds_is_known_within_a_second(kept):
    ours = (await kept.open()).shared.suppression
    theirs = (await kept.guest()).suppression
    assert await ours.suppressed(BOB, AT) is None
    await theirs.suppress([suppressed("bob@example.org")])
    kept.clock.advance(1)
    assert await ours.suppressed(BOB, AT) is not None
    await theirs.unsuppress(["bob@example.org"])
    assert await ours.suppressed(BOB, AT) is None


async def test_a_long_list_that_grows_in_many_steps_stays_complete(kept):
    suppression = (await kept.open()).shared.suppression
    for step in range(25):
        names = [f"u{step}-{number}@example.org" for number in range(450)]
        await suppression.suppress([suppressed(name) for name in names])
        assert await suppression.suppressed(Address(f"u{step}-7", "example.org"), AT) is not None
    for step in range(25):
        assert await suppression.suppressed(Address(f"u{step}-9", "example.org"), AT) is not None
    assert await suppression.suppressed(Address("u25-1", "example.org"), AT) is None


# --- Holds ---------------------------------------------------------------------------------------


async def test_a_hold_outlives_the_process_and_is_released(kept):
    hold = ScopeHold(scope=SES, held=Held(reason="looks odd"), since=AT)
    first = await kept.open()
    assert await first.shared.holds.hold(hold) is None
    second = (await kept.after_a_crash()).shared.holds
    assert await second.holds(AT) == [hold]
    assert await second.release(SES) is True
    assert await second.release(SES) is False
    assert await second.holds(AT) == []


async def test_a_hold_is_replaced_and_ends(kept):
    holds = (await kept.open()).shared.holds
    await holds.hold(ScopeHold(scope=SES, held=Held(reason="one"), since=AT))
    ending = ScopeHold(scope=SES, held=Held(reason="two", until=later(60)), since=later(1))
    await holds.hold(ending)
    assert await holds.holds(later(59)) == [ending]
    assert await holds.holds(later(60)) == []


# --- Verdicts ------------------------------------------------------------------------------------


async def test_an_unheard_verdict_is_given_once(kept):
    verdicts = (await kept.open()).shared.verdicts
    reply = Reply(250, "2.0.0", "Ok: queued as 4x")
    assert await verdicts.take(b"print", AT) is None
    assert await verdicts.keep(b"print", reply, later(60)) is None
    assert await verdicts.take(b"other", AT) is None
    assert await verdicts.take(b"print", AT) == reply
    assert await verdicts.take(b"print", AT) is None


async def test_a_verdict_is_owed_for_its_time_only(kept):
    verdicts = (await kept.open()).shared.verdicts
    await verdicts.keep(b"print", Reply(250, "2.0.0", "Ok"), later(60))
    assert await verdicts.take(b"print", later(60)) is None


async def test_a_verdict_outlives_the_process(kept):
    first = await kept.open()
    reply = Reply(554, "5.6.0", "no")
    await first.shared.verdicts.keep(b"print", reply, later(60))
    second = await kept.after_a_crash()
    assert await second.shared.verdicts.take(b"print", AT) == reply


# --- History -------------------------------------------------------------------------------------


async def noted(kept, *events):
    """Note events, and close, which waits for them; then open again to read."""
    stores = await kept.open()
    for event, at, facts in events:
        stores.shared.history.note(event, at, facts)
    await stores.close()
    kept.opened.remove(stores)
    return (await kept.open()).shared.history


LIFE = (
    ("smtp.connected", later(0), {"session_id": "s1", "client": "10.0.0.1"}),
    (
        "message.received",
        later(1),
        {
            "session_id": "s1",
            "queue_id": "q1",
            "message_id": "<M1@example.com>",
            "recipients": ["Bob@example.org", "ann@example.org"],
        },
    ),
    ("message.relayed", later(2), {"queue_id": "q1", "ses_message_id": "0102-ses"}),
    ("message.received", later(3), {"queue_id": "q2", "recipients": ["bob@example.org"]}),
    ("feedback.delivery", later(4), {"queue_id": "q1", "recipients": ["bob@example.org"]}),
)
Q1 = ["smtp.connected", "message.received", "message.relayed", "feedback.delivery"]


@pytest.mark.parametrize("what", ["q1", "0102-SES", "<m1@example.com>", "ann@example.org", "s1"])
async def test_a_life_is_found_by_any_of_its_names(kept, what):
    history = await noted(kept, *LIFE)
    assert [one.event for one in await history.trace(what, 100)] == Q1


async def test_a_recipient_leads_to_all_its_mail_in_order(kept):
    history = await noted(kept, *LIFE)
    found = await history.trace("BOB@example.org", 100)
    assert [(one.event, one.at) for one in found] == [(event, at) for event, at, _ in LIFE]
    assert found[1].facts == LIFE[1][2]
    assert await history.trace("nobody@example.org", 100) == []


async def test_what_is_of_no_message_is_of_its_recipient_alone(kept):
    """Tracing one address told of every address that was ever suppressed."""
    bob, ann = ["Bob@example.org"], ["ann@example.org"]
    history = await noted(
        kept,
        ("suppression.added", later(0), {"recipients": bob}),
        ("suppression.added", later(1), {"recipients": ann}),
        ("suppression.removed", later(2), {"recipients": bob}),
        ("message.received", later(3), {"queue_id": "q1", "recipients": [*bob, *ann]}),
    )
    found = [one.event for one in await history.trace("bob@example.org", 100)]
    assert found == ["suppression.added", "suppression.removed", "message.received"]


async def test_the_newest_events_come_first(kept):
    history = await noted(kept, *LIFE)
    recent = await history.recent(2)
    assert [one.event for one in recent] == ["feedback.delivery", "message.received"]


async def test_what_many_know_leads_to_its_newest_mail_whole(kept):
    lives = [
        (event, later(number), {"queue_id": f"q{number:02}", "recipients": ["bob@example.org"]})
        for number in range(20)
        for event in ("message.received", "message.relayed", "feedback.delivery")
    ]
    history = await noted(kept, *lives)
    found = await history.trace("bob@example.org", 10)
    assert [one.facts["queue_id"] for one in found] == ["q17"] * 3 + ["q18"] * 3 + ["q19"] * 3
    assert [one.event for one in await history.trace("q07", 2)] == [
        "message.received",
        "message.relayed",
    ]


async def test_a_user_leads_to_all_mail_of_the_user(kept):
    mine, other = {"queue_id": "q1", "user": "Tickets"}, {"queue_id": "q2", "user": "shop"}
    history = await noted(
        kept,
        ("message.received", later(0), mine),
        ("message.relayed", later(1), mine),
        ("message.received", later(2), other),
        ("smtp.refused", later(3), {"session_id": "s1", "user": "Tickets"}),
    )
    found = await history.trace(name_of_user("Tickets"), 10)
    assert [one.event for one in found] == ["message.received", "message.relayed"]


async def test_old_events_go_and_young_ones_stay(kept):
    old = [("message.received", later(-31 * 86_400), {"queue_id": f"o{n}"}) for n in range(250)]
    young = [("message.received", later(-86_400), {"queue_id": f"y{n}"}) for n in range(250)]
    now = [("message.received", AT, {"queue_id": f"n{n}"}) for n in range(101)]
    history = await noted(kept, *old, *young, *now)
    assert await history.forget(AT) == 500  # an event and a name each
    assert await history.forget(AT) == 0
    found = {one.facts["queue_id"][0] for one in await history.recent(1_000)}
    assert found == {"y", "n"}
    assert await history.trace("o1", 9) == []
    assert len(await history.trace("y1", 9)) == 1


async def test_a_strange_fact_is_noted_as_its_text(kept):
    facts = {"queue_id": "q", "text": "\udcff", "number": 2**80, "path": kept.folder}
    history = await noted(kept, ("message.received", AT, facts))
    [found] = await history.trace("q", 9)
    assert json.dumps(found.facts["number"]) == str(2**80)
    assert found.facts["path"] == str(kept.folder)
    assert history.lost == 0


async def test_a_note_that_cannot_be_written_is_counted_and_hurts_nobody(folder):
    stores = await folder.open()
    history = stores.shared.history
    assert (history.lost, history.last_loss) == (0, "")
    (folder.folder / "history.db").unlink()
    history.note("message.received", AT, {"queue_id": "q"})
    assert history.lost > 0
    assert history.last_loss.startswith("history.db: ")
    assert await stores.shared.holds.holds(AT) == []
    assert isinstance(await history.recent(9), StoreFault)


# --- Senders -------------------------------------------------------------------------------------


async def test_who_has_sent_is_known_by_account_and_after_a_restart(kept):
    senders = (await kept.open()).shared.senders
    assert await senders.remember("one", ["a@x.org", "@y.org"], AT) is None
    assert await senders.remember("two", ["b@x.org"], AT) is None
    again = (await kept.after_a_crash()).shared.senders
    asked = ["a@x.org", "b@x.org", "@y.org", "@x.org"]
    assert await again.remembered("one", asked) == {"a@x.org", "@y.org"}
    assert await again.remembered("two", asked) == {"b@x.org"}
    assert await again.remembered("one", []) == frozenset()


async def test_who_has_not_sent_for_long_is_forgotten(kept):
    senders = (await kept.open()).shared.senders
    await senders.remember("one", ["a@x.org", "b@x.org"], AT)
    much_later = AT + SENDERS_KEPT
    await senders.remember("one", ["b@x.org"], much_later)
    await senders.remember("one", ["c@x.org"], much_later + timedelta(seconds=1))
    assert await senders.remembered("one", ["a@x.org", "b@x.org", "c@x.org"]) == {
        "b@x.org",
        "c@x.org",
    }
