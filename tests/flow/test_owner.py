"""Work outlives the session that began it, and the stop waits for what it leads to."""

import asyncio

import pytest

from relay.flow.owner import Owner

pytestmark = pytest.mark.fake_time


def owner():
    faults = []
    return Owner(lambda where, error: faults.append((where, error))), faults


async def test_the_stop_waits_for_work_that_other_work_begins():
    ours, _ = owner()
    recorded = []

    async def record():
        await asyncio.sleep(1)
        recorded.append("outcome")

    async def attempt():
        await asyncio.sleep(1)
        ours.start("record", record())

    ours.start("attempt", attempt())
    assert await ours.drain(10) == 0
    assert recorded == ["outcome"]


async def test_what_the_grace_does_not_suffice_for_is_cut_off():
    ours, faults = owner()
    ended = []

    async def endless():
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append("told")

    ours.start("attempt", endless())
    assert await ours.drain(5) == 1
    assert ended == ["told"]
    assert faults == []


async def test_a_bug_in_work_that_nobody_awaits_is_heard_of():
    ours, faults = owner()

    async def broken():
        raise KeyError("bug")

    ours.start("record", broken())
    await ours.drain(1)
    [(where, error)] = faults
    assert where == "record"
    assert isinstance(error, KeyError)
