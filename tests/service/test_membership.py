"""A relay among those who share its store: shares, looks at the account, refusals, faults."""

import asyncio

import pytest

from relay.model.account import AccountState
from relay.model.outcome import Cause, Deferred, Relayed, Scope, ScopeKind
from relay.model.ports import Granted, QueueKey, StoreFault
from relay.model.replies import NO_TURN
from relay.model.settings import Lane, Route
from relay.scheduler import FairScheduler, ShareTooSmall
from relay.scheduler.shares import LEASE, RESERVE
from relay.service.membership import Membership
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database, Role, Sync
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.members import SqliteMembers
from relay.stores.sqlite.schema import STATE

pytestmark = pytest.mark.fake_time

LOOK = AccountState(max_send_rate=100.0, max_24_hour_send=50_000.0, sent_last_24_hours=0.0)
KEY = QueueKey("default", Lane.TRANSACTIONAL, "app")
ROUTES = {"default": Route(region="eu-west-1", headroom=1.0)}
RELAYED = Relayed(ses_message_id="0100")
SCOPES = (Scope(ScopeKind.ROUTE, "default"),)


class Faults(list):
    """A telemetry that remembers the store's faults."""

    @property
    def store(self):
        return self

    def fault(self, operation, reason):
        self.append((operation, reason))


class Member:
    """One relay on the store."""

    def __init__(self, clock, crew, path, name):
        self.looks, self.faults, self.renewals = [], Faults(), 0
        self.routes, self.day = ROUTES, 0
        self.fair = FairScheduler(clock, self.hear)
        self.fair.configure(ROUTES, in_flight=128)
        self.store = SqliteMembers(
            Database(path, STATE, crew.files, Role.GUEST, Sync.LATE), crew, name
        )
        self.broken = None
        self.membership = Membership(
            members=self,
            scheduler=self.fair,
            routes=lambda: self.routes,
            on_look=self.look,
            telemetry=self.faults,
            clock=clock,
            chance=lambda: 0.5,
        )
        self.running = None

    @property
    def name(self):
        return self.store.name

    async def renew(self, accounts, decide):
        self.renewals += 1
        renewed = self.broken or await self.store.renew(accounts, decide)
        if not isinstance(renewed, StoreFault):
            self.day = max(pool.after(renewal).day for pool, renewal in renewed.values())
        return renewed

    async def leave(self, members):
        return await self.store.leave(members)

    def hear(self, notice):
        if isinstance(notice, ShareTooSmall):
            self.membership.hurry()

    def look(self, route, state):
        self.looks.append((route, state))
        self.fair.account(route, state)

    async def run(self):
        assert await self.membership.renew() is None
        self.running = asyncio.create_task(self.membership.run())

    @property
    def rate(self):
        return self.fair.status()["default"].rate

    async def turn(self, recipients=1):
        return await self.fair.turn(KEY, SCOPES, recipients, None)

    async def flood(self):
        """Send as much as it may, each request answered at once."""
        while True:
            turn = await self.turn()
            assert isinstance(turn, Granted)
            self.fair.learn(turn, RELAYED)

    async def stop(self):
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)


@pytest.fixture
async def world(clock, tmp_path):
    """Make members of one store; what they began is ended."""
    crew, path, made = Crew.inline(Files(), clock), tmp_path / "state.db", []
    Database(path, STATE, crew.files, Role.OWNER).open()

    def member():
        made.append(Member(clock, crew, path, f"slot-{len(made)}"))
        return made[-1]

    yield member
    for one in made:
        await one.stop()


async def test_who_is_alone_has_the_whole_rate_at_once_and_renews_rarely(clock, world):
    alone = world()
    await alone.run()
    alone.membership.looked("default", LOOK)
    alone.fair.account("default", LOOK)
    assert alone.rate == 100
    assert isinstance(await alone.turn(), Granted)
    await clock.sleep(600)
    assert alone.rate == 100
    assert alone.renewals <= 600 / 2 + 1


async def test_what_one_account_has_sent_does_not_count_for_another(clock, world):
    alone = world()
    await alone.run()
    alone.fair.account("default", LOOK)
    alone.fair.learn(await alone.turn(10), RELAYED)
    await clock.sleep(5)
    assert alone.day == 10
    alone.routes = {"default": Route(region="us-east-1", headroom=1.0)}
    alone.fair.configure(alone.routes, in_flight=128)
    alone.membership.hurry()
    await clock.sleep(5)
    assert alone.day == 0
    alone.fair.account("default", LOOK)
    alone.fair.learn(await alone.turn(3), RELAYED)
    await clock.sleep(5)
    assert alone.day == 3


async def test_a_second_member_gets_its_part_within_seconds(clock, world):
    first, second = world(), world()
    await first.run()
    first.membership.looked("default", LOOK)
    first.fair.account("default", LOOK)
    await clock.sleep(5)
    await second.run()
    assert second.looks == [("default", LOOK)]  # nobody had to ask SES again
    assert second.membership.age("default") == pytest.approx(5, abs=0.1)
    assert (first.rate, second.rate) == (100, 0)
    await clock.sleep(5)
    assert first.rate == second.rate == 50
    await second.membership.leave()
    await second.stop()
    await clock.sleep(3)
    assert first.rate == 100


