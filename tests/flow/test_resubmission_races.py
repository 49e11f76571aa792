"""A client that comes back in the middle of something: one mail, and no verdict twice."""

import asyncio

import pytest
from flow_world import World

from relay.model.outcome import Relayed

pytestmark = pytest.mark.fake_time


class SlowVerdicts:
    """A store that takes its time to write."""

    def __init__(self, world):
        self.kept = world.verdicts.kept
        self.writing = asyncio.Event()
        self.may_write = asyncio.Event()

    async def keep(self, fingerprint, reply, until):
        self.writing.set()
        await self.may_write.wait()
        self.kept[fingerprint] = reply

    async def take(self, fingerprint, now):
        return self.kept.pop(fingerprint, None)


async def hung_up(world):
    """Submit a message whose client hangs up before SES has answered; SES answers then."""
    gate = asyncio.Event()

    async def slow():
        await gate.wait()
        return Relayed(ses_message_id="m")

    world.ses.answers = [slow]
    session = asyncio.ensure_future(world.submit())
    await asyncio.sleep(0.1)
    session.cancel()
    await asyncio.gather(session, return_exceptions=True)
    gate.set()


async def test_who_comes_back_while_the_verdict_is_written_hears_it():
    world = World()
    object.__setattr__(world.resubmissions, "verdicts", slow := SlowVerdicts(world))
    await hung_up(world)
    await slow.writing.wait()
    assert str(await world.submit()) == "250 2.0.0 Ok m"
    slow.may_write.set()
    await world.settle()
    assert len(world.ses.sent) == 1
    # It was heard: the same words a minute later are another mail.
    assert str(await world.submit()) == "250 2.0.0 Ok ses-1"


async def test_who_comes_back_later_hears_it_once():
    world = World()
    object.__setattr__(world.resubmissions, "verdicts", slow := SlowVerdicts(world))
    slow.may_write.set()
    await hung_up(world)
    await world.settle()
    replied = [str(await world.submit()) for _ in range(2)]
    assert replied == ["250 2.0.0 Ok m", "250 2.0.0 Ok ses-1"]


async def test_who_hangs_up_twice_hears_it_the_third_time():
    world = World()
    gate = asyncio.Event()

    async def slow():
        await gate.wait()
        return Relayed(ses_message_id="m")

    world.ses.answers = [slow]
    for _ in range(2):
        session = asyncio.ensure_future(world.submit())
        await asyncio.sleep(0.1)
        session.cancel()
        await asyncio.gather(session, return_exceptions=True)
    gate.set()
    await world.settle()
    replied = [str(await world.submit()) for _ in range(2)]
    assert replied == ["250 2.0.0 Ok m", "250 2.0.0 Ok ses-1"]
