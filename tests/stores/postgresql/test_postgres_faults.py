"""A database that goes away, is slow, or keeps its answer to itself."""

import asyncio
import signal
from dataclasses import replace

import asyncpg
import pytest
from postgres_server import PostgresServer
from postgres_store import PostgresDatabase
from stored import AT, KEY, a_content, later, new

from relay.model.address import Address
from relay.model.custody import Selection
from relay.model.entry import Held, QueueEntry, RequestState
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import Corrupt, Lesson, Stale, StoreFault, Subject, Tally
from relay.model.reply import Reply
from relay.stores.postgresql import database as connections
from relay.stores.postgresql import history as past
from relay.stores.postgresql import rows

LARGE = b"x" * 1_300_000
ALL = Selection()
SCOPE = Scope(ScopeKind.USER, "tickets")


@pytest.fixture(scope="module")
def own_server():
    """A server that only these tests stop."""
    server = PostgresServer()
    try:
        server.create()
        yield server
    finally:
        server.remove()


@pytest.fixture
async def frail(own_server):
    own_server.start()
    database = PostgresDatabase(own_server, "frail")
    await database.prepare()
    yield database
    await database.close()


async def claim(queue, count=10, now=AT):
    return await queue.claim({KEY: count}, now, now + (later(60) - AT))


def ids(found):
    return sorted(one.id for one in found)


def finished(entry):
    requests = tuple(replace(one, state=RequestState.RELAYED) for one in entry.requests)
    return replace(entry, requests=requests, lease_until=None)


async def until_done(ask):
    """Ask again until the store can do it, as record_surely does; real time, a few milliseconds."""
    async with asyncio.timeout(20):
        while isinstance(answer := await ask(), StoreFault):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        return answer


async def everything(stores, entry):
    """Ask all that can be asked of a store."""
    shared = stores.shared
    return [
        await stores.queue.put([new("x")]),
        await stores.queue.put([new("y", body=LARGE)]),
        await claim(stores.queue),
        await stores.queue.content(entry.id),
        await stores.queue.record(entry),
        await stores.queue.record(entry, [new("z")]),
        await stores.queue.backlog(),
        await stores.queue.recover(lambda found: found),
        await shared.control.find("a"),
        await shared.control.select(ALL, AT, 10),
        await shared.control.hold(ALL, Held(reason="x"), AT),
        await shared.control.drop(ALL, AT),
        await shared.control.summary(AT),
        await shared.control.oldest(),
        await shared.suppression.suppressed(Address("bob", "example.org"), AT),
        await shared.suppression.unsuppress(["a@example.org"]),
        await shared.suppression.listed("", 5),
        await shared.holds.holds(AT),
        await shared.holds.release(SCOPE),
        await shared.verdicts.keep(b"print", Reply(250, "2.0.0", "Ok"), later(60)),
        await shared.verdicts.take(b"print", AT),
        await shared.history.trace("a", 5),
        await shared.sendings.sent("a"),
        await shared.lessons.learn(Lesson(key="k", at=AT)),
        await shared.lessons.settle("k"),
        await shared.tallies.add([Tally(subject=Subject.USER, name="a", slot=AT)]),
    ]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_server_that_is_away_is_a_fault_everywhere_and_is_found_again(
    frail, how, monkeypatch
):
    monkeypatch.setattr(past, "_WAIT", 0.01)
    stores = await frail.open()
    await stores.queue.put([new("a"), new("b", body=LARGE)])
    entry = (await claim(stores.queue, 1))[0]
    frail.server.stop(how)
    frail.clock.advance(1)  # for as long the suppression list is known by heart
    for answer in await everything(stores, entry):
        assert isinstance(answer, StoreFault), answer
    history = stores.shared.history
    history.note("message.received", AT, {"queue_id": "lost"})
    await history._writer
    assert (history.lost, bool(history.last_loss)) == (1, True)
    frail.server.start()
    assert await until_done(lambda: stores.queue.record(finished(entry))) is not None
    assert ids(await claim(stores.queue)) == ["b"]
    assert (await stores.queue.content("b")).octets() == a_content("b", LARGE).octets()
    assert await stores.queue.put([new("c")]) is None
    async with asyncio.timeout(10):  # it listens again, and still is who it was
        lock = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        while not await frail.ask(lock):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.02)


async def storm(frail, cut, rounds=3):
    """Put and finish mail on two nodes while connections are cut, and count what was promised."""
    nodes = [(await frail.open()).queue, (await frail.open()).queue]
    promised, done = set(), set()
    stop = asyncio.Event()

    async def client(number):
        count = 0
        while not stop.is_set():
            count += 1
            name = f"m{number}-{count}"
            if await nodes[number % 2].put([new(name, body=LARGE if count % 20 == 1 else b"x")]):
                await asyncio.sleep(0.01)
            else:
                promised.add(name)

    async def runner(queue):
        while not stop.is_set():
            found = await claim(queue, 20)
            if isinstance(found, StoreFault) or not found:
                await asyncio.sleep(0.01)
                continue
            answers = await asyncio.gather(
                *[until_done(lambda e=entry: queue.record(finished(e))) for entry in found]
            )
            for entry, answer in zip(found, answers, strict=True):
                # Stale(0): it was recorded before, and the fault hid the answer.
                assert isinstance(answer, QueueEntry) or answer == Stale(0), answer
                assert entry.id not in done, "given out twice"
                done.add(entry.id)

    tasks = [asyncio.create_task(client(number)) for number in range(6)]
    tasks += [asyncio.create_task(runner(queue)) for queue in nodes]
    for _ in range(rounds):
        await asyncio.sleep(0.25)  # real time in which real work is done
        await cut()
    await asyncio.sleep(0.1)
    stop.set()
    await asyncio.gather(*tasks)
    frail.clock.advance(60)  # claims whose answer was lost, if they were not given back
    left = await until_done(lambda: claim(nodes[0], 10_000))
    assert not [one for one in left if isinstance(one, Corrupt)]
    assert promised <= done | {entry.id for entry in left}
    assert not done & {entry.id for entry in left}
    assert done
    for entry in left[:50]:
        content = await nodes[0].content(entry.id)
        assert content.octets() in {
            a_content(entry.id, LARGE).octets(),
            a_content(entry.id, b"x").octets(),
        }


