"""The account's suppression list as it is asked for: by pages, slowly, each no a value."""

import contextlib
from datetime import timedelta

import pytest
from fakes import FakeClock
from wire import Wire, http, page, refused

from relay.aws import open_clients
from relay.delivery.account_list import BETWEEN_CALLS, SesAccountList
from relay.delivery.control import Pace
from relay.model.ports import Listed, ListedReason, ListPage
from relay.model.settings import Api, Route
from relay.model.unanswered import Unanswered, Why
from relay.simulator import Account, Denial, Simulator, Suppressed, SuppressionReason, running

EMPTY = http(200, '{"SuppressedDestinationSummaries": []}', "x-amzn-RequestId: R-1")
PROXY = http(200, "<html>Please log in")


KEYS = {"AKIDEXAMPLE": "secret"}  # those of the environment


class World:
    """A list at a simulated SES, in the time of a clock that sleeping moves."""

    def __init__(self, clock, simulator, there):
        self.clock = clock
        self.simulator = simulator
        self.there = there

    def holds(self, *addresses, reason=SuppressionReason.BOUNCE):
        entries = [
            Suppressed(address=address, reason=reason, since=self.clock.now())
            for address in addresses
        ]
        self.simulator.account = self.simulator.account.suppressing(entries)


@contextlib.asynccontextmanager
async def asking(url, clock):
    route = Route(region="eu-west-1", endpoint_url=url)
    async with open_clients("default", route, 1) as clients:
        yield SesAccountList(route, clients, Pace(clock, BETWEEN_CALLS))


@pytest.fixture
async def world():
    clock = FakeClock()
    simulator = Simulator(Account(credentials=KEYS), clock=clock.now)
    async with running(simulator) as url, asking(url, clock) as there:
        yield World(clock, simulator, there)


async def test_it_is_named_by_account_and_region(world):
    assert await world.there.name() == "123456789012/eu-west-1"


async def test_it_is_read_page_by_page_within_the_accounts_rate(world):
    world.holds(*(f"a{n:04}@example.org" for n in range(2_500)))
    began, seen, token = world.clock.monotonic(), [], None
    while not seen or token:
        part = await world.there.page(None, token)
        seen += part.listed
        token = part.token
    assert len({one.address for one in seen}) == 2_500
    first = world.simulator.account.suppressed["a0000@example.org"]
    assert seen[0] == Listed(
        address="a0000@example.org", reason=ListedReason.BOUNCE, updated=first.since
    )
    assert world.clock.monotonic() - began == pytest.approx(2 * BETWEEN_CALLS)


async def test_what_changed_since_is_read_alone(world):
    world.holds("old@example.org")
    await world.clock.sleep(60)
    since = world.clock.now()
    world.holds("New@example.org", reason=SuppressionReason.COMPLAINT)
    part = await world.there.page(since, None)
    assert [(one.address, one.reason) for one in part.listed] == [
        ("new@example.org", ListedReason.COMPLAINT)
    ]
    assert not (await world.there.page(since + timedelta(seconds=1), None)).listed


async def test_an_address_is_put_found_and_taken_off(world):
    odd = "o'neil+a/b%c@example.org"
    assert await world.there.find(odd) is None
    assert await world.there.put(odd, ListedReason.COMPLAINT) is None
    found = await world.there.find(odd)
    assert (found.address, found.reason) == (odd, ListedReason.COMPLAINT)
    assert await world.there.delete(odd) is None
    assert await world.there.delete(odd) is None, "it need not be there"
    assert await world.there.find(odd) is None


async def test_a_no_says_of_which_kind_it_is(world):
    refused = await world.there.put("no address", ListedReason.BOUNCE)
    assert refused.why is Why.REFUSED
    stale = await world.there.page(None, "of another list")
    assert stale.why is Why.EXPIRED
    denial = Denial(action="ses:*Suppressed*")
    world.simulator.account = Account(credentials=KEYS, denied=(denial,))
    for said in (
        await world.there.page(None, None),
        await world.there.find("a@example.org"),
        await world.there.put("a@example.org", ListedReason.BOUNCE),
        await world.there.delete("a@example.org"),
    ):
        assert said.why is Why.DENIED
        assert "ses:" in said.detail


async def test_asking_too_often_is_told_as_that(world):
    world.there.pace = Pace(world.clock, 0)
    assert await world.there.in_sandbox() is False
    assert (await world.there.page(None, None)).why is Why.THROTTLED


async def test_the_sandbox_is_known(world):
    world.simulator.account = Account(credentials=KEYS, sandbox=True)
    assert await world.there.in_sandbox() is True
    assert (await world.there.put("a@example.org", ListedReason.BOUNCE)).why is Why.REFUSED


async def test_a_page_size_that_is_refused_is_left_to_ses():
    async with Wire() as wire, asking(wire.url, FakeClock()) as there:
        too_large = refused(Api.V2, "BadRequestException", "PageSize must be between 1 and 100")
        wire.script += [too_large, EMPTY, EMPTY]
        assert await there.page(None, None) == ListPage(listed=(), token=None)
        assert await there.page(None, None) == ListPage(listed=(), token=None)
        assert ["PageSize" in seen.path for seen in wire.seen] == [True, False, False]


async def test_an_answer_of_something_on_the_way_is_no_empty_list():
    async with Wire() as wire, asking(wire.url, FakeClock()) as there:
        wire.script += [page(503), *[PROXY] * 5]
        for said in (
            await there.page(None, None),
            await there.page(None, None),
            await there.find("a@example.org"),
            await there.in_sandbox(),
            await there.put("a@example.org", ListedReason.BOUNCE),
            await there.delete("a@example.org"),
        ):
            assert isinstance(said, Unanswered)
            assert said.why is Why.UNREACHABLE
