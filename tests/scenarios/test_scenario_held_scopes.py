"""A fault of one application's set-up, with a store: its mail waits, that of others does not."""

from datetime import timedelta

import pytest
from relay_world import MAIL, relaying, route, settings, simulated

from relay.model.settings import Actions, AddressPattern, Api, Conditions, Rule, SqliteStore
from relay.queue import runner
from relay.scheduler import gates
from relay.simulator import ConfigurationSet, Tenant, TenantStatus

QUEUED = "250 2.0.0 Ok: queued as "
PAUSED = ConfigurationSet(sending_enabled=False)
OTHERS = MAIL.replace(b"Hello", b"Of others")


@pytest.fixture
def impatient(monkeypatch):
    # Long enough that a probe hardly ever is under way while the test sends mail of the same user.
    monkeypatch.setattr(gates, "LATER", (0.3, 0.5))
    monkeypatch.setattr(runner, "SHORT_PAUSE", timedelta(milliseconds=10))


def for_news(**then):
    """Give a rule for the mail of one application, known by its sender."""
    news = (AddressPattern("news@example.com"),)
    return Rule(name="news", when=Conditions(sender=news), then=Actions(**then))


def set_missing():
    return {}, {"rules": (for_news(configuration_set="news"),)}, {}


def set_paused():
    return {"configuration_sets": {"news": PAUSED}}, set_missing()[1], {}


def tenant_paused():
    blocked = Tenant(status=TenantStatus.DISABLED, identities=frozenset({"example.com"}))
    return {"tenants": {"news": blocked}}, {"rules": (for_news(route="news"),)}, {"tenant": "news"}


WELL = {
    set_missing: {"configuration_sets": {"news": ConfigurationSet()}},
    set_paused: {"configuration_sets": {"news": ConfigurationSet()}},
    tenant_paused: {"tenants": {"news": Tenant(identities=frozenset({"example.com"}))}},
}
CAUSES = {
    set_missing: "configuration_set",
    set_paused: "configuration_set",
    tenant_paused: "tenant_paused",
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", WELL, ids=lambda fault: fault.__name__)
async def test_it_waits_for_its_own_scope_and_goes_when_that_is_well(fault, tmp_path):
    account, changes, of_route = fault()
    async with simulated(**account) as ses:
        routes = {"default": route(ses.url), "news": route(ses.url, api=Api.AUTO, **of_route)}
        store = SqliteStore(tmp_path)
        configuration = settings(ses.url, store=store, **(changes | {"routes": routes}))
        async with relaying(configuration) as world:
            reply = await world.send(sender="news@example.com")
            assert reply.startswith(QUEUED), reply
            queue_id = reply.rpartition(" ")[2]
            [line, *_] = await world.logged("message.deferred", queue_id=queue_id)
            assert line["cause"] == CAUSES[fault]
            assert (await world.send(OTHERS)).startswith("250 2.0.0 Ok")
            await world.logged("message.relayed", sender="a@example.com")  # others go on
            assert len(ses.messages) == 1
            ses.change(**WELL[fault])
            await world.logged("message.relayed", queue_id=queue_id)
        assert len(ses.messages) == 2


@pytest.mark.usefixtures("impatient")
async def test_a_sender_verified_before_waits_and_one_never_verified_fails(tmp_path):
    store = SqliteStore(tmp_path)
    async with simulated() as ses, relaying(settings(ses.url, store=store)) as world:
        assert (await world.send()).startswith("250 2.0.0 Ok ")
        ses.change(identities=frozenset({"example.net"}))
        reply = await world.send(MAIL + b"Again.\r\n")
        assert reply.startswith(QUEUED), reply
        stranger = MAIL.replace(b"a@example.com", b"a@stranger.example")
        assert (await world.send(stranger, "a@stranger.example")).startswith("554 5.7.1 ")
        octets = MAIL.replace(b"a@example.com", b"a@example.net")
        assert (await world.send(octets, "a@example.net")).startswith("250 2.0.0 Ok ")
        ses.change(identities=frozenset({"example.com"}))
        await world.logged("message.relayed", queue_id=reply.rpartition(" ")[2])


async def test_a_sender_verified_before_the_restart_waits_all_the_same(tmp_path):
    store = SqliteStore(tmp_path)
    async with simulated() as ses:
        async with relaying(settings(ses.url, store=store)) as world:
            assert (await world.send()).startswith("250 2.0.0 Ok ")
        ses.change(identities=frozenset({"example.net"}))
        async with relaying(settings(ses.url, store=store)) as world:
            assert (await world.send(MAIL + b"Again.\r\n")).startswith(QUEUED)
            [waits] = world.lines("message.deferred")
            assert waits["cause"] == "identity"
            stranger = MAIL.replace(b"a@example.com", b"a@stranger.example")
            assert (await world.send(stranger, "a@stranger.example")).startswith("554 5.7.1 ")
