"""Who is warned and who is held, over which mail."""

from datetime import timedelta

import pytest
import said
from fakes import START
from feedback_world import World

from relay.model.custody import ScopeHold
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import TALLY_SLOT, StoreFault, Subject, Tally, slot_of
from relay.model.reputation import Count, Day, Grade, Kind
from relay.model.settings import BounceThresholds, ComplaintThresholds, Reputation

TICKETS = Scope(ScopeKind.USER, "tickets")
RULES = Reputation(
    bounce=BounceThresholds(warn=0.02, hold=0.05),
    complaint=ComplaintThresholds(warn=0.01, hold=0.02),
    minimum_volume=100,
    minimum_complaints=5,
)


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path / "store", reputation=RULES) as world:
        yield world


def people(count, domain="example.org"):
    return [f"p{number}@{domain}" for number in range(count)]


async def bounced(world, count, prefix="B", kind="Permanent/General", **more):
    for number, address in enumerate(people(count)):
        await world.learn(said.bounce(kind, address, feedback_id=f"{prefix}{number}", **more))


async def complained(world, count):
    for number, address in enumerate(people(count)):
        await world.learn(said.complaint(address, feedback_id=f"C{number}"))


async def held(world):
    return [hold.scope for hold in await world.shared.holds.holds(world.clock.now())]


async def test_a_message_of_several_requests_is_counted_once(world):
    await world.relayed(*people(50), ses_id="m1", request=1)
    await world.relayed(*people(10), ses_id="m2", request=2)
    await world.relayed("x@simulator.amazonses.com", ses_id="m3", request=1)
    await world.reputation.save()
    [counted] = await world.shared.tallies.summed(Subject.USER, START)
    assert (counted.name, counted.messages, counted.relayed) == ("tickets", 2, 60)


async def test_a_user_is_warned_once_and_then_held_with_the_reason(world):
    await world.relayed(*people(100), ses_id="m1")
    await bounced(world, 3)
    [line] = world.log.named("reputation.warned")
    assert line == {
        "user": "tickets",
        "kind": "bounce",
        "ratio": 0.02,
        "threshold": 0.02,
        "messages": 100,
    }
    assert await held(world) == []
    await bounced(world, 5)
    [hold] = await world.shared.holds.holds(START)
    assert hold == ScopeHold(
        scope=TICKETS,
        held=Held(
            reason="bounce ratio 5.00% over 100 recipients, reputation.bounce.hold is 5.00%",
            until=START + timedelta(days=1),
        ),
        since=START,
    )
    assert len(world.log.named("reputation.held")) == 1
    assert world.reputation.ratios(Kind.BOUNCE) == {("tickets",): 0.05}


async def test_little_mail_means_nothing(world):
    await world.relayed(*people(99), ses_id="m1")
    await bounced(world, 9)
    assert world.log.named("reputation.warned") == []
    assert await held(world) == []
    await world.relayed("q@example.org", ses_id="m2")
    await world.reputation._judge("tickets")
    assert await held(world) == [TICKETS]


async def test_nobody_is_held_for_mail_that_another_relay_of_the_store_sent(world):
    """All events came to this one, which sent a tenth of the mail: 8 % of its own came back."""
    await world.relayed(*people(100), ses_id="m1")
    elsewhere = Tally(subject=Subject.USER, name="tickets", slot=slot_of(START), relayed=900)
    await world.shared.tallies.add([elsewhere])
    await bounced(world, 8)
    assert await held(world) == []
    await bounced(world, 50, "more")
    [line] = world.log.named("reputation.held")
    assert (line["ratio"], line["messages"]) == (0.05, 1_000)


async def test_a_user_released_from_another_relays_hold_is_not_held_again_for_the_same_mail(world):
    await world.relayed(*people(100), ses_id="m1")
    holds = [
        Tally(subject=Subject.HELD, name="tickets", slot=slot_of(START) + number * TALLY_SLOT)
        for number in (0, 3)
    ]
    await world.shared.tallies.add(holds)
    await bounced(world, 50)
    assert await held(world) == []
    for minutes in (20, 40):
        world.clock.advance(20 * 60)
        await world.relayed(*people(100), ses_id=f"m{minutes}")
        sent = f"2026-11-21T12:{minutes}:00Z"
        await bounced(world, 50, f"N{minutes}", sent=sent)
        assert await held(world) == ([TICKETS] if minutes == 40 else [])


async def test_what_another_relay_sent_before_the_last_hold_excuses_nothing(world):
    await world.relayed(*people(100), ses_id="m1")
    await world.shared.tallies.add(
        [Tally(subject=Subject.USER, name="tickets", slot=slot_of(START), relayed=900)]
    )
    await bounced(world, 50)
    assert await world.shared.holds.release(TICKETS)
    world.clock.advance(3_600)
    await world.relayed(*people(100), ses_id="m2")
    await bounced(world, 8, "again", sent="2026-11-21T13:00:00Z")
    assert await held(world) == [TICKETS]


async def test_few_complaints_mean_nothing(world):
    await world.relayed(*people(100), ses_id="m1")
    await complained(world, 4)
    assert await held(world) == []
    await complained(world, 5)
    assert await held(world) == [TICKETS]
    assert world.log.named("reputation.held")[0]["kind"] == "complaint"


