"""Bulk mail is cut so that no request of it costs urgent mail more than about a second."""

from dataclasses import replace

import pytest
from flow_world import USER, World, no_store, settings

from relay.model.settings import Lane, Route

pytestmark = pytest.mark.fake_time

TO = [f"r{n}@example.org" for n in range(20)]
BULK = replace(USER, lane=Lane.BULK)


def slow(configuration):
    world = World(configuration)
    world.scheduler.most = {Lane.BULK: 9}
    return world


def cuts(world):
    [kept] = world.queue.kept.values()
    return [len(request.recipients) for request in kept.entry.requests]


async def test_bulk_requests_are_as_large_as_the_rate_allows():
    world = slow(settings(users=(BULK,)))
    assert (await world.submit(*TO)).text.startswith("Ok: queued as")
    assert cuts(world) == [9, 9, 2]


async def test_urgent_mail_goes_in_one_request():
    world = slow(settings())
    assert str(await world.submit(*TO)) == "250 2.0.0 Ok ses-1"
    [(_, request)] = world.ses.sent
    assert len(request.recipients) == len(TO)


async def test_the_route_may_want_smaller_ones():
    routes = {"default": Route(region="eu-west-1", recipients_per_request=8)}
    world = slow(settings(users=(BULK,), routes=routes))
    await world.submit(*TO)
    assert cuts(world) == [8, 8, 4]


async def test_without_a_store_one_request_carries_all_that_rcpt_took():
    world = slow(no_store(users=(BULK,)))
    assert str(await world.submit(*TO)) == "250 2.0.0 Ok ses-1"
    assert len(world.ses.sent) == 1
