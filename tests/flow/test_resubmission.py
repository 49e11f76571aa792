"""A client that did not hear its verdict comes back: one mail, and no verdict twice."""

import asyncio

import pytest
from flow_world import World, settings

from relay.model.settings import Queue, SqliteStore

pytestmark = pytest.mark.fake_time


class SlowVerdicts:
    """A store that takes its time to write."""

    def __init__(self):
        self.kept = {}
        self.writing = asyncio.Event()
        self.may_write = asyncio.Event()

    async def keep(self, fingerprint, reply, until):
        self.writing.set()
        await self.may_write.wait()
        self.kept[fingerprint] = reply

    def surely_none(self, fingerprint):
        return False

    async def take(self, fingerprint, now):
        return self.kept.pop(fingerprint, None)


async def submitted(world, times):
    return [str(await world.submit()) for _ in range(times)]


async def test_the_verdict_that_nobody_heard_is_given_again_and_once():
    world = World()
    gate = world.ses.hold_back()
    await world.hang_up()
    gate.set()
    await world.settle()
    assert await submitted(world, 2) == ["250 2.0.0 Ok m", "250 2.0.0 Ok ses-1"]
    assert len(world.ses.sent) == 2


async def test_a_resubmission_joins_the_first_one_while_it_is_under_way():
    world = World()
    gate = world.ses.hold_back()
    await world.hang_up()
    second = asyncio.ensure_future(world.submit())
    await asyncio.sleep(0.1)
    gate.set()
    assert str(await second) == "250 2.0.0 Ok m"
    await world.settle()
    assert len(world.ses.sent) == 1
    assert world.verdicts.kept == {}


async def test_who_hangs_up_twice_hears_it_the_third_time():
    world = World()
    gate = world.ses.hold_back()
    await world.hang_up()
    await world.hang_up()
    gate.set()
    await world.settle()
    assert await submitted(world, 2) == ["250 2.0.0 Ok m", "250 2.0.0 Ok ses-1"]


async def test_who_comes_back_while_the_verdict_is_written_hears_it():
    slow = SlowVerdicts()
    world = World(verdicts=slow)
    gate = world.ses.hold_back()
    await world.hang_up()
    gate.set()
    await slow.writing.wait()
    assert await submitted(world, 1) == ["250 2.0.0 Ok m"]
    slow.may_write.set()
    await world.settle()
    assert len(world.ses.sent) == 1
    # It was heard: the same words a minute later are another mail.
    assert await submitted(world, 1) == ["250 2.0.0 Ok ses-1"]


async def test_resubmissions_are_mails_of_their_own_where_switched_off():
    world = World(settings(queue=Queue(store=SqliteStore("unused"), resubmission=False)))
    gate = world.ses.hold_back()
    await world.hang_up()
    gate.set()
    await world.settle()
    await world.submit()
    assert len(world.ses.sent) == 2
