"""Slots without a worker are drained in place, by whoever took them in."""

import asyncio
from dataclasses import replace

from stored import AT, KEY, later, new

from relay.model import replies
from relay.model.content import Content
from relay.model.entry import QueueEntry, RequestState
from relay.model.ports import StoreFault
from relay.model.progress import Times, interrupted
from relay.model.settings import SqliteStore
from relay.service.seat import Seat
from relay.service.stores import opened
from relay.stores.sqlite.queue import SqliteQueue
from relay.stores.sqlite.slot import Places
from relay.stores.sqlite.slots import SqliteSlots

LARGE = b"x" * 300_000
TIMES = Times(now=AT, retry_at=later(60), retry_unknown_at=later(600))


async def kept_by_a_worker(folder, number, *names):
    """Have a worker keep mail in its slot, and stop."""
    stores = await folder.open(slot=number)
    assert await stores.queue.put([new(name, body=LARGE) for name in names]) is None
    await stores.close()
    folder.opened.remove(stores)


async def opened_slots(folder, *adopted):
    stores = await folder.open()
    slots = SqliteSlots(stores.queue, Places(folder.folder), stores.shared.crew)
    for number in adopted:
        assert await slots.adopt(number) is None
    assert await slots.recover(lambda entry: entry) == 0
    return slots


async def claimed(slots, count=9):
    return [one.id for one in await slots.claim({KEY: count}, AT, later(60))]


def relayed(entry):
    requests = tuple(replace(one, state=RequestState.RELAYED) for one in entry.requests)
    return replace(entry, requests=requests, lease_until=None)


async def test_slots_beyond_the_workers_are_found_and_shared_out(folder):
    for number in range(5):
        await kept_by_a_worker(folder, number, f"of-{number}")
    slots = await opened_slots(folder)
    assert slots.beyond(2) == [2, 3, 4]
    assert list(Seat(number=0, workers=2).share(slots.beyond(2))) == [2, 4]
    assert list(Seat(number=1, workers=2).share(slots.beyond(2))) == [3]


async def test_an_adopted_slot_is_claimed_fetched_and_recorded_where_it_is(folder):
    await kept_by_a_worker(folder, 3, "old")
    slots = await opened_slots(folder, 3)
    assert await slots.put([new("fresh")]) is None
    assert slots.usage.messages == 2
    [line] = await slots.backlog()
    assert (line.key, line.waiting) == (KEY, 2)
    [old, fresh] = await slots.claim({KEY: 2}, AT, later(60))
    assert (old.id, fresh.id) == ("old", "fresh")  # the older slot first
    content = await slots.content("old")
    assert isinstance(content, Content)
    assert content.body == LARGE
    in_flight = await slots.record(old, spawn=[new("bounce")])
    assert isinstance(await slots.record(relayed(in_flight)), QueueEntry)
    assert isinstance(await slots.record(relayed(fresh)), QueueEntry)
    assert await claimed(slots) == ["bounce"]
    slots.release()
    alone = (await folder.open(slot=3)).queue
    assert alone.usage.messages == 1  # what the record caused went where its cause was


async def test_no_more_is_claimed_than_was_wanted(folder):
    await kept_by_a_worker(folder, 1, "a", "b")
    slots = await opened_slots(folder, 1)
    assert await slots.put([new("c"), new("d")]) is None
    assert await claimed(slots, 3) == ["a", "b", "c"]
    assert await claimed(slots, 3) == ["d"]


async def test_what_was_in_flight_in_an_adopted_slot_is_taken_up_first(folder):
    stores = await folder.open(slot=1)
    assert await stores.queue.put([new("cut-off")]) is None
    [entry] = await stores.queue.claim({KEY: 1}, AT, later(600))
    requests = tuple(replace(one, state=RequestState.IN_FLIGHT) for one in entry.requests)
    await stores.queue.record(replace(entry, requests=requests))
    await stores.close()
    folder.opened.remove(stores)
    own = await folder.open()
    slots = SqliteSlots(own.queue, Places(folder.folder), own.shared.crew)
    seen = []

    def amend(entry):
        seen.append(entry.id)
        return interrupted(entry, TIMES, replies.ANSWER_LOST)

    assert await slots.recover(amend) == 0
    assert await slots.adopt(1) is None
    assert await claimed(slots) == []  # before it is recovered nothing of it is touched
    assert await slots.recover(amend) == 1
    assert seen == ["cut-off"]
    slots.release()


async def test_a_slot_in_use_stays_with_its_worker(folder):
    await folder.open(slot=1)
    slots = await opened_slots(folder)
    fault = await slots.adopt(1)
    assert isinstance(fault, StoreFault)
    assert "slot 1 is in use" in fault.reason


async def test_a_slot_is_given_back_when_nothing_of_it_is_in_work(folder):
    await kept_by_a_worker(folder, 1, "a", "b")
    slots = await opened_slots(folder, 1)
    [first] = await slots.claim({KEY: 1}, AT, later(60))
    assert not await slots.give_back(1)
    assert not await slots.give_back(1)  # it is in work still
    assert await claimed(slots) == []  # and nothing more is begun
    await slots.record(replace(first, lease_until=None))
    assert await slots.give_back(1)
    again = (await folder.open(slot=1)).queue
    assert again.usage.messages == 2
    assert await slots.give_back(1)  # there is nothing to give
    assert slots.usage.messages == 0


async def test_a_slot_is_not_given_back_while_a_claim_is_under_way(folder, monkeypatch):
    await kept_by_a_worker(folder, 1, "a")
    slots = await opened_slots(folder, 1)
    claim, disk = SqliteQueue.claim, asyncio.Event()

    async def slow(*arguments):
        await disk.wait()
        return await claim(*arguments)

    monkeypatch.setattr(SqliteQueue, "claim", slow)
    claiming = asyncio.create_task(claimed(slots))
    await asyncio.sleep(0)
    assert not await slots.give_back(1)
    assert not await slots.give_back(1)  # the disk is slower than the two questions
    disk.set()
    assert await claiming == ["a"]
    assert isinstance(await slots.content("a"), Content)
    slots.release()


async def test_a_slot_that_was_asked_back_for_nothing_is_drained_on(folder):
    await kept_by_a_worker(folder, 1, "a")
    slots = await opened_slots(folder, 1)
    assert not await slots.give_back(1)
    assert await slots.adopt(1) is None
    assert await claimed(slots) == ["a"]
    slots.release()


async def test_a_slot_that_is_taken_in_wakes_who_waits_for_changes(folder):
    await kept_by_a_worker(folder, 1, "a")
    slots = await opened_slots(folder)
    waiting = asyncio.create_task(slots.changed())
    await asyncio.sleep(0)
    assert await slots.adopt(1) is None
    async with asyncio.timeout(10):
        await waiting
    slots.release()


async def test_one_worker_opens_what_several_left(folder, clock):
    for number in (0, 1, 2):
        await kept_by_a_worker(folder, number, f"of-{number}")
    store = SqliteStore(folder.folder)
    async with opened(store, 0.0, clock) as stores:
        assert stores.faults == []
        assert await stores.queue.recover(lambda entry: entry) == 0
        assert stores.queue.usage.messages == 3
        assert sorted(await claimed(stores.queue)) == ["of-0", "of-1", "of-2"]
    async with opened(store, 0.0, clock, Seat(number=2, workers=3)) as stores:
        assert stores.queue.usage.messages == 1
