"""What the log says of a request that is put off."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flow_world import World

from relay.model import replies
from relay.model.outcome import Cause, Deferred, Scope, ScopeKind

pytestmark = pytest.mark.fake_time

CLOSED = Deferred(
    cause=Cause.QUOTA, scope=Scope(ScopeKind.ROUTE, "default"), reply=replies.QUOTA_USED
)


def deferred(world):
    [facts] = [facts for event, facts in world.log if event == "message.deferred"]
    return facts


@pytest.mark.parametrize("asked", [False, True])
async def test_how_long_it_waits_is_said_where_somebody_named_a_time(asked):
    world = World()
    until = replace(CLOSED, not_before=world.clock.now() + timedelta(seconds=90))
    if asked:
        world.ses.answers = [until]
    else:
        world.scheduler.deferral = until
    await world.submit()
    assert deferred(world)["delay_s"] == 90.0


async def test_where_the_backoff_decides_nothing_is_said():
    world = World()
    world.ses.answers = [CLOSED]
    await world.submit()
    assert "delay_s" not in deferred(world)
