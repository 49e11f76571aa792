"""A new configuration is taken over whole, or not at all, and mail goes on meanwhile."""

import socket
from dataclasses import replace

import pytest
from relay_world import MAIL, relaying, route, settings, simulated

from relay.model.settings import Limits, Listener, TcpBind, TlsMode
from relay.service.snapshot import Unusable

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
        ({"limits": Limits(octets_in_flight=512 * 2**20)}, "limits.octets_in_flight"),
        ({"workers": 2}, "workers"),
    ],
)
async def test_what_a_running_relay_stands_on_is_refused_by_name(change, named):
    async with simulated() as ses:
        before = settings(ses.url)
        async with relaying(before) as world:
            with pytest.raises(Unusable, match=f"{named}: a change of this needs a restart"):
                await world.relay.reload(replace(before, **change))
            assert world.relay.settings is before


async def test_a_user_removed_by_a_reload_can_send_no_more_in_a_session_that_goes_on():
    async with simulated() as ses:
        before = settings(ses.url)
        async with relaying(before) as world, world.line() as line:
            assert (await line.send(MAIL, "a@example.com", ["b@example.org"])).startswith("250 ")
            await world.relay.reload(replace(before, users=()))
            reply = await line.say("MAIL FROM:<a@example.com>")
            assert reply.startswith("550 5.7.1 "), reply
        assert len(ses.messages) == 1
