"""What every queue owes to the mail in it, whatever it is built on."""

import asyncio
from dataclasses import replace

import pytest
from stored import AT, KEY, a_content, an_entry, later, new

from relay.model.content import Content
from relay.model.custody import QueueUsage
from relay.model.entry import Held, QueueEntry, RequestState
from relay.model.ports import KeyBacklog, QueueKey, Stale
from relay.model.settings import Lane

BULK = QueueKey("default", Lane.BULK, "news")
LEASE = 60.0
LARGE = b"x" * 300_000


async def claim(queue, count=10, key=KEY, now=AT):
    return await queue.claim({key: count}, now, now + (later(LEASE) - AT))


def relayed(entry):
    requests = tuple(replace(one, state=RequestState.RELAYED) for one in entry.requests)
    return replace(entry, requests=requests, lease_until=None)


def in_flight(entry):
    requests = tuple(replace(one, state=RequestState.IN_FLIGHT) for one in entry.requests)
    return replace(entry, requests=requests)


def ids(found):
    return [one.id for one in found]


async def test_what_is_put_is_claimed_as_it_was(kept):
    queue = (await kept.open()).queue
    one = new("a")
    assert await queue.put([one]) is None
    [entry] = await claim(queue)
    assert entry == replace(one.entry, version=entry.version, lease_until=later(LEASE))
    assert await queue.content("a") == one.content


@pytest.mark.parametrize("body", [b"", b"small", LARGE, memoryview(b"--a view--")[2:-2]])
async def test_content_comes_back_octet_for_octet(kept, body):
    queue = (await kept.open()).queue
    one = new("a", body=body)
    assert await queue.put([one]) is None
    found = await queue.content("a")
    assert isinstance(found, Content)
    assert found.octets() == one.content.octets()
    assert found.fields == one.content.fields


async def test_what_is_put_outlives_a_crash_at_once(kept):
    first = await kept.open()
    assert await first.queue.put([new("a"), new("b", body=LARGE)]) is None
    second = await kept.after_a_crash()
    assert ids(await claim(second.queue)) == ["a", "b"]
    assert (await second.queue.content("b")).octets() == a_content("b", LARGE).octets()
    assert second.queue.usage == first.queue.usage


async def test_many_puts_at_once_are_all_kept(kept):
    queue = (await kept.open()).queue
    puts = [queue.put([new(f"m{number}")]) for number in range(300)]
    assert set(await asyncio.gather(*puts)) == {None}
    assert len(await claim(queue, 1_000)) == 300


async def test_a_claimed_entry_is_not_claimed_again(kept):
    queue = (await kept.open()).queue
    await queue.put([new("a"), new("b")])
    assert ids(await claim(queue, 1)) == ["a"]
    assert ids(await claim(queue, 9)) == ["b"]
    assert await claim(queue) == []


async def test_claims_go_by_key_and_count(kept):
    queue = (await kept.open()).queue
    await queue.put([new(f"t{n}") for n in range(5)] + [new(f"n{n}", BULK) for n in range(5)])
    found = await queue.claim({KEY: 2, BULK: 3, QueueKey("r", Lane.BULK, "-"): 9}, AT, later(1))
    assert sorted(ids(found)) == ["n0", "n1", "n2", "t0", "t1"]


async def test_the_longest_due_comes_first_and_what_is_not_due_stays(kept):
    queue = (await kept.open()).queue
    await queue.put([new("late", due=later(-1)), new("early", due=later(-9)), new("next")])
    await queue.put([new("also", due=later(-1)), new("tomorrow", due=later(1))])
    assert ids(await claim(queue)) == ["early", "late", "also", "next"]
    assert ids(await claim(queue, now=later(1))) == ["tomorrow"]


async def test_a_lease_that_ends_lets_another_claim_and_outdates_the_first(kept):
    queue = (await kept.open()).queue
    await queue.put([new("a")])
    [first] = await claim(queue)
    kept.clock.advance(LEASE)
    [second] = await claim(queue, now=later(LEASE))
    assert second.version > first.version
    assert await queue.record(relayed(first)) == Stale(second.version)
    assert isinstance(await queue.record(relayed(second)), QueueEntry)


async def test_a_clock_that_jumps_forward_ends_no_lease_of_the_living(kept):
    queue = (await kept.open()).queue
    await queue.put([new("a"), new("b")])
    [entry] = await claim(queue, 1)
    kept.clock.jump(3_600)
    assert ids(await claim(queue, now=later(3_600))) == ["b"]
    assert isinstance(await queue.record(relayed(entry)), QueueEntry)


async def test_a_clock_that_jumps_forward_does_not_hide_what_is_due(kept):
    queue = (await kept.open()).queue
    await queue.put([new(f"m{number}") for number in range(20)])
    await claim(queue, 10)
    kept.clock.jump(3_600)
    assert len(await claim(queue, 10, now=later(3_600))) == 10


