"""Three nodes on one database and one account, under load: killed, cut off, slow, without a server.

Nothing that was answered 250 is lost, the account's rate is used and hardly refused.
"""

import asyncio
import random
import time
from contextlib import AsyncExitStack

import pytest
from crash_clients import Crowd
from crash_relay import KilledRelay
from crash_ses import SENDS, bad_ses
from database_way import DatabaseWay
from postgres_server import PostgresServer

from relay.model.clock import SystemClock
from relay.model.custody import EntryState, Selection
from relay.model.ports import StoreFault
from relay.simulator import running
from relay.stores.postgresql.opening import open_guest

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
RATE, HEADROOM = 40.0, 0.9
# Of each node's clients, in seconds; all together they bring a little more than can be sent.
PAUSES = (0.1, 0.2, 0.3)
DRAINED = 240.0


async def until_drained(url):
    """Wait until all is sent but what a dead node had claimed, or a live one without knowing.

    That is leased for a quarter of an hour, and nobody may touch it before. Gives its recipients.
    """
    shared = await open_guest(url, SystemClock())
    try:
        async with asyncio.timeout(DRAINED):
            while True:
                now = SystemClock().now()
                kept = await shared.control.select(Selection(), now, 10_000)
                if not isinstance(kept, StoreFault) and all(
                    EntryState.of(entry, now) is EntryState.LEASED for entry in kept
                ):
                    await asyncio.sleep(3)  # and is not under way
                    kept = await shared.control.select(Selection(), now, 10_000)
                    assert not isinstance(kept, StoreFault)
                    return {str(one.address) for e in kept for one in e.message.recipients}
                await asyncio.sleep(0.5)
    finally:
        await shared.close()


class Nodes:
    """The three, with their ways to the database and their clients."""

    def __init__(self, server, ledger):
        self.server, self.ledger = server, ledger
        self.relays, self.ways, self.crowds = [], [], []

    async def add(self, stack, folder, ses_url, host, rng):
        way = await stack.enter_async_context(DatabaseWay.to(self.server, host))
        folder = folder / host
        folder.mkdir()
        launched = KilledRelay.launched(
            folder, ses_url, host, route={"headroom": HEADROOM}, store=way.url
        )
        relay = await stack.enter_async_context(launched)
        self.ways.append(way)
        self.relays.append(relay)
        self.crowds.append(Crowd(relay.port, rng, host=host, large=0, many=0, hang_ups=0))
        await relay.start()
        await relay.logged("relay.started")

    async def befall(self, unit):
        """Let everything happen once; `unit` is how many seconds each of it lasts."""
        await asyncio.sleep(unit)
        await self.relays[2].kill()
        await asyncio.sleep(unit / 2)
        await self.relays[2].start()
        await asyncio.sleep(unit)
        self.ways[1].cut()
        await asyncio.sleep(unit)
        self.ways[1].mend()
        await asyncio.sleep(unit)
        await asyncio.to_thread(self.server.stop)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(self.server.start)
        await asyncio.sleep(unit)
        for way in self.ways:
            way.delay = 0.02
        await asyncio.sleep(unit)
        for way in self.ways:
            way.delay = 0.0
        await asyncio.sleep(unit)


async def campaign(folder, server, unit, rounds):
    """Give what was used of the rate, what was throttled, and what became of each message."""
    seed = random.getrandbits(32)
    rng = random.Random(seed)
    simulator, ledger = bad_ses(rng, RATE, ())
    requests, take = [], simulator.faults.take

    def counting(operation):
        if operation in SENDS:
            requests.append(time.monotonic())
        return take(operation)

    simulator.faults.take = counting
    async with AsyncExitStack() as stack:
        ses_url = await stack.enter_async_context(running(simulator))
        nodes = Nodes(server, ledger)
        for host in HOSTS:
            await nodes.add(stack, folder, ses_url, host, rng)
        submitting = [asyncio.create_task(crowd.run(*PAUSES)) for crowd in nodes.crowds]
        await asyncio.sleep(5)  # there is a backlog, and everybody has their share
        began, before = time.monotonic(), len(ledger.taken)
        for _ in range(rounds):
            await nodes.befall(unit)
        used = (len(ledger.taken) - before) / (time.monotonic() - began) / (RATE * HEADROOM)
        for crowd in nodes.crowds:
            crowd.stop()
        await asyncio.gather(*submitting)
        kept = await until_drained(server.url())
        letters = [letter for crowd in nodes.crowds for letter in crowd.letters]
        found = kept.union(*(request.recipients for request in ledger.taken))
        lost = [one for one in letters if one.accepted and not found.issuperset(one.recipients)]
        throttled = 1 - len(ledger.taken) / len(requests)
    print(f"\nseed {seed}: {len(letters)} messages, {len(kept)} kept")
    print(f"{used:.1%} of the rate used, {throttled:.2%} of the requests throttled")
    assert len(kept) < 0.05 * len(letters), kept
    assert not lost, (seed, lost[:3])
    return used, throttled


@pytest.fixture
def server():
    server = PostgresServer()
    try:
        server.create()
        yield server
    finally:
        server.remove()


@pytest.mark.long
async def test_three_nodes_lose_nothing_whatever_befalls_them(tmp_path, server):
    used, throttled = await campaign(tmp_path, server, 1.2, 1)
    assert used >= 0.6  # a lease outlives its node by ten seconds, and all of it takes hardly more
    assert throttled < 0.02


@pytest.mark.long
async def test_three_nodes_use_the_rate_whatever_befalls_them(tmp_path, server):
    used, throttled = await campaign(tmp_path, server, 8.0, 2)
    assert used >= 0.9
    assert throttled < 0.01
