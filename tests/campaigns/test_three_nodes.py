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

from relay.simulator import running

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
RATE, HEADROOM = 40.0, 0.9
# Of each node's clients, in seconds; all together they bring a little more than can be sent.
PAUSES = (0.1, 0.15, 0.2)
DRAINED = 300.0


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
        await nodes.relays[0].until_empty(DRAINED)
        letters = [letter for crowd in nodes.crowds for letter in crowd.letters]
        got = {recipient for request in ledger.taken for recipient in request.recipients}
        lost = [one for one in letters if one.accepted and not got.issuperset(one.recipients)]
        throttled = 1 - len(ledger.taken) / len(requests)
    print(f"\nseed {seed}: {len(letters)} messages, {used:.1%} used, {throttled:.2%} throttled")
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


async def test_three_nodes_lose_nothing_whatever_befalls_them(tmp_path, server):
    used, throttled = await campaign(tmp_path, server, 1.2, 1)
    assert used >= 0.6  # a lease outlives its node by ten seconds, and all of it takes hardly more
    assert throttled < 0.02


@pytest.mark.long
async def test_three_nodes_use_the_rate_whatever_befalls_them(tmp_path, server):
    used, throttled = await campaign(tmp_path, server, 12.0, 2)
    assert used >= 0.9
    assert throttled < 0.01