async def test_an_entry_put_in_flight_is_left_alone(kept):
    queue = (await kept.open()).queue
    one = new("a")
    leased = replace(one, entry=replace(in_flight(one.entry), lease_until=later(LEASE)))
    await queue.put([leased])
    assert await claim(queue) == []
    kept.clock.jump(LEASE)
    assert await claim(queue, now=later(LEASE)) == []


async def test_a_record_replaces_the_entry_and_makes_a_new_version(kept):
    queue = (await kept.open()).queue
    await queue.put([new("a")])
    [entry] = await claim(queue)
    moved = replace(entry, attempts=3, next_attempt_at=later(30), lease_until=None)
    recorded = await queue.record(moved)
    assert recorded == replace(moved, version=recorded.version)
    assert recorded.version > entry.version
    assert await claim(queue, now=later(29)) == []
    [again] = await claim(queue, now=later(30))
    assert again.attempts == 3


@pytest.mark.parametrize("body", [b"small", LARGE])
async def test_an_attempt_that_begins_is_recorded_and_brings_the_content(kept, body):
    queue = (await kept.open()).queue
    await queue.put([new("a", body=body)])
    [entry] = await claim(queue)
    begun = await queue.begin(in_flight(entry))
    assert begun.content.octets() == a_content("a", body).octets()
    assert begun.entry == replace(in_flight(entry), version=entry.version + 1)
    assert await queue.begin(in_flight(entry)) == begun, "asked again, it is the same"
    assert await queue.begin(in_flight(replace(entry, version=entry.version - 1))) == Stale(
        begun.entry.version
    )
    second = (await kept.after_a_crash()).queue
    seen = []
    assert await second.recover(lambda found: seen.append(found) or found) == 1
    assert [one.requests[0].state for one in seen] == [RequestState.IN_FLIGHT]


async def test_a_record_that_keeps_the_lease_keeps_others_out(kept):
    queue = (await kept.open()).queue
    await queue.put([new("a")])
    [entry] = await claim(queue)
    recorded = await queue.record(replace(in_flight(entry), lease_until=later(500)))
    assert await claim(queue, now=later(400)) == []
    assert isinstance(await queue.record(recorded), QueueEntry)


async def test_a_record_on_an_old_version_changes_nothing(kept):
    queue = (await kept.open()).queue
    await queue.put([new("a")])
    [entry] = await claim(queue)
    newer = await queue.record(replace(entry, attempts=1))
    assert await queue.record(relayed(entry), [new("bounce")]) == Stale(newer.version)
    assert queue.usage.messages == 1
    assert await claim(queue) == []


async def test_a_record_made_twice_is_made_once(kept):
    queue = (await kept.open()).queue
    await queue.put([new("a")])
    [entry] = await claim(queue)
    moved = replace(entry, attempts=1, lease_until=later(90))
    assert await queue.record(moved) == await queue.record(moved)
    assert isinstance(await queue.record(replace(moved, attempts=2)), Stale)


async def test_an_entry_with_nothing_left_to_do_leaves_with_its_content(kept):
    stores = await kept.open()
    queue = stores.queue
    await queue.put([new("a"), new("b", body=LARGE)])
    for entry in await claim(queue):
        done = await queue.record(relayed(entry))
        assert done.version > entry.version
        assert await queue.record(relayed(entry)) == Stale(0)
    assert await claim(queue, now=later(1_000)) == []
    assert queue.usage == QueueUsage(messages=0, octets=0)
    assert await queue.backlog() == []
    assert await stores.shared.control.find("a") is None


async def test_a_failure_and_the_bounce_that_reports_it_are_one(kept):
    first = await kept.open()
    await first.queue.put([new("a")])
    [entry] = await claim(first.queue)
    await first.queue.record(relayed(entry), [new("bounce", BULK, body=LARGE)])
    second = await kept.after_a_crash()
    assert ids(await claim(second.queue, key=BULK)) == ["bounce"]
    assert (await second.queue.content("bounce")).body == LARGE
    assert await claim(second.queue, now=later(1_000)) == []


async def test_a_spawn_that_cannot_be_kept_leaves_the_entry_as_it_was(kept):
    queue = (await kept.open()).queue
    await queue.put([new("a"), new("b", BULK)])
    [entry] = await claim(queue)
    with pytest.raises(Exception, match=r"(?i)unique"):
        await queue.record(relayed(entry), [new("b")])
    assert isinstance(await queue.record(relayed(entry)), QueueEntry)


async def test_a_held_entry_is_not_claimed_until_its_hold_ends(kept):
    queue = (await kept.open()).queue
    for name, until in (("ever", None), ("hour", later(3_600))):
        one = new(name)
        held = Held(reason="looks odd", until=until)
        await queue.put([replace(one, entry=replace(one.entry, held=held))])
    assert await claim(queue, now=later(3_599)) == []
    [entry] = await claim(queue, now=later(3_600))
    assert (entry.id, entry.held.reason) == ("hour", "looks odd")
    assert await claim(queue, now=later(10**8)) == []


