"""Mail servers that queue by themselves and hand everything to the relay.

What the relay says decides what they do: done, bounced, or tried again.
"""

import asyncio
import re
import smtplib

import pytest
from aiosmtpd.smtp import SMTP
from front import RECIPIENT, SENDER, UNVERIFIED, fronting
from queueing import SERVERS, Ports, free_port
from relay_world import until

from relay.simulator import Fail

PATIENCE = 30.0  # seconds; a green run waits for what the servers do, and no longer


class Sink:
    """Where mail for example.com ends."""

    def __init__(self):
        self.bounces = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        assert envelope.mail_from == "<>"
        self.bounces.append(envelope.original_content.decode())
        return "250 2.0.0 Ok"


@pytest.fixture
async def sink():
    kept = Sink()
    serving = await asyncio.get_running_loop().create_server(
        lambda: SMTP(kept, hostname="sink.example.com"), "127.0.0.1", 0
    )
    kept.port = serving.sockets[0].getsockname()[1]
    yield kept
    serving.close()


@pytest.fixture
async def front(tmp_path):
    async with fronting(tmp_path) as opened:
        yield opened


@pytest.fixture(params=SERVERS, ids=lambda server: server.package)
async def server(request, tmp_path, front, sink):
    ports = Ports(free_port(), front.port, sink.port)
    async with request.param(tmp_path, front.certificate, ports).running() as up:
        yield up
    up.cell.remove()  # some fifty megabytes


def hand_in(port, subject):
    with smtplib.SMTP("127.0.0.1", port) as client:
        text = f"From: {SENDER}\r\nTo: {RECIPIENT}\r\nSubject: {subject}\r\n\r\nIt works.\r\n"
        assert not client.sendmail(SENDER, [RECIPIENT], text)


async def test_what_the_relay_takes_leaves_the_queue(server, front, sink):
    await asyncio.to_thread(hand_in, server.ports.own, "queued elsewhere")
    await until(lambda: front.ses.messages, PATIENCE)
    await front.took("queued elsewhere")
    await until(lambda: not server.queued, PATIENCE)
    assert not sink.bounces


async def test_what_the_relay_refuses_for_good_bounces(server, front, sink):
    front.ses.script(UNVERIFIED)
    await asyncio.to_thread(hand_in, server.ports.own, "refused")
    await until(lambda: sink.bounces, PATIENCE)
    await until(lambda: not server.queued, PATIENCE)
    [bounce] = sink.bounces
    assert re.search(r"554[- ]5\.7\.1\s+Amazon\s+SES:\s+Email\s+address\s+is\s+not", bounce)
    assert not front.ses.messages


async def test_what_the_relay_defers_stays_until_it_goes(server, front, sink):
    front.ses.script(Fail("Throttling", "Maximum sending rate exceeded.", 400))
    await asyncio.to_thread(hand_in, server.ports.own, "deferred")
    [refused] = await until(lambda: front.world.lines("message.deferred"), PATIENCE)
    assert refused["reply"].startswith("451 4.4.5 ")
    # A server that puts a message back moves files: for a moment there may be two, or none.
    await until(lambda: server.queued == 1, PATIENCE)
    assert not sink.bounces
    async with asyncio.timeout(PATIENCE):
        while not front.ses.messages:  # a server hears of it once it has put the message back
            await server.try_again()
            await asyncio.sleep(0.1)
    await front.took("deferred")
    await until(lambda: not server.queued, PATIENCE)
