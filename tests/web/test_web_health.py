"""What orchestrators and Prometheus ask."""

import asyncio

from web_world import World

from relay.telemetry import ScrapeTime
from relay.web import Readiness
from relay.web.health import Health


async def test_alive():
    async with World().browser() as client:
        assert await (await client.get("/healthz")).text() == "ok\n"


async def test_ready():
    async with World().browser() as client:
        answer = await client.get("/readyz")
        assert answer.status == 200
        assert await answer.json() == {"ready": True, "reasons": [], "warnings": []}


async def test_not_ready_says_why():
    world = World()
    world.readiness = Readiness(("store not writable: disk full",), ("account: sandbox",))
    async with world.browser() as client:
        answer = await client.get("/readyz")
        assert answer.status == 503
        assert await answer.json() == {
            "ready": False,
            "reasons": ["store not writable: disk full"],
            "warnings": ["account: sandbox"],
        }
        assert (await client.get("/healthz")).status == 200


async def test_what_is_wrong_with_the_account_takes_nothing_out():
    world = World()
    world.readiness = Readiness(warnings=("sending is paused",))
    async with world.browser() as client:
        answer = await client.get("/readyz")
        assert (answer.status, (await answer.json())["warnings"]) == (200, ["sending is paused"])
        assert "sending is paused" in await (await client.get("/")).text()


async def test_metrics():
    world = World()
    world.metrics.read(ScrapeTime.SMTP_SESSIONS, lambda: {(): 2})
    async with world.browser() as client:
        answer = await client.get("/metrics")
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "ses_relay_smtp_sessions 2.0" in await answer.text()


async def test_others_have_their_turn_between_two_metrics():
    turns = 0

    async def mail():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    sending = asyncio.create_task(mail())
    world = World()
    await Health(world.sources).metrics(None)
    sending.cancel()
    assert turns >= len(list(world.metrics.pages()))
