"""Relays that share an account alone: whatever they do, all lists end alike, and then rest."""

import random
from contextlib import AsyncExitStack

import pytest
from account_list_world import SYNC, FakeList, keeping
from fakes import FakeClock

ADDRESSES = [f"{letter}@example.org" for letter in "abcdef"]
STEPS = 120
ROUNDS = 8  # until nothing may change any more


class Story:
    """Some relays, an account's list that shows its past, and things that happen."""

    def __init__(self, clock, there, relays, chance):
        self.clock = clock
        self.there = there
        self.relays = relays
        self.chance = chance

    async def step(self):
        """Let one thing happen, to anybody."""
        relay, address = self.chance.choice(self.relays), self.chance.choice(ADDRESSES)
        self.there.lag = self.chance.choice([0.0, 0.0, 5.0, 300.0])
        match self.chance.randrange(8):
            case 0:
                await relay.suppress(address)
            case 1:
                await relay.unsuppress(address)
            case 2:
                await relay.learn(address)
            case 3:  # a hard bounce as it is: SES knows it first
                self.there.holds(address)
                await relay.learn(address)
            case 4:
                self.there.holds(address)
            case 5:
                self.there.loses(address)
            case _:
                await relay.passes(self.there, SYNC)
        self.clock.advance(self.chance.choice([0.5, 5.0, 120.0, 700.0]))

    async def settle(self):
        """Let everybody make passes until all must be as it stays."""
        self.there.lag = 0.0
        for _ in range(ROUNDS):
            for relay in self.relays:
                await relay.passes(self.there, SYNC)
                self.clock.advance(400.0)

    async def lists(self):
        return [set(await relay.listed()) for relay in self.relays]


@pytest.mark.parametrize("relays", [1, 2, 3])
@pytest.mark.parametrize("seed", range(12))
async def test_all_lists_end_alike_and_rest(tmp_path, relays, seed):
    clock = FakeClock()
    there = FakeList(clock)
    async with AsyncExitStack() as stack:
        keepers = [
            await stack.enter_async_context(keeping(tmp_path / str(n), clock))
            for n in range(relays)
        ]
        story = Story(clock, there, keepers, random.Random(seed))
        for _ in range(STEPS):
            await story.step()
        await story.settle()
        assert await story.lists() == [set(there.entries)] * relays, f"seed {seed}"
        there.calls.clear()
        for relay in keepers:
            relay.told.clear()
        await story.settle()
        assert not there.writes, "something goes round in a circle"
        assert not [told for relay in keepers for told in relay.told]


async def test_a_word_that_nobody_contradicts_is_the_last(tmp_path):
    clock = FakeClock()
    there = FakeList(clock)
    async with keeping(tmp_path / "1", clock) as one, keeping(tmp_path / "2", clock) as other:
        story = Story(clock, there, [one, other], random.Random(0))
        await one.learn("a@example.org")
        await story.settle()
        assert await other.refuses("a@example.org")
        await other.unsuppress("a@example.org")
        await story.settle()
        assert await story.lists() == [set(), set()]
        await one.suppress("a@example.org")
        await story.settle()
        assert await story.lists() == [{"a@example.org"}] * 2
        there.loses("a@example.org")
        await story.settle()
        assert await story.lists() == [set(), set()]
