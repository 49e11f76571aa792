"""A new configuration is taken over whole, or not at all, and mail goes on meanwhile."""

import asyncio
import socket
from dataclasses import replace

import pytest
from relay_world import LOCAL, MAIL, relaying, route, settings, simulated, until

from relay.model.address import Address
from relay.model.outcome import Scope, ScopeKind
from relay.model.settings import (
    Bounces,
    BounceTo,
    Limits,
    Listener,
    SqliteStore,
    TcpBind,
    TlsMode,
)
from relay.service.routes import Routes
from relay.service.snapshot import Unusable
from relay.simulator import Fail

OLD = Scope(ScopeKind.ROUTE, "old")
ANOTHER = MAIL.replace(b"Hello", b"Hello again")


async def test_a_refused_reload_leaves_mail_on_the_way_it_went():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        in_use = Listener(bind=TcpBind(*taken.getsockname()), tls=TlsMode.STARTTLS)
        async with simulated() as ses, simulated() as other:
            before = settings(ses.url)
            async with relaying(before) as world:
                changed = replace(
                    before,
                    routes={"default": route(other.url), "new": route(other.url)},
                    listeners=(*before.listeners, in_use),
                )
                with pytest.raises(Unusable):
                    await world.relay.reload(changed)
                assert world.relay.settings is before
                assert (await world.send()).startswith("250 2.0.0 Ok ")
            assert len(ses.messages) == 1
            assert not other.messages


async def test_a_changed_route_is_used_from_the_reload_on():
    async with simulated() as ses, simulated() as other:
        before = settings(ses.url)
        async with relaying(before) as world:
            assert (await world.send()).startswith("250 2.0.0 Ok ")
            await world.relay.reload(replace(before, routes={"default": route(other.url)}))
            assert (await world.send(ANOTHER)).startswith("250 2.0.0 Ok ")
        assert len(ses.messages) == len(other.messages) == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            {"limits": Limits(stop_grace=10.0, octets_in_flight=512 * 2**20)},
            "limits.octets_in_flight",
        ),
        ({"workers": 2}, "workers"),
    ],
)
async def test_what_a_running_relay_stands_on_stays_and_is_named(change, named):
    async with simulated() as ses:
        before = settings(ses.url)
        async with relaying(before) as world:
            await world.relay.reload(replace(before, users=(), **change))
            assert world.relay.settings.users == ()
            assert replace(world.relay.settings, users=before.users) == before
            [line] = world.lines("relay.reloaded")
            assert (line["changed"], line["needs_restart"]) == (["users"], [named])


async def test_a_request_under_way_ends_by_the_route_it_began_with():
    async with simulated() as ses, simulated() as other:
        before = settings(ses.url)
        async with relaying(before) as world:
            ses.hold_back()
            under_way = asyncio.create_task(world.send())
            await ses.holding()
            await world.relay.reload(replace(before, routes={"default": route(other.url)}))
            assert (await world.send(ANOTHER)).startswith("250 2.0.0 Ok ")
            ses.answer()
            assert (await under_way).startswith("250 2.0.0 Ok ")
            await world.relay.departures.look()
        assert len(ses.messages) == len(other.messages) == 1


async def test_a_route_is_removed_and_a_transaction_that_knew_it_still_sends_by_it():
    async with simulated() as ses, simulated() as other:
        before = settings(
            other.url,
            users=(replace(LOCAL, route="old"),),
            routes={"default": route(other.url), "old": route(ses.url)},
        )
        after = replace(before, users=(LOCAL,), routes={"default": route(other.url)})
        async with relaying(before) as world, world.line() as line:
            await line.envelope()
            await world.relay.reload(after)
            [told] = world.lines("relay.reloaded")
            assert told["changed"] == ["users", "routes.old"]
            assert (await world.send(ANOTHER)).startswith("250 2.0.0 Ok ")
            assert world.relay.routes.leaving == {"old"}
            await line.begin(MAIL)
            assert (await line.reply()).startswith("250 2.0.0 Ok ")
        assert len(ses.messages) == len(other.messages) == 1


async def test_a_sender_hears_of_mail_that_failed_by_a_route_that_was_removed_meanwhile(tmp_path):
    async with simulated() as ses, simulated() as other:
        before, after = (
            replace(
                configured,
                queue=replace(configured.queue, wait=0.0),
                bounces=Bounces(to=BounceTo.SENDER, from_=Address("postmaster", "example.com")),
            )
            for configured in moved_away(ses, other, tmp_path)
        )
        async with relaying(before) as world, world.line() as line:
            await line.envelope()
            await world.relay.reload(after)
            ses.script(Fail("MessageRejected", "Banned attachment type: .exe", 400))
            await line.begin(MAIL)
            assert (await line.reply()).startswith("250 2.0.0 Ok: queued as ")
            await world.logged("message.failed", route="old")
            [bounce] = await until(lambda: other.messages)
            assert b"Banned attachment type: .exe" in bounce.raw
            assert not world.lines("store.fault")


