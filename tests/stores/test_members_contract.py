"""Shares of a rate, kept for all who work on a store: who has which, and what all of them know."""

from dataclasses import replace

import pytest

from relay.model.account import AccountState
from relay.model.ports import Lease, Pool, Renewal, Seen, Slowed

STATE = AccountState(max_send_rate=14.0, max_24_hour_send=50_000.0, sent_last_24_hours=7.0)
DAY = 86_400.0


def lease(members, **changes):
    """Give a lease of a relay's only route."""
    known = {"bound": 0.5, "floor": 0.025, "want": 1.0, "counted": 0, "left": 10.0}
    return Lease(member=members.name, **{**known, **changes})


def renewal(members, *, sent=0, slowed=None, seen=None, **changes):
    mine = lease(members, **changes)
    return Renewal(
        lease=mine, share=mine.bound, floor=mine.floor, due=1.0, sent=sent, slowed=slowed, seen=seen
    )


async def renew(members, account="one", **changes):
    """Renew one lease; gives the pool as it was."""
    change = renewal(members, **changes)
    pools = await members.renew({members.name: account}, lambda _member, _pool: change)
    pool, written = pools[members.name]
    assert written is change
    return pool


async def look(members, account="one"):
    """See the pool, and change nothing but an own lease that has ended long ago."""
    pool = await renew(members, account, bound=0.0, left=-9_999.0)
    return replace(
        pool,
        leases=tuple(
            replace(one, left=round(one.left, 1))
            for one in pool.leases
            if one.member != members.name
        ),
    )


@pytest.fixture
async def two(kept):
    """Two members of one store."""
    return [(await kept.open(slot=number)).members for number in (0, 1)]


async def test_a_new_store_knows_nothing_of_an_account(kept):
    members = (await kept.open()).members
    assert await renew(members) == Pool()


async def test_members_see_each_others_leases_run_out(kept, two):
    ours, theirs = two
    assert ours.name != theirs.name
    await renew(ours, bound=0.7, floor=0.05, want=0.9, counted=3)
    kept.clock.advance(4)
    [seen] = (await look(theirs)).leases
    assert seen == lease(ours, bound=0.7, floor=0.05, want=0.9, counted=3, left=6.0)
    kept.clock.advance(20)
    [seen] = (await look(theirs)).leases
    assert seen.left == -14.0


async def test_clocks_of_members_do_not_matter_to_leases(kept, two):
    ours, theirs = two
    await renew(ours)
    kept.clock.jump(3_000)
    [seen] = (await look(theirs)).leases
    assert seen.left == 10.0


async def test_who_was_not_heard_of_for_an_hour_is_forgotten(kept, two):
    ours, theirs = two
    await renew(ours)
    kept.clock.advance(3_611)
    assert (await look(theirs)).leases == ()


async def test_a_member_renews_its_own_lease_and_no_other(kept, two):
    ours, theirs = two
    await renew(theirs, bound=0.2)
    await renew(ours, bound=0.7)
    await renew(ours, bound=0.4)
    mine, others = sorted(
        (await renew(ours, bound=0.1)).leases, key=lambda one: one.member != ours.name
    )
    assert (mine.bound, others.bound) == (0.4, 0.2)


async def test_a_member_that_leaves_is_gone(kept, two):
    ours, theirs = two
    await renew(ours)
    assert await ours.leave(["somebody else"]) is None
    assert len((await look(theirs)).leases) == 1
    assert await ours.leave([ours.name]) is None
    assert (await look(theirs)).leases == ()


async def test_accounts_have_nothing_to_do_with_each_other(kept, two):
    ours, theirs = two
    await renew(ours, sent=5, slowed=Slowed(0.5, 0.0), seen=Seen(STATE, 0.0))
    assert await look(theirs, "other") == Pool()


async def test_all_count_to_one_day_that_passes(kept, two):
    ours, theirs = two
    await renew(ours, sent=5)
    await renew(theirs, sent=7)
    kept.clock.advance(DAY / 2)
    await renew(ours, sent=30)
    assert (await look(theirs)).day == 42
    kept.clock.advance(DAY / 2 + 1_200)
    assert (await look(theirs)).day == 30
    kept.clock.advance(DAY / 2)
    await renew(ours, sent=1)
    assert (await look(theirs)).day == 1


async def test_what_one_learned_all_know_and_how_old_it_is(kept, two):
    ours, theirs = two
    await renew(ours, slowed=Slowed(0.75, 2.0), seen=Seen(STATE, 30.0))
    kept.clock.advance(8)
    pool = await look(theirs)
    assert (pool.slowed.peak, pool.seen.state) == (0.75, STATE)
    assert (pool.slowed.age, pool.seen.age) == pytest.approx((10.0, 38.0), abs=0.1)
    await renew(theirs)  # says nothing new
    assert (await look(theirs)).seen is not None
    await renew(theirs, slowed=Slowed(0.5, 0.0))
    assert (await look(ours)).slowed.peak == 0.5
    assert (await look(ours)).seen.state == STATE


async def test_each_is_decided_on_from_what_the_one_before_wrote(kept, two):
    ours, theirs = two

    def half_of_the_rest(member, pool):
        left = 1 - sum(one.bound for one in pool.leases if one.member != member)
        mine = Lease(member=member, bound=left / 2, floor=0.0, want=1.0, counted=0, left=10.0)
        return replace(renewal(ours, sent=1, slowed=Slowed(left, 0.0)), lease=mine, share=left / 2)

    first = await ours.renew({"a": "one", "b": "one", "c": "two"}, half_of_the_rest)
    second = await theirs.renew({"d": "one"}, half_of_the_rest)
    assert [made.share for _, made in first.values()] == [0.5, 0.25, 0.5]
    assert first["b"][0].day == 1
    assert first["b"][0].slowed.peak == 1.0
    [(pool, made)] = second.values()
    assert made.share == 0.125
    assert (pool.day, pool.slowed.peak) == (2, 0.5)


async def test_the_count_of_the_day_outlives_all_members(kept):
    first = (await kept.open()).members
    await renew(first, sent=9, seen=Seen(STATE, 0.0))
    second = (await kept.after_a_crash()).members
    pool = await renew(second)
    assert pool.day == 9
    assert pool.seen.state == STATE
    assert second.name == first.name
    [mine] = pool.leases
    assert mine.member == first.name
