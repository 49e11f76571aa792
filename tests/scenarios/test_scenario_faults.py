"""What SES refuses, and what stands between the relay and SES, as the client hears it."""

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from fakes import FakeClock
from relay_world import MAIL, relaying, route, settings, simulated, until

from relay.model import backoff
from relay.model.settings import Api, SqliteStore
from relay.queue import runner
from relay.scheduler import gates
from relay.simulator import ConfigurationSet, Denial, Drop, Fail, Tenant, TenantStatus

STRANGER = MAIL.replace(b"a@example.com", b"a@stranger.example")
RATE = Fail("Throttling", "Maximum sending rate exceeded.", 400)
QUOTA = Fail("Throttling", "Daily message quota exceeded.", 400)
TOO_MANY = Fail("TooManyRequestsException", "Maximum sending rate exceeded.", 429)
DENIED = Denial(action="ses:Send*", resource="*identity/example.com")


def nowhere():
    """Give the URL of a port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


def pause(ses, _aws):
    ses.change(sending_enabled=False)


def use_up_the_quota(ses, _aws):
    ses.simulator.service.usage.day.restart(50_000, ses.simulator.service.clock())


def wrong_secret(_ses, aws):
    aws.setenv("AWS_SECRET_ACCESS_KEY", "not the secret")


def unknown_key(_ses, aws):
    aws.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODYKNOWSTHIS")


def no_credentials(_ses, aws):
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")


def says(then, operation="SendRawEmail"):
    def script(ses, _aws):
        ses.script(then, operation=operation)

    return script


def deny(ses, _aws):
    ses.change(denied=(DENIED,))


# Credentials are looked for once, so that these must be wrong from the start.
FROM_THE_START = {"wrong secret", "unknown key", "no credentials"}

# What happens, the reply that the client hears with `store: none`, the cause in the log. The codes
# are a promise to operators, who look them up.
TRANSIENT = {
    "rate": (says(RATE), "451 4.4.5", "rate"),
    "quota by refusal": (says(QUOTA), "451 4.4.5", "quota"),
    "quota of the account": (use_up_the_quota, "451 4.4.5", "quota"),
    "account paused": (pause, "451 4.3.2", "account_paused"),
    "wrong secret": (wrong_secret, "451 4.3.5", "credentials"),
    "unknown key": (unknown_key, "451 4.3.5", "credentials"),
    "no credentials": (no_credentials, "451 4.3.5", "credentials"),
    "permission": (deny, "451 4.3.5", "permission"),
    "service": (says(Fail("ServiceUnavailable", "Try later.", 503)), "451 4.3.0", "service"),
    "internal failure": (says(Fail("InternalFailure", "Oops.", 500)), "451 4.3.0", "service"),
    "unknown refusal": (says(Fail("Surprise", "Never seen.", 400)), "451 4.3.0", "unclassified"),
    "dropped before": (says(Drop("before")), "451 4.4.2", "lost_answer"),
    "dropped after": (says(Drop("after")), "451 4.4.2", "lost_answer"),
}


@asynccontextmanager
async def faulty(name, aws, store=None):
    """Start a relay and let the fault happen, or the other way round."""
    happens, _, _ = TRANSIENT[name]
    async with simulated() as ses:
        if name in FROM_THE_START:
            happens(ses, aws)
        async with relaying(settings(ses.url, store=store)) as world:
            if name not in FROM_THE_START:
                await world.logged("account.changed", what="max_send_rate")  # the first look
                happens(ses, aws)
            yield ses, world


@pytest.mark.parametrize("name", TRANSIENT)
async def test_without_a_store_a_fault_is_a_451_with_its_code(name, aws):
    _, code, cause = TRANSIENT[name]
    async with faulty(name, aws) as (ses, world):
        reply = await world.send()
        assert reply.startswith(f"{code} "), reply
        [line] = world.lines("message.deferred")
        assert line["cause"] == cause
        assert line["reply"] == reply
        assert not world.lines("message.failed")
        # SES took it only where the answer was lost behind it; nothing was tried twice.
        assert len(ses.messages) == (name == "dropped after")


async def test_nobody_listening_is_a_network_fault():
    async with relaying(settings(nowhere())) as world:
        assert (await world.send()).startswith("451 4.4.1 ")
        [line] = world.lines("message.deferred")
        assert line["cause"] == "network"


async def test_the_codes_of_the_second_api_say_the_same():
    sets = {"paused": ConfigurationSet(sending_enabled=False)}
    tenants = {"blocked": Tenant(status=TenantStatus.DISABLED, identities={"example.com"})}
    async with simulated(configuration_sets=sets, tenants=tenants) as ses:
        to_v2 = route(ses.url, api=Api.V2)
        routes = {
            "default": to_v2,
            "missing": replace(to_v2, configuration_set="missing"),
            "paused": replace(to_v2, configuration_set="paused"),
            "tenant": replace(to_v2, tenant="blocked"),
        }
        for name, then, code in (
            ("default", TOO_MANY, "451 4.4.5"),
            ("default", Fail("InternalServerErrorException", "Oops.", 500), "451 4.3.0"),
            ("default", Drop("before"), "451 4.4.2"),
            ("missing", None, "451 4.3.5"),
            ("paused", None, "451 4.3.5"),
            ("tenant", None, "451 4.3.2"),
        ):
            if then is not None:
                ses.script(then, operation="SendEmail")
            configuration = settings(ses.url, routes={**routes, "default": routes[name]})
            async with relaying(configuration) as world:
                reply = await world.send()
                assert reply.startswith(f"{code} "), (name, then, reply)
        assert not ses.messages


@pytest.mark.fake_time
async def test_an_answer_that_never_comes_is_a_lost_answer():
    async with simulated() as ses, relaying(settings(ses.url), FakeClock()) as world:
        ses.hold_back()
        began = asyncio.get_running_loop().time()
        reply = await world.send()
        assert reply.startswith("451 4.4.2 "), reply
        # Well inside the ten minutes that a client waits (RFC 5321 §4.5.3.2.6).
        assert asyncio.get_running_loop().time() - began < 120


@pytest.mark.fake_time
async def test_a_slow_answer_is_waited_for_where_nobody_else_can_keep_the_mail():
    async with simulated() as ses, relaying(settings(ses.url), FakeClock()) as world:
        ses.hold_back()
        sending = asyncio.create_task(world.send())
        await ses.holding()
        await asyncio.sleep(30)  # far beyond `queue.wait`
        assert not sending.done()
        ses.answer()
        assert await sending == f"250 2.0.0 Ok {ses.messages[0].id}"


async def test_an_unverified_sender_hears_the_words_of_ses():
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        reply = await world.send(STRANGER, "a@stranger.example")
        assert reply.startswith(
            "554 5.7.1 Amazon SES: Email address is not verified. The following"
        )
        assert "EU-WEST-1: a@stranger.example" in reply
        [line] = world.lines("message.failed")
        assert line["reply"] == reply


async def test_an_author_who_is_not_verified_is_refused_as_the_sender_is():
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        reply = await world.send(STRANGER)
        assert reply.startswith("554 5.7.1 Amazon SES: Email address is not verified."), reply


async def test_a_sender_who_was_verified_before_is_waited_for():
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        assert (await world.send()).startswith("250 2.0.0 Ok ")
        ses.change(identities=frozenset({"example.net"}))
        assert (await world.send(MAIL + b"Again.\r\n")).startswith("451 4.3.5 Amazon SES: Email ad")
        assert world.lines("message.deferred", cause="identity")
        # Others of the route go on.
        octets = MAIL.replace(b"a@example.com", b"a@example.net")
        assert (await world.send(octets, "a@example.net")).startswith("250 2.0.0 Ok ")


async def test_a_sandbox_refuses_the_recipient_and_not_the_sender():
    async with simulated(sandbox=True) as ses, relaying(settings(ses.url)) as world:
        assert (await world.send()).startswith("550 5.7.1 Amazon SES: Email address is not verif")
        assert (await world.send(recipients=["c@example.com"])).startswith("250 2.0.0 Ok ")


async def test_one_faulty_application_does_not_stop_the_others():
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        for _ in range(8):
            assert (await world.send(STRANGER, "a@stranger.example")).startswith("554 5.7.1 ")
        assert (await world.send()).startswith("250 2.0.0 Ok ")


# --- with a store --------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch):
    """Let pauses pass that are seconds and minutes otherwise: of gates, runner and lost answers."""
    monkeypatch.setattr(gates, "SOON", (0.02, 0.1))
    monkeypatch.setattr(gates, "LATER", (0.02, 0.1))
    monkeypatch.setattr(runner, "SHORT_PAUSE", backoff.UNKNOWN_PAUSE / 30_000)
    monkeypatch.setattr(backoff, "UNKNOWN_PAUSE", backoff.UNKNOWN_PAUSE / 10_000)


def unpause(ses, _aws):
    ses.change(sending_enabled=True)


def free_the_quota(ses, _aws):
    ses.simulator.service.usage.day.restart(0, ses.simulator.service.clock())


def right_key(_ses, aws):
    aws.setenv("AWS_ACCESS_KEY_ID", "simulator")
    aws.setenv("AWS_SECRET_ACCESS_KEY", "simulator")


def allow(ses, _aws):
    ses.change(denied=())


def nothing(_ses, _aws):
    pass


MENDED = {
    "quota of the account": free_the_quota,
    "account paused": unpause,
    "wrong secret": right_key,
    "unknown key": right_key,
    "no credentials": right_key,
    "permission": allow,
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", sorted(TRANSIENT.keys() - {"unknown refusal", "dropped after"}))
async def test_with_a_store_it_is_queued_and_goes_when_the_fault_is_gone(name, aws, tmp_path):
    _, _, cause = TRANSIENT[name]
    async with faulty(name, aws, SqliteStore(tmp_path)) as (ses, world):
        reply = await world.send()
        assert reply.startswith("250 2.0.0 Ok: queued as "), reply
        queue_id = reply.rpartition(" ")[2]
        await world.logged("message.deferred", queue_id=queue_id, cause=cause)
        assert name not in MENDED or not ses.messages
        MENDED.get(name, nothing)(ses, aws)
        await world.logged("message.relayed", queue_id=queue_id)
        assert len(ses.messages) == 1


@pytest.mark.usefixtures("impatient")
async def test_with_a_store_an_unreachable_ses_is_waited_for(tmp_path):
    async with simulated() as ses:
        lost = nowhere()
        configuration = settings(lost, store=SqliteStore(tmp_path))
        async with relaying(configuration) as world:
            replies = [await world.send() for _ in range(7)]
            assert all(reply.startswith("250 2.0.0 Ok: queued as ") for reply in replies)
            await until(lambda: world.lines("account.changed", what="route:default", old="open"))
            await world.relay.reload(replace(configuration, routes={"default": route(ses.url)}))
            for reply in replies:
                await world.logged("message.relayed", queue_id=reply.rpartition(" ")[2])
        assert len(ses.messages) == 7


@pytest.mark.usefixtures("impatient")
async def test_an_answer_lost_twice_is_left_to_an_operator(tmp_path):
    async with simulated() as ses:
        async with relaying(settings(ses.url, store=SqliteStore(tmp_path))) as world:
            ses.script(Drop("after"), times=2)
            queue_id = (await world.send()).rpartition(" ")[2]
            [line] = await world.logged("message.held", queue_id=queue_id)
            assert line["reason"]
        # Once more after the longer delay, as promised, and then no more.
        assert len(ses.messages) == 2


@pytest.mark.usefixtures("impatient")
async def test_an_answer_nobody_knows_is_left_to_an_operator(tmp_path):
    async with simulated() as ses:
        async with relaying(settings(ses.url, store=SqliteStore(tmp_path))) as world:
            ses.script(Fail("Surprise", "Never seen.", 400))
            queue_id = (await world.send()).rpartition(" ")[2]
            [line] = await world.logged("message.held", queue_id=queue_id)
            assert "Never seen." in line["reason"]
        assert not ses.messages


async def test_with_a_store_a_client_that_waits_hears_of_a_refused_recipient_itself(tmp_path):
    async with simulated(sandbox=True) as ses:
        async with relaying(settings(ses.url, store=SqliteStore(tmp_path))) as world:
            assert (await world.send()).startswith("550 5.7.1 Amazon SES: Email address is not ver")
        assert not ses.messages


async def test_a_slow_answer_is_recorded_against_the_entry_it_was_kept_as(tmp_path):
    async with simulated() as ses:
        store = SqliteStore(tmp_path)
        async with relaying(settings(ses.url, store=store, wait=0.05)) as world:
            ses.hold_back()
            reply = await world.send()
            assert reply.startswith("250 2.0.0 Ok: queued as ")
            assert not world.lines("message.relayed")
            ses.answer()
            await world.logged("message.relayed", queue_id=reply.rpartition(" ")[2])
        # Nothing is left to be sent after a restart.
        async with relaying(settings(ses.url, store=store)) as world:
            await world.send()
            assert len(ses.messages) == 2
