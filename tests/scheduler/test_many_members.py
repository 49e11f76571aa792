"""Fifty relays on one store and one account: they join, leave, die and are cut off at random."""

import asyncio
import random
from bisect import bisect_left

import pytest
from ses_account import SesAccount, key, scheduler, scopes, state

from relay.model.ports import Granted, StoreFault
from relay.model.settings import Route
from relay.service.membership import Membership
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database, Role, Sync
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.members import SqliteMembers
from relay.stores.sqlite.schema import STATE

pytestmark = pytest.mark.fake_time

RATE, HEADROOM = 50.0, 0.9


class CuttableMembers(SqliteMembers):
    """A store that can be out of reach for one of its members, before or after the commit."""

    cut = None

    async def renew(self, accounts, decide):
        if self.cut == "before":
            return StoreFault("no way to the store")
        renewed = await super().renew(accounts, decide)
        await asyncio.sleep(self.delay)
        return StoreFault("no way back from the store") if self.cut == "after" else renewed


class Relay:
    """A scheduler with its membership, and mail that waits for its turn as long as it is busy."""

    def __init__(self, world, name):
        self.world, self.clock, self.busy = world, world.clock, False
        self.fair = scheduler(world.clock)
        self.fair.account("default", state(rate=world.ses.rate))
        self.members = CuttableMembers(world.database, world.crew, name)
        self.members.delay = 0.01
        self.membership = Membership(
            members=self.members,
            scheduler=self.fair,
            routes=lambda: {"default": Route(region="eu-west-1")},
            on_look=lambda *_: None,
            telemetry=world,
            clock=world.clock,
            chance=world.chance.random,
        )
        self.fair._tell = self.hear
        self.tasks = []

    def hear(self, notice):
        if type(notice).__name__ == "ShareTooSmall":
            self.membership.hurry()

    async def join(self):
        assert await self.membership.renew() is None
        self.tasks.append(asyncio.create_task(self.membership.run()))
        self.tasks += [asyncio.create_task(self.send()) for _ in range(3)]

    async def send(self):
        """Be one of several senders of kept mail."""
        while True:
            if not self.busy:
                await self.clock.sleep(0.25)
                continue
            turn = await self.fair.turn(key(), scopes(key()), 1, None)
            if isinstance(turn, Granted):
                self.fair.learn(turn, await self.world.ses.send(turn))

    async def die(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def leave(self):
        await self.die()
        await self.membership.leave()


class World:
    """The store, the account, and what befalls the relays."""

    def __init__(self, folder, clock, rate, seed):
        self.clock, self.chance = clock, random.Random(seed)
        self.crew = Crew.inline(Files(), clock)
        Database(folder / "state.db", STATE, self.crew.files, Role.OWNER).open()
        self.database = Database(folder / "state.db", STATE, self.crew.files, Role.GUEST, Sync.LATE)
        self.ses = SesAccount(clock, rate, lambda: self.chance.uniform(0.02, 0.3))
        self.relays, self.number = [], 0
        self.store = self  # stands in for the telemetry: only store faults are told

    def fault(self, _operation, _reason):
        pass

    async def join(self):
        self.number += 1
        relay = Relay(self, f"relay-{self.number}")
        relay.busy = self.chance.random() < 0.5
        await relay.join()
        self.relays.append(relay)

    async def befall(self):
        """Let one thing happen."""
        someone = self.chance.choice(self.relays[1:])
        match self.chance.choice(["join", "leave", "die", "toggle", "toggle", "cut", "mend"]):
            case "join" if len(self.relays) < 60:
                await self.join()
            case "leave" if len(self.relays) > 40:
                self.relays.remove(someone)
                await someone.leave()
            case "die" if len(self.relays) > 40:
                self.relays.remove(someone)
                await someone.die()
            case "toggle":
                someone.busy = not someone.busy
            case "cut" if sum(relay.members.cut is not None for relay in self.relays) < 3:
                someone.members.cut = self.chance.choice(["before", "after"])
            case "mend":
                for relay in self.relays:
                    relay.members.cut = None

    async def end(self):
        for relay in self.relays:
            await relay.die()
        self.database.close()


def most_in(times, seconds):
    """Give the most that fell into any window."""
    return max(bisect_left(times, begin + seconds) - place for place, begin in enumerate(times))


@pytest.mark.parametrize("seed", [1, 2])
async def test_fifty_members_that_come_and_go_use_the_rate_and_hardly_exceed_it(
    clock, tmp_path, seed
):
    world = World(tmp_path, clock, RATE, seed)
    await world.join()
    world.relays[0].busy = True  # there is demand all the time
    for _ in range(49):
        await world.join()
        await clock.sleep(0.2)
    await clock.sleep(10)
    began = clock.monotonic()
    while clock.monotonic() < began + 120:
        await world.befall()
        await clock.sleep(world.chance.uniform(1, 3))
    ended = clock.monotonic()
    await world.end()
    times = [at for at, _ in world.ses.sent]
    assert most_in(times, 10.0) <= 1.05 * RATE * 10
    used = sum(began <= at < ended for at in times) / (ended - began)
    assert used >= 0.9 * HEADROOM * RATE, used
    assert world.ses.counts["throttled"] <= 0.001 * world.ses.counts["relayed"]
