"""The findings of `ses-relay check` are seen while the relay runs."""

from dataclasses import replace

import pytest
from aiohttp import ClientSession
from relay_world import LOCAL, relaying, route, settings, simulated, until

from relay.model.settings import AddressPattern
from relay.service import rounds


@pytest.fixture(autouse=True)
def brisk(monkeypatch):
    """Ask as often as the simulator bears: it is as strict as SES with control calls."""
    monkeypatch.setattr(rounds, "BETWEEN_CALLS", 1.1)


async def nothing(_name):
    return ()


async def test_an_identity_that_is_gone_is_seen_where_operators_look():
    user = replace(LOCAL, senders=(AddressPattern("*@example.com"),), configuration_set=None)
    async with simulated() as ses:
        known = settings(ses.url, users=(user,), routes={"default": route(ses.url)})
        async with relaying(known, published=nothing) as world:
            machine, routes = world.relay.office.rounds
            await until(lambda: machine.warnings)  # at once: the certificate has a day
            await routes.look()
            before = len(world.lines("account.changed"))
            ses.change(identities=frozenset({"example.net"}))
            await routes.look()
            about = "users.local.senders *@example.com"
            [line] = world.lines("account.changed", what=about)
            assert line["new"].startswith("fault: ")
            assert "no identity in eu-west-1 covers it (example.com)" in line["new"]
            assert len(world.lines("account.changed")) == before + 1
            async with (
                ClientSession() as session,
                session.get(f"{world.relay.http}/readyz") as answer,
            ):
                assert answer.status == 200
                warnings = (await answer.json())["warnings"]
            assert any(warning.startswith(f"{about} no identity") for warning in warnings)
            ses.change(identities=frozenset({"example.com"}))
            await routes.look()
            assert world.lines("account.changed", what=about)[-1]["new"] == "ok"


async def test_the_rounds_use_the_connections_that_are_open():
    async with simulated() as ses:
        known = settings(ses.url)
        async with relaying(known, published=nothing) as world:
            _, routes = world.relay.office.rounds
            await routes.look()
            async with world.relay.routes.borrowed("default", known.routes["default"], 1):
                changed = replace(known, routes={"default": route(ses.url, api="v2")})
                await world.relay.reload(changed)
                await world.relay.departures.look()
            await routes.look()
            news = [line["new"] for line in world.lines("account.changed")]
            assert not [new for new in news if "meanwhile" in new]