async def test_connections_cut_under_load_lose_nothing_and_repeat_nothing(frail):
    async def cut():
        connection = await asyncpg.connect(frail.server.url())
        for _ in range(5):
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'ses-relay %' AND random() < 0.5"
            )
            await asyncio.sleep(0.02)
        await connection.close()

    await storm(frail, cut)


async def test_a_server_restarted_under_load_loses_nothing_and_repeats_nothing(frail):
    async def cut():
        await asyncio.to_thread(frail.server.stop)
        await asyncio.to_thread(frail.server.start)

    await storm(frail, cut, rounds=2)


def deaf(monkeypatch, name):
    """Let a statement be committed and its answer be lost, once."""
    real = getattr(rows, name)

    async def lost(connection, *arguments):
        await real(connection, *arguments)
        monkeypatch.setattr(rows, name, real)
        raise asyncpg.ConnectionDoesNotExistError("connection was closed")

    monkeypatch.setattr(rows, name, lost)


@pytest.mark.parametrize("verb", ["update", "remove"])
async def test_a_record_whose_answer_was_lost_is_made_once(frail, monkeypatch, verb):
    queue = (await frail.open()).queue
    await queue.put([new("a")])
    [entry] = await claim(queue)
    moved = finished(entry) if verb == "remove" else replace(entry, attempts=1)
    deaf(monkeypatch, verb)
    assert isinstance(await queue.record(moved), StoreFault)
    again = await queue.record(moved)
    if verb == "remove":
        assert again == Stale(0)
    else:
        assert again == replace(moved, version=entry.version + 1)
        assert isinstance(await queue.record(finished(again)), QueueEntry)


async def test_entries_of_a_claim_whose_answer_was_lost_are_claimed_again_at_once(
    frail, monkeypatch
):
    queue = (await frail.open()).queue
    await queue.put([new("a"), new("b")])
    deaf(monkeypatch, "claim")
    assert isinstance(await claim(queue, 1), StoreFault)
    assert ids(await claim(queue)) == ["a", "b"]


async def test_a_slow_database_is_a_fault_in_time_and_mail_goes_on_after_it(frail, monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE", 0.2)
    queue = (await frail.open()).queue
    await queue.put([new("a")])
    blocker = await asyncpg.connect(frail.url)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE ses_relay.entries")
        answers = await asyncio.gather(queue.put([new("b")]), claim(queue))
        assert all(isinstance(answer, StoreFault) for answer in answers)
    await blocker.close()
    assert await until_done(lambda: queue.put([new("c")])) is None
    assert {"a", "c"} <= set(ids(await until_done(lambda: claim(queue))))


async def test_a_database_set_up_to_forget_commits_is_overruled(frail):
    await frail.ask("ALTER DATABASE frail SET synchronous_commit = off")
    try:
        stores = await frail.open()

        async def setting(connection):
            return (await connection.fetchrow("SHOW synchronous_commit"))[0]

        assert await stores.shared.database.ask(setting) == "on"
    finally:
        await frail.ask("ALTER DATABASE frail RESET synchronous_commit")


async def test_what_rots_is_set_aside_with_its_octets(frail):
    stores = await frail.open()
    await stores.queue.put([new("a"), new("b", body=LARGE), new("c"), new("d")])
    await frail.ask(
        "UPDATE ses_relay.messages SET message = 'rot' WHERE seq = 1 + (SELECT min(seq)"
        " FROM ses_relay.messages) - 1"
    )
    await frail.ask("UPDATE ses_relay.pieces SET octets = 'rot' WHERE number = 2")
    await frail.ask(
        "DELETE FROM ses_relay.messages WHERE seq = (SELECT max(seq) FROM ses_relay.messages)"
    )
    found = await claim(stores.queue)
    assert ids(one for one in found if isinstance(one, Corrupt)) == ["a", "d"]
    assert isinstance(await stores.queue.content("b"), Corrupt)
    assert stores.queue.usage.messages == 1
    assert stores.queue.usage.corrupt == 3
    assert await stores.queue.look() is None
    assert (stores.queue.usage.messages, stores.queue.usage.corrupt) == (1, 3)
    assert await frail.bodies() > 0
    assert len((await stores.shared.control.drop(Selection(ids=frozenset("abd")), AT)).ids) == 3
    assert await frail.bodies() == 0