async def test_what_ses_does_not_count_counts_nowhere(world):
    await world.relayed(*people(100), *people(100, "simulator.amazonses.com"), ses_id="m1")
    for kind in ("Transient/General", "Permanent/OnAccountSuppressionList"):
        await bounced(world, 9, kind, kind)
    await world.learn(
        said.bounce("Permanent/General", *people(9, "simulator.amazonses.com"), feedback_id="S"),
        said.complaint("complaint@simulator.amazonses.com", feedback_id="SC"),
        said.complaint(feedback_id="NS", feedback="not-spam"),
    )
    assert world.reputation.ratios(Kind.BOUNCE) == {("tickets",): 0.0}
    assert world.reputation.ratios(Kind.COMPLAINT) == {("tickets",): 0.0}
    day = world.reputation.record("tickets").day
    assert (day.relayed, day.simulated, day.billed) == (100, 100, 200), "SES bills it all the same"
    assert {(tally.relayed, tally.simulated) for tally in world.ledger.unsaved()} == {(100, 100)}


async def test_routes_and_tags_are_counted_too(world):
    await world.relayed(ses_id=said.SES_ID, tags={"app": "shop"})
    await world.learn(said.bounce())
    counted = {(t.subject, t.name): t.bounced for t in await world.tallied()}
    assert counted == {("user", "tickets"): 1, ("route", "default"): 1, ("tag", "app=shop"): 1}


async def test_thresholds_that_are_off_do_nothing(tmp_path):
    async with World(tmp_path / "store", reputation=Reputation(minimum_volume=1)) as world:
        world.change(reputation=Reputation(bounce=BounceThresholds(warn=1.0), minimum_volume=1))
        await world.relayed(*people(10), ses_id="m1")
        await bounced(world, 9)
        assert world.log.named("reputation.warned") == []
        assert await held(world) == []


async def test_counts_outlive_the_process(tmp_path):
    async with World(tmp_path / "store", reputation=RULES) as world:
        await world.relayed(*people(100), ses_id="m1")
        await bounced(world, 4)
        await world.reputation.save()
        await world.reputation.save()
    async with World(tmp_path / "store", reputation=RULES) as world:
        assert world.reputation.ratios(Kind.BOUNCE) == {("tickets",): 0.04}
        await bounced(world, 5)
        assert await held(world) == [TICKETS]


async def test_who_was_released_is_held_again_only_for_newer_mail(tmp_path):
    async with World(tmp_path / "store", reputation=RULES) as world:
        await world.relayed(*people(100), ses_id="m1")
        await bounced(world, 5)
        assert await world.shared.holds.release(TICKETS) is True
        await bounced(world, 9)  # late, but of the same mail
        assert await held(world) == []
        await world.reputation.save()
    async with World(tmp_path / "store", reputation=RULES) as world:
        world.clock.advance(3600)
        await bounced(world, 12)
        assert await held(world) == []
        await world.relayed(*people(100), ses_id="m2")
        await bounced(world, 5, "N", sent="2026-11-21T13:00:00Z")
        assert await held(world) == [TICKETS]


async def test_an_operators_hold_is_left_alone(world):
    manual = ScopeHold(scope=TICKETS, held=Held(reason="call me"), since=START)
    await world.shared.holds.hold(manual)
    await world.relayed(*people(100), ses_id="m1")
    await bounced(world, 9)
    assert await world.shared.holds.holds(START) == [manual]


async def test_a_ratio_looks_back_on_a_representative_volume_alone(world):
    await world.relayed(*people(100), ses_id="m1")
    await bounced(world, 3)
    world.clock.advance(3600)
    await world.relayed(*people(10_000), ses_id="m2")
    assert world.reputation.ratios(Kind.BOUNCE) == {("tickets",): 0.0}


async def test_a_store_that_fails_is_told_once_and_nothing_is_forgotten(world, monkeypatch):
    async def ill(*_given):
        return StoreFault("disk full")

    await world.relayed(*people(100), ses_id="m1")
    with monkeypatch.context() as broken:
        broken.setattr(type(world.shared.tallies), "add", ill)
        await world.reputation.save()
        await world.reputation.save()
    assert len(world.log.named("store.fault")) == 1
    await world.reputation.save()
    assert {tally.relayed for tally in await world.tallied()} == {100}
    with monkeypatch.context() as broken:
        broken.setattr(type(world.shared.holds), "hold", ill)
        await bounced(world, 5)
    assert len(world.log.named("store.fault")) == 2
    await world.reputation._judge("tickets")
    assert await held(world) == [TICKETS]


async def test_a_record_says_how_a_user_stands(world):
    nobody = world.reputation.record("nobody")
    assert (nobody.judged, nobody.since, nobody.grade) == (Count(), None, Grade.UNKNOWN)
    await world.relayed(*people(100), ses_id="m1", request=1)
    await bounced(world, 3)
    [record] = world.reputation.records()
    assert (record.user, record.day, record.judged) == ("tickets", Count(100, 3, 0, 1), record.day)
    assert record.since == START
    bounces, complaints = record.shares
    assert (bounces.kind, bounces.ratio, bounces.warn, bounces.hold) == (
        Kind.BOUNCE,
        0.03,
        0.02,
        0.05,
    )
    assert (bounces.grade, complaints.grade, record.grade) == (Grade.WARN, Grade.GOOD, Grade.WARN)
    await complained(world, 4)  # above the threshold, but few
    assert world.reputation.record("tickets").shares[1].grade is Grade.UNKNOWN
    await complained(world, 5)
    assert world.reputation.record("tickets").grade is Grade.HOLD


async def test_mail_is_given_day_by_day(world):
    await world.relayed(*people(3), ses_id="m1", request=1)
    world.clock.advance(2 * 86_400)
    await world.relayed(*people(2), ses_id="m2", request=1)
    assert world.reputation.record("tickets").day.relayed == 2
    assert world.reputation.days("tickets") == [
        Day(START.date(), Count(relayed=3, messages=1)),
        Day((START + timedelta(days=2)).date(), Count(relayed=2, messages=1)),
    ]
    assert world.reputation.days("nobody") == []