async def test_the_backlog_is_counted_by_key(kept):
    queue = (await kept.open()).queue
    held = new("h")
    held = replace(held, entry=replace(held.entry, held=Held(reason="x")))
    await queue.put([new("a", due=later(5)), new("b", due=later(7)), held, new("n", BULK)])
    assert await claim(queue, key=BULK) != []
    counted = sorted(await queue.backlog(), key=lambda one: one.key.user)
    assert counted == [
        KeyBacklog(key=BULK, waiting=0, leased=1, next_attempt_at=later(LEASE)),
        KeyBacklog(key=KEY, waiting=2, held=1, next_attempt_at=later(5)),
    ]


async def test_a_key_with_nothing_but_holds_says_that_nothing_is_to_come(kept):
    queue = (await kept.open()).queue
    held = new("h")
    await queue.put([replace(held, entry=replace(held.entry, held=Held(reason="x")))])
    [counted] = await queue.backlog()
    assert (counted.waiting, counted.held, counted.next_attempt_at) == (0, 1, None)


async def test_an_ended_lease_and_an_ended_hold_count_as_waiting(kept):
    queue = (await kept.open()).queue
    held = new("h", BULK)
    await queue.put(
        [replace(held, entry=replace(held.entry, held=Held(reason="x", until=later(30)))), new("a")]
    )
    await claim(queue)

    async def waiting():
        counted = sorted(await queue.backlog(), key=lambda one: one.key.user)
        return [(one.waiting, one.leased, one.held) for one in counted]

    assert await waiting() == [(0, 0, 1), (0, 1, 0)]
    kept.clock.advance(30)
    assert await waiting() == [(1, 0, 0), (0, 1, 0)]
    kept.clock.advance(30)
    assert await waiting() == [(1, 0, 0), (1, 0, 0)]


async def test_usage_follows_what_is_kept(kept):
    queue = (await kept.open()).queue
    size = new("a").content.size
    assert queue.usage == QueueUsage(messages=0, octets=0)
    await queue.put([new("a"), new("b")])
    assert queue.usage == QueueUsage(messages=2, octets=2 * size)
    [entry] = await claim(queue, 1)
    await queue.record(relayed(entry))
    assert queue.usage == QueueUsage(messages=1, octets=size)


async def test_a_new_owner_ends_the_leases_and_hears_what_was_in_flight(kept):
    first = await kept.open()
    await first.queue.put([new("leased"), new("flying"), new("waiting", due=later(9))])
    for entry in await claim(first.queue):
        if entry.id == "flying":
            await first.queue.record(in_flight(entry))
    second = await kept.after_a_crash()

    def amend(entry):
        assert entry.lease_until is None
        lost = tuple(replace(one, state=RequestState.UNKNOWN) for one in entry.requests)
        return replace(entry, requests=lost, next_attempt_at=later(300))

    assert await second.queue.recover(amend) == 1
    assert ids(await claim(second.queue, now=later(8))) == ["leased"]
    found = await claim(second.queue, now=later(300))
    assert ids(found) == ["waiting", "flying"]
    assert found[1].requests[0].state is RequestState.UNKNOWN
    assert await second.queue.recover(amend) == 0


async def test_what_a_new_owner_finds_finished_leaves(kept):
    first = await kept.open()
    await first.queue.put([new("a")])
    [entry] = await claim(first.queue)
    await first.queue.record(in_flight(entry))
    second = await kept.after_a_crash()
    assert await second.queue.recover(relayed) == 1
    assert second.queue.usage.messages == 0


async def test_a_caller_that_gives_up_does_not_undo_its_put(kept):
    queue = (await kept.open()).queue
    for name, body in (("small", b"x"), ("large", LARGE)):
        put = asyncio.create_task(queue.put([new(name, body=body)]))
        await asyncio.sleep(0)
        put.cancel()
    await queue.close()
    await queue.put([new("after")])
    assert sorted(ids(await claim(queue))) == ["after", "large", "small"]


async def test_an_id_that_is_there_already_is_a_bug_and_harms_nobody(kept):
    queue = (await kept.open()).queue
    await queue.put([new("a", body=LARGE)])
    answers = await asyncio.gather(
        queue.put([new("b")]),
        queue.put([new("a")]),
        queue.put([new("c")]),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers][::2] == [type(None)] * 2
    assert "unique" in str(answers[1]).lower()
    assert (await queue.content("a")).body == LARGE
    assert sorted(ids(await claim(queue))) == ["a", "b", "c"]


async def test_an_entry_with_hundreds_of_recipients_comes_back(kept):
    queue = (await kept.open()).queue
    one = new("a")
    entry = replace(an_entry("a", recipients=500), version=1)
    await queue.put([replace(one, entry=entry)])
    [claimed] = await claim(queue)
    assert claimed.requests == entry.requests
    assert claimed.message == entry.message
