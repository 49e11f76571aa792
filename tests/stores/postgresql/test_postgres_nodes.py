"""Several relays on one database: who claims what, who is who, and who hears of it."""

import asyncio
from dataclasses import replace

import pytest
from stored import AT, KEY, later, new

from relay.model.address import Address
from relay.model.custody import Selection
from relay.model.entry import QueueEntry, RequestState
from relay.model.ports import QueueKey, Stale, StoreFault, Suppressed
from relay.model.settings import Lane
from relay.stores.postgresql.opening import open_guest, open_node

LEASE = 60.0
BULK = QueueKey("default", Lane.BULK, "news")


async def claim(queue, count=10, now=AT):
    return await queue.claim({KEY: count, BULK: count}, now, now + (later(LEASE) - AT))


def ids(found):
    return sorted(one.id for one in found)


def finished(entry):
    requests = tuple(replace(one, state=RequestState.RELAYED) for one in entry.requests)
    return replace(entry, requests=requests, lease_until=None)


async def test_no_entry_is_claimed_by_two_nodes(database):
    nodes = [(await database.open()).queue for _ in range(3)]
    names = [f"m{number:03}" for number in range(200)]
    assert await nodes[0].put([new(name) for name in names[:100]]) is None
    assert await nodes[1].put([new(name, BULK) for name in names[100:]]) is None

    async def take_all(queue):
        taken = []
        while found := await claim(queue, 7):
            taken += found
        return taken

    taken = await asyncio.gather(*map(take_all, nodes))
    assert ids(one for part in taken for one in part) == names


async def test_what_a_dead_node_claimed_is_claimed_when_the_lease_ends_and_not_before(database):
    first, second = await database.open(), await database.open()
    await first.queue.put([new("a"), new("b")])
    [entry, _] = await claim(first.queue)
    flying = tuple(replace(one, state=RequestState.IN_FLIGHT) for one in entry.requests)
    await first.queue.record(replace(entry, requests=flying, lease_until=later(1.5 * LEASE)))
    await database.crash(first)
    assert await claim(second.queue, now=later(10**6)) == []  # whatever this node's clock says
    database.clock.advance(LEASE)
    assert ids(await claim(second.queue)) == ["b"]
    database.clock.advance(LEASE / 2)
    [taken] = await claim(second.queue)
    assert taken.requests[0].state is RequestState.IN_FLIGHT
    assert isinstance(await second.queue.record(finished(taken)), QueueEntry)


async def test_a_node_that_was_too_slow_is_told_before_it_sends(database):
    first, second = await database.open(), await database.open()
    await first.queue.put([new("a")])
    [slow] = await claim(first.queue)
    database.clock.advance(LEASE)
    [taken] = await claim(second.queue)
    flying = tuple(replace(one, state=RequestState.IN_FLIGHT) for one in slow.requests)
    assert await first.queue.record(replace(slow, requests=flying)) == Stale(taken.version)


async def test_the_jump_of_a_nodes_clock_neither_ends_nor_prolongs_a_lease(database):
    first, second = await database.open(), await database.open()
    await first.queue.put([new("a")])
    [entry] = await claim(first.queue)
    database.clock.jump(3_600)
    recorded = await first.queue.record(replace(entry, attempts=1))  # the lease as it was said
    assert await claim(second.queue, now=later(4_000)) == []
    database.clock.advance(LEASE)
    assert ids(await claim(second.queue, now=later(4_000))) == ["a"]
    assert isinstance(await first.queue.record(recorded), Stale)


async def test_a_restart_ends_the_leases_of_its_own_last_life_alone(database):
    first, second = await database.open(), await database.open()
    await first.queue.put([new("a"), new("b")])
    [mine] = await claim(first.queue, 1)
    [other] = await claim(second.queue, 1)
    await database.crash(first)
    again = await database.open()
    assert again.node.name == first.node.name
    assert await again.queue.recover(lambda entry: entry) == 0
    assert ids(await claim(again.queue)) == [mine.id]
    assert isinstance(await second.queue.record(finished(other)), QueueEntry)


async def test_names_differ_and_a_name_that_was_given_up_is_free(database):
    first, second = await database.open(), await database.open()
    assert first.node.name != second.node.name
    await first.close()
    database.opened.remove(first)
    assert (await database.open()).node.name == first.node.name


async def test_the_name_of_a_node_whose_lock_was_cut_is_not_taken(database):
    first = await database.open()
    await first.queue.look()  # another connection of its own shows that it lives
    connection, first.node._database.connect = first.node._connection, _refused
    connection.terminate()
    await database.until_zero(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    assert (await database.open()).node.name != first.node.name


async def _refused():
    return StoreFault("cut off")


async def test_a_node_wakes_when_another_has_put(database):
    first, second = await database.open(), await database.open()
    async with asyncio.timeout(4):
        waiting = asyncio.create_task(second.queue.changed())
        await first.queue.put([new("a")])
        await waiting
    assert second.queue.usage.messages == 1


async def test_a_command_wakes_every_node(database):
    first = await database.open()
    await first.queue.put([new("a")])
    guest = await database.guest()
    async with asyncio.timeout(4):
        waiting = asyncio.create_task(first.queue.changed())
        await guest.control.drop(Selection(), AT)
        await waiting
    assert first.queue.usage.messages == 0


async def test_suppressions_of_two_nodes_at_once_are_all_seen(database):
    first, second = (await database.open()).shared, (await database.open()).shared

    def listed(name):
        return Suppressed(address=f"{name}@example.org", reason="manual", since=AT)

    names = [f"u{number}" for number in range(40)]
    await asyncio.gather(
        *[
            (first if place % 2 else second).suppression.suppress([listed(name)])
            for place, name in enumerate(names)
        ]
    )
    database.clock.advance(1)
    for shared in (first, second):
        for name in names:
            address = Address(name, "example.org")
            assert await shared.suppression.suppressed(address, AT) is not None


async def test_the_counts_stay_true_when_the_ledger_is_added_up(database):
    first, second = await database.open(), await database.open()
    puts = [
        (first if number % 2 else second).queue.put(
            [new(f"m{number}", BULK if number % 3 else KEY)]
        )
        for number in range(1_200)
    ]
    assert set(await asyncio.gather(*puts)) == {None}
    rows = 0
    while rows < 1_000:  # one statement writes one row for a key, however many entries it moves
        for entry in await claim(first.queue, 20):
            await first.queue.record(replace(entry, lease_until=None))
        rows = await database.ask("SELECT count(*) FROM ses_relay.ledger")
    before = await first.queue.backlog()
    await asyncio.gather(first.queue.look(), second.queue.look())
    assert await database.ask("SELECT count(*) FROM ses_relay.ledger") == 0
    assert await second.queue.backlog() == before
    assert sum(one.waiting + one.leased for one in before) == 1_200
    assert first.queue.usage.messages == second.queue.usage.messages == 1_200


@pytest.mark.parametrize("opens", [open_node, open_guest])
async def test_a_url_that_leads_nowhere_is_said(opens, database):
    arguments = (0.0, database.clock) if opens is open_node else (database.clock,)
    for url in ("postgresql://127.0.0.1:1/relay", "postgresql:///x?host=/no/such/folder"):
        found = await opens(url, *arguments)
        assert isinstance(found, StoreFault)
        assert found.reason.startswith("PostgreSQL cannot be reached: ")