async def test_the_store_out_of_reach_leaves_the_share_to_its_end_and_then_the_floor(clock, world):
    one, other = world(), world()
    for member in (one, other):
        await member.run()
        member.fair.account("default", LOOK)
    await clock.sleep(10)
    one.broken = StoreFault("gone")
    await clock.sleep(LEASE - 5)
    assert one.rate == other.rate == 50
    await clock.sleep(10)
    assert one.rate == pytest.approx(100 * RESERVE / 2)
    assert other.rate == pytest.approx(100 * (1 - RESERVE / 2))
    assert one.faults == [("members", "gone")]
    one.broken = None
    await clock.sleep(10)
    assert one.rate == other.rate == 50


async def test_who_is_alone_goes_on_alone_without_the_store(clock, world):
    alone = world()
    await alone.run()
    alone.fair.account("default", LOOK)
    alone.broken = StoreFault("gone")
    await clock.sleep(3600)
    assert alone.rate == 100


async def test_an_idle_members_share_goes_to_the_busy_one_and_comes_back(clock, world):
    busy, idle = world(), world()
    for member in (busy, idle):
        await member.run()
        member.fair.account("default", LOOK)
    flood = asyncio.create_task(busy.flood())
    await clock.sleep(20)
    assert busy.rate == pytest.approx(100 * (1 - RESERVE / 2), abs=1)
    more = asyncio.create_task(idle.flood())
    await clock.sleep(4)
    assert busy.rate == idle.rate == 50
    for task in (flood, more):
        task.cancel()
    await asyncio.gather(flood, more, return_exceptions=True)


async def test_what_ses_refused_one_slows_all_within_a_second(clock, world):
    one, other = world(), world()
    for member in (one, other):
        await member.run()
        member.fair.account("default", LOOK)
    await clock.sleep(10)
    turn = await one.turn()
    refused = Deferred(cause=Cause.RATE, scope=SCOPES[0], reply=NO_TURN)
    one.fair.learn(turn, refused)
    assert (one.rate, other.rate) == (25, 50)
    await clock.sleep(0.3)
    other.membership.hurry()
    await clock.sleep(0.3)
    assert one.rate == pytest.approx(25, abs=1)
    assert other.rate == pytest.approx(25, abs=1)
    await clock.sleep(70)
    assert one.rate == other.rate == 50


async def test_a_refusal_that_the_store_did_not_hear_of_is_told_again(clock, world):
    one, other = world(), world()
    for member in (one, other):
        await member.run()
        member.fair.account("default", LOOK)
    await clock.sleep(10)
    one.broken = StoreFault("gone")
    turn = await one.turn()
    one.fair.learn(turn, Deferred(cause=Cause.RATE, scope=SCOPES[0], reply=NO_TURN))
    await clock.sleep(3)
    one.broken = None
    await clock.sleep(3)
    assert other.rate < 35


async def test_all_count_to_the_same_day(clock, world):
    one, other = world(), world()
    for member in (one, other):
        await member.run()
        member.fair.account("default", LOOK)
    await clock.sleep(10)
    for _ in range(12):
        turn = await one.turn(50)
        one.fair.learn(turn, RELAYED)
        await clock.sleep(3)
    await clock.sleep(3)
    assert other.fair.status()["default"].sent_last_24_hours == 600
    assert one.fair.status()["default"].sent_last_24_hours == 600


async def test_what_is_left_of_the_day_is_divided_too(clock, world):
    one, other = world(), world()
    nearly = AccountState(max_send_rate=100.0, max_24_hour_send=40.0, sent_last_24_hours=0.0)
    for member in (one, other):
        await member.run()
        member.fair.account("default", nearly)
    await clock.sleep(10)
    sent = 0
    for member in (one, other) * 30:
        turn = await member.turn()
        if isinstance(turn, Granted):
            member.fair.learn(turn, RELAYED)
            sent += 1
    assert 40 <= sent <= 44  # what the one sent since, the other does not know yet
    assert isinstance(await one.turn(), Deferred)


async def test_two_routes_to_one_account_share_it_with_or_without_a_store(clock, world):
    one = world()
    second = {"second": Route(region="eu-west-1", headroom=1.0, tenant="t")}
    one.membership.routes = lambda: ROUTES | second
    one.fair.configure(ROUTES | second, in_flight=128)
    await one.run()
    one.membership.looked("default", LOOK)
    await clock.sleep(1)
    for route in ("default", "second"):
        one.fair.account(route, LOOK)
    await clock.sleep(10)
    one.broken = StoreFault("gone")
    await clock.sleep(60)
    assert [status.rate for status in one.fair.status().values()] == [50, 50]
    assert one.membership.age("second") == one.membership.age("default") < 72


async def test_a_route_that_leads_elsewhere_after_a_reload_leaves_its_account(clock, world):
    one, other = world(), world()
    for member in (one, other):
        await member.run()
        member.fair.account("default", LOOK)
    await clock.sleep(10)
    moved = {"default": Route(region="eu-north-1", headroom=1.0)}
    one.membership.looked("default", LOOK)
    one.membership.routes = lambda: moved
    one.membership.hurry()
    await clock.sleep(5)
    assert one.rate == other.rate == 100
    assert one.membership.age("default") is None
