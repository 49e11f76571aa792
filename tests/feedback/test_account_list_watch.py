"""The lists of all accounts, for as long as the relay runs; what is wrong is said once."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from account_list_world import DENIED, FakeList
from feedback_world import World

from relay.aws import UnusableRoute
from relay.feedback.account_list.watch import FIRST, LONGEST, SHORTEST, ListWatch
from relay.model.ports import Suppressed
from relay.model.settings import AccountList, Route, Suppression

A = "a@example.org"
ROUTE = Route(region="eu-west-1")


class Watched(World):
    """A relay's suppression list, and the lists of its accounts by route."""

    def __init__(self, folder, mode=AccountList.READ, **lists):
        routes = dict.fromkeys(lists or {"default": None}, ROUTE)
        super().__init__(folder, routes=routes, suppression=Suppression(account_list=mode))
        self.lists = lists or {"default": None}
        self.opened = []  # when

    async def __aenter__(self):
        await super().__aenter__()
        self.lists = {name: one or FakeList(self.clock) for name, one in self.lists.items()}
        self.watch = ListWatch(
            open_list=self.open_list,
            mirrors=self.stores.shared.mirrors,
            settings=lambda: self.settings,
            telemetry=self.telemetry,
            clock=self.clock,
            chance=lambda: 0.5,
        )
        return self

    @property
    def there(self):
        return self.lists["default"]

    @asynccontextmanager
    async def open_list(self, name, route):
        self.opened.append(self.clock.monotonic())
        if isinstance(self.lists[name], Exception):
            raise self.lists[name]
        yield self.lists[name]

    async def round(self):
        more = await self.watch.round()
        self.clock.advance(SHORTEST)
        return more

    def changes(self):
        found = [(line["route"], line["new"]) for line in self.log.named("account.changed")]
        self.log.clear()
        return found

    def mode(self, mode):
        self.settings = replace(self.settings, suppression=Suppression(account_list=mode))


async def test_changes_are_told_each_by_itself_and_in_sum(tmp_path):
    async with Watched(tmp_path) as world:
        world.there.holds(A)
        await world.round()
        assert world.changes() == [("default", "1 added")]
        world.there.holds("b@example.org")
        await world.round()
        [line] = world.log.named("suppression.added")
        assert (line["recipients"], line["reason"], line["by"]) == (
            ["b@example.org"],
            "ses_account_list",
            "account",
        )
        world.there.loses(A)
        await world.round()
        [line] = world.log.named("suppression.removed")
        assert (line["recipients"], line["by"]) == ([A], "account")
        assert world.changes() == [("default", "1 added"), ("default", "1 removed")]
        await world.round()
        assert world.changes() == []


async def test_off_asks_nobody(tmp_path):
    async with Watched(tmp_path, AccountList.OFF) as world:
        assert await world.round() is False
        assert not world.opened


async def test_what_is_wrong_is_told_once_and_warned_of_until_it_is_right(tmp_path):
    async with Watched(tmp_path) as world:
        world.there.refusing["whole"] = lambda: DENIED
        for _ in range(2):
            await world.round()
        assert world.log.errors == ["account.changed"], "it wants somebody to do something"
        words = "ListSuppressedDestinations: SES's words; allow ses:ListSuppressedDestinations"
        assert world.changes() == [("default", words)]
        assert world.watch.warnings() == (
            f"route default: suppression list of the SES account: {words}",
        )
        del world.there.refusing["whole"]
        await world.round()
        assert world.changes() == [("default", "as it should be")]
        assert world.watch.warnings() == ()


async def test_a_warning_ends_when_nobody_wants_the_list_any_more(tmp_path):
    async with Watched(tmp_path) as world:
        world.there.refusing["name"] = lambda: DENIED
        await world.round()
        assert "allow sts:GetCallerIdentity" in world.watch.warnings()[0]
        world.mode(AccountList.OFF)
        await world.round()
        assert world.watch.warnings() == ()


async def test_one_route_does_not_stop_the_others(tmp_path):
    lists = {"bug": ValueError("a bug"), "odd": UnusableRoute("routes.odd: no such profile")}
    async with Watched(tmp_path, bug=lists["bug"], odd=lists["odd"], good=None) as world:
        world.lists["good"].holds(A)
        await world.round()
        assert [entry.address for entry in await world.listed()] == [A]
        assert world.watch.warnings() == (
            "route odd: suppression list of the SES account: routes.odd: no such profile",
        )
        [fault] = world.log.named("relay.fault")
        assert (fault["where"], fault["error"]) == ("account list", "ValueError")


async def test_two_routes_of_one_account_read_its_list_once(tmp_path):
    async with Watched(tmp_path, one=None, other=None) as world:
        calls = [world.lists[name].calls for name in ("one", "other")]
        await world.round()
        assert sorted(map(len, calls)) == [1, 2]
        assert sorted(call for each in calls for call in each) == ["name", "name", "whole"]


async def test_what_is_too_much_for_one_pass_goes_on_at_once(tmp_path):
    async with Watched(tmp_path, AccountList.SYNC) as world:
        now = world.clock.now()
        await world.shared.suppression.suppress(
            [
                Suppressed(address=f"a{n}@example.org", reason="bounce", since=now)
                for n in range(301)
            ]
        )
        assert await world.watch.round() is True
        assert await world.watch.round() is False
        assert len(world.there.entries) == 301


@pytest.mark.fake_time
async def test_relays_that_start_together_do_not_ask_together(tmp_path):
    async with Watched(tmp_path) as world:
        began = world.clock.monotonic()
        task = asyncio.create_task(world.watch.run())
        await asyncio.sleep(2 * LONGEST)
        task.cancel()
    pause = (SHORTEST + LONGEST) / 2
    assert [round(at - began) for at in world.opened] == [FIRST / 2 + n * pause for n in range(3)]
