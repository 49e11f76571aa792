"""A hold that is written into the store stops a relay that runs, and its end lets mail go."""

import asyncio
import contextlib

import pytest
from fake_relay import FakeRelay
from fakes import START
from stored import later

from relay.model.custody import ScopeHold
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import StoreFault
from relay.model.settings import Route

pytestmark = pytest.mark.fake_time

USER = Scope(ScopeKind.USER, "tickets")


def hold_of(scope, until=None, reason="wrong links"):
    return ScopeHold(scope=scope, held=Held(reason=reason, until=until), since=START)


@contextlib.asynccontextmanager
async def watching(folder, **settings):
    """Run a relay that looks at the holds, as the service does."""
    async with FakeRelay(folder, **settings) as relay:
        relay.holds = relay.sqlite.shared.holds
        assert await relay.parts.holds.obey() is None
        task = asyncio.create_task(relay.parts.holds.run())
        try:
            yield relay
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_hold_is_obeyed_within_about_a_second_and_so_is_its_end(tmp_path):
    async with watching(tmp_path / "store") as relay:
        assert "queued" not in (await relay.submit()).text
        await relay.holds.hold(hold_of(USER))
        await asyncio.sleep(1.5)
        assert "queued" in (await relay.submit()).text
        await asyncio.sleep(3600)
        assert len(relay.taken) == 1
        assert await relay.holds.release(USER)
        assert await relay.until_empty(60) < 60
        assert len(relay.taken) == 2
        told = [facts["new"] for facts in relay.log.named("account.changed")]
        assert told == ["held: wrong links", "open"]


async def test_a_hold_stands_from_the_start_of_the_relay(tmp_path):
    async with watching(tmp_path / "store") as relay:
        await relay.holds.hold(hold_of(USER))
    async with watching(tmp_path / "store") as relay:
        assert "queued" in (await relay.submit()).text
        assert relay.ses.requests == 0


async def test_a_hold_ends_by_its_time(tmp_path):
    async with watching(tmp_path / "store") as relay:
        await relay.holds.hold(hold_of(USER, until=later(600)))
        await asyncio.sleep(1.5)
        await relay.submit()
        await asyncio.sleep(590)
        assert relay.ses.requests == 0
        assert await relay.until_empty(60) < 60


async def test_an_early_release_finds_nothing_put_off_until_the_end_of_the_hold(tmp_path):
    async with watching(tmp_path / "store") as relay:
        await relay.holds.hold(hold_of(USER, until=later(7200)))
        await asyncio.sleep(1.5)
        await relay.submit()
        await relay.holds.release(USER)
        assert await relay.until_empty(60) < 60


async def test_an_identity_is_held_on_every_route(tmp_path):
    routes = {name: Route(region="eu-west-1") for name in ("default", "second")}
    async with watching(tmp_path / "store", routes=routes) as relay:
        await relay.holds.hold(hold_of(Scope(ScopeKind.IDENTITY, "example.com")))
        await asyncio.sleep(1.5)
        assert {scope.route for scope in relay.scheduler.holds()} == {"default", "second"}
        assert "queued" in (await relay.submit()).text
        assert relay.ses.requests == 0


async def test_holds_that_somebody_else_set_are_left_alone(tmp_path):
    other = Scope(ScopeKind.USER, "news")
    async with watching(tmp_path / "store") as relay:
        relay.scheduler.hold(other, "set elsewhere")
        await relay.holds.hold(hold_of(USER))
        await asyncio.sleep(1.5)
        await relay.holds.hold(hold_of(USER, reason="another reason"))
        await asyncio.sleep(1.5)
        assert relay.scheduler.holds()[USER].reason == "another reason"
        await relay.holds.release(USER)
        await asyncio.sleep(1.5)
        assert list(relay.scheduler.holds()) == [other]


async def test_a_store_that_cannot_be_read_changes_nothing_and_is_told_once(tmp_path):
    class Broken:
        async def holds(self, now):
            return StoreFault("state.db: disk I/O error")

    async with watching(tmp_path / "store") as relay:
        await relay.holds.hold(hold_of(USER))
        await asyncio.sleep(1.5)
        whole, relay.parts.holds.holds = relay.parts.holds.holds, Broken()
        await asyncio.sleep(10)
        assert USER in relay.scheduler.holds()
        assert len(relay.log.named("store.fault")) == 1
        relay.parts.holds.holds = whole
        await relay.holds.release(USER)
        await asyncio.sleep(1.5)
        assert not relay.scheduler.holds()