async def test_a_reload_while_the_relay_stops_opens_nothing():
    async with simulated() as ses:
        before = settings(ses.url)
        async with relaying(before) as world:
            ses.hold_back()
            under_way = asyncio.create_task(world.send())
            await ses.holding()
            world.stop.set()
            await until(lambda: not world.relay.parts.listeners.addresses)
            with pytest.raises(Unusable, match="the relay is stopping"):
                await world.relay.reload(replace(before, users=()))
            assert not world.relay.parts.listeners.addresses
            assert world.relay.settings is before
            ses.answer()
            assert (await under_way).startswith("250 2.0.0 Ok ")


async def test_a_relay_that_begins_to_stop_in_the_middle_of_a_reload_opens_nothing(monkeypatch):
    async with simulated() as ses, simulated() as other:
        before = settings(ses.url)
        async with relaying(before) as world:
            ses.hold_back()
            under_way = asyncio.create_task(world.send())
            await ses.holding()
            opening, go_on = asyncio.Event(), asyncio.Event()
            routes = world.relay.routes
            really = routes.open

            async def slowly(*about):
                opening.set()
                await go_on.wait()
                return await really(*about)

            monkeypatch.setattr(Routes, "open", lambda _routes, *about: slowly(*about))
            changed = replace(before, routes={"default": route(other.url)})
            reloading = asyncio.create_task(world.relay.reload(changed))
            await opening.wait()
            world.stop.set()
            await until(lambda: not world.relay.parts.listeners.addresses)
            go_on.set()
            with pytest.raises(Unusable, match="the relay is stopping"):
                await reloading
            assert not world.relay.parts.listeners.addresses
            assert routes.usable == before.routes
            ses.answer()
            assert (await under_way).startswith("250 2.0.0 Ok ")


async def test_a_route_nobody_can_name_any_more_is_closed():
    async with simulated() as ses:
        before = settings(ses.url, routes={"default": route(ses.url), "old": route(ses.url)})
        async with relaying(before) as world:
            await world.relay.reload(replace(before, routes={"default": route(ses.url)}))
            assert world.relay.routes.leaving == {"old"}
            await world.relay.departures.look()
            assert list(world.relay.routes.usable) == ["default"]
            assert list(world.relay.parts.scheduler.status()) == ["default"]
            assert (await world.send()).startswith("250 2.0.0 Ok ")


def moved_away(ses, other, folder):
    """Give the settings of a relay whose clients use route `old`, and of one that has it not."""
    before = settings(
        other.url,
        store=SqliteStore(folder),
        users=(replace(LOCAL, route="old"),),
        routes={"default": route(other.url), "old": route(ses.url)},
    )
    return before, replace(before, users=(LOCAL,), routes={"default": route(other.url)})


async def test_a_route_that_still_has_entries_cannot_be_removed(tmp_path):
    async with simulated() as ses, simulated() as other:
        before, after = moved_away(ses, other, tmp_path)
        async with relaying(before) as world:
            world.relay.parts.scheduler.hold(OLD, "a test")
            assert (await world.send()).startswith("250 2.0.0 Ok: queued as ")
            with pytest.raises(Unusable) as refused:
                await world.relay.reload(after)
            assert str(refused.value) == (
                "routes.old: cannot be removed, 1 message is kept for it; give its users another "
                "route and wait until `ses-relay queue list --route old` is empty, or drop what "
                "is left with `ses-relay queue drop --route old`"
            )
            assert world.relay.settings is before
            # It goes on as it was, and the route can be removed when it is empty.
            world.relay.parts.scheduler.release(OLD)
            world.relay.parts.runner.wake()
            await world.logged("message.relayed", route="old")
            await until(lambda: not world.relay.parts.runner.backlog)
            await world.relay.reload(after)
        assert len(ses.messages) == 1


async def test_mail_kept_for_a_route_that_is_gone_at_the_start_waits_and_is_shown(tmp_path):
    async with simulated() as ses, simulated() as other:
        before, after = moved_away(ses, other, tmp_path)
        async with relaying(before) as world:
            world.relay.parts.scheduler.hold(OLD, "a test")
            assert (await world.send()).startswith("250 2.0.0 Ok: queued as ")
        async with relaying(after) as world:
            [warning] = await until(world.relay.stranded.warnings)
            assert warning == (
                "route old is not in the configuration, 1 message is kept for it: configure it "
                "again, or drop what is kept with `ses-relay queue drop --route old`"
            )
            assert warning in world.relay.readiness().warnings
            world.relay.stranded.look()
            world.relay.stranded.look()
            [told] = world.lines("account.changed", what="route old")
            assert told["new"] == "not configured, 1 message is kept for it"
            assert not ses.messages
            assert not other.messages
            # Configured again, it is sent.
            await world.relay.reload(before)
            await until(lambda: ses.messages)
            assert world.relay.stranded.warnings() == ()
            world.relay.stranded.look()
            assert len(world.lines("account.changed", what="route old")) == 2


async def test_a_user_removed_by_a_reload_can_send_no_more_in_a_session_that_goes_on():
    async with simulated() as ses:
        before = settings(ses.url)
        async with relaying(before) as world, world.line() as line:
            assert (await line.send(MAIL, "a@example.com", ["b@example.org"])).startswith("250 ")
            await world.relay.reload(replace(before, users=()))
            reply = await line.say("MAIL FROM:<a@example.com>")
            assert reply.startswith("550 5.7.1 "), reply
        assert len(ses.messages) == 1
