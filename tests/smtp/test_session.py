"""Sessions whose peers hang up, do not read, or come in numbers: nothing leaks, nothing is lost."""

import asyncio
import base64
import socket
import struct

import pytest
from smtp_fakes import PASSWORD, FakeReception, hashed_user, listening

from relay.model import replies
from relay.model.settings import Mechanism
from relay.smtp.conversation import Conversation
from relay.smtp.guesses import ADDRESS_LIMIT
from relay.smtp.verbs import SubmissionSession

ENVELOPE = (b"EHLO x", b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.com>", b"DATA")


class Cancelled:
    """A reception whose `receive` notes that its caller was cancelled."""

    def __init__(self):
        self.seen = asyncio.Event()


async def connected(opened):
    reader, writer = await asyncio.open_connection("127.0.0.1", opened.port)
    await reader.readline()
    return reader, writer


async def ask(reader, writer, line):
    writer.write(line + b"\r\n")
    reply = await reader.readline()
    while reply[3:4] == b"-":
        reply = await reader.readline()
    return reply


async def with_message_under_way(opened):
    reader, writer = await connected(opened)
    for line in ENVELOPE:
        await ask(reader, writer, line)
    writer.write(b"hi\r\n.\r\n")
    await opened.reception.waiting.wait()
    return reader, writer


def reset(writer):
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def gone(opened):
    async with asyncio.timeout(10):
        while opened.listeners.sessions:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)


@pytest.mark.parametrize("leave", [reset, lambda writer: writer.close()], ids=["reset", "close"])
async def test_hanging_up_ends_the_session_but_not_the_message(leave):
    """The flow shields its work; the cancelled wait tells it that nobody listens any more."""
    reception = FakeReception(gate=asyncio.Event())
    async with listening(reception) as opened:
        _, writer = await with_message_under_way(opened)
        leave(writer)
        await gone(opened)
        assert reception.received
        assert reception.transactions[0].closed
        assert opened.log.named("smtp.closed")[0]["reason"] == "lost"


async def test_a_half_close_with_more_behind_still_hears_the_verdict():
    reception = FakeReception(gate=asyncio.Event())
    async with listening(reception) as opened:
        reader, writer = await with_message_under_way(opened)
        writer.write(b"QUIT\r\n")
        writer.write_eof()
        for _ in range(20):
            await asyncio.sleep(0)
        reception.gate.set()
        assert (await reader.readline()).startswith(b"250")
        assert (await reader.readline()).startswith(b"221")
        writer.close()
        await gone(opened)
        assert not reception.unheard


async def test_a_reset_right_after_the_verdict_is_unheard():
    async with listening() as opened:
        reader, writer = await connected(opened)
        for line in ENVELOPE:
            await ask(reader, writer, line)
        await ask(reader, writer, b"hi\r\n.")
        reset(writer)
        await gone(opened)
        assert opened.reception.unheard == [replies.OK]


async def test_the_next_command_means_heard():
    async with listening() as opened:
        reader, writer = await connected(opened)
        for line in ENVELOPE:
            await ask(reader, writer, line)
        await ask(reader, writer, b"hi\r\n.")
        await ask(reader, writer, b"NOOP")
        reset(writer)
        await gone(opened)
        assert not opened.reception.unheard


async def test_far_too_much_content_closes_the_session(monkeypatch):
    monkeypatch.setattr("relay.smtp.content.DRAINED_BEYOND", 100_000)
    async with listening(FakeReception(limit=1000)) as opened:
        reader, writer = await connected(opened)
        for line in ENVELOPE:
            await ask(reader, writer, line)
        writer.write(b"x" * 300_000)
        assert (await reader.readline()).startswith(b"552 5.3.4")
        assert (await reader.readline()).startswith(b"421 4.3.4")
        writer.close()
        await gone(opened)
        assert not opened.reception.received


async def test_a_peer_that_does_not_read_holds_a_bounded_amount():
    async with listening(limits_errors_per_session=10**9, limits_idle=60) as opened:
        reader, writer = await connected(opened)
        await ask(reader, writer, b"EHLO x")
        writer.transport.pause_reading()
        (session,) = opened.listeners._sessions
        async with asyncio.timeout(20):
            while not session.stuck:
                writer.write(b"X\r\n" * 10_000)
                await asyncio.sleep(0)
            for _ in range(200):
                writer.write(b"X\r\n" * 1000)
                await asyncio.sleep(0)
        assert len(session.inbound) < 2**20
        assert session.transport.get_write_buffer_size() < 2**18
        opened.clock.advance(61)
        opened.listeners.look()
        await gone(opened)
        writer.transport.abort()


async def test_guessing_from_one_address_is_banned_across_connections():
    networks = {"cleartext_auth": True, "auth": "required"}
    from ipaddress import ip_network

    async with listening(
        users=[hashed_user()],
        networks=(ip_network("127.0.0.0/8"),),
        limits_auth_failures_per_session=1,
        **networks,
    ) as opened:
        wrong = b"AUTH PLAIN " + base64.b64encode(b"\0tickets\0wrong")
        began = opened.clock.monotonic()
        for _ in range(ADDRESS_LIMIT + 1):  # while it is slowed down, a point is forgiven
            reader, writer = await connected(opened)
            await ask(reader, writer, b"EHLO x")
            assert (await ask(reader, writer, wrong)).startswith(b"535 5.7.8")
            writer.close()
        assert opened.clock.monotonic() - began > 30
        reader, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        assert (await reader.readline()).startswith(b"421 4.7.0")
        writer.close()
        opened.clock.advance(601)
        reader, writer = await connected(opened)
        await ask(reader, writer, b"EHLO x")
        right = b"AUTH PLAIN " + base64.b64encode(b"\0tickets\0" + PASSWORD.encode())
        assert (await ask(reader, writer, right)).startswith(b"235")
        writer.close()
        await gone(opened)


async def test_the_log_names_no_unknown_name():
    """People type their password where the name belongs."""
    from ipaddress import ip_network

    async with listening(
        users=[hashed_user()],
        networks=(ip_network("127.0.0.0/8"),),
        cleartext_auth=True,
        mechanisms=(Mechanism.PLAIN,),
    ) as opened:
        reader, writer = await connected(opened)
        await ask(reader, writer, b"EHLO x")
        await ask(reader, writer, b"AUTH PLAIN " + base64.b64encode(b"\0hunter2\0hunter2"))
        await ask(reader, writer, b"AUTH PLAIN " + base64.b64encode(b"\0tickets\0hunter2"))
        writer.close()
        await gone(opened)
        failed = opened.log.named("smtp.auth_failed")
        assert [line["reason"] for line in failed] == [
            "unknown name",
            "wrong password for tickets",
        ]
        assert "hunter2" not in str(opened.log.lines)


async def test_every_reply_is_counted():
    async with listening() as opened:
        reader, writer = await connected(opened)
        for line in (*ENVELOPE, b"hi\r\n.", b"QUIT"):
            await ask(reader, writer, line)
        writer.close()
        await gone(opened)
        page = opened.metrics.page().decode()
        for code, times in {"220": 1, "250": 4, "354": 1, "221": 1}.items():
            assert f'ses_relay_smtp_replies_total{{code="{code}"}} {times}.0' in page
        assert "ses_relay_accept_seconds_count 1.0" in page
        closed = opened.log.named("smtp.closed")[0]
        assert (closed["reason"], closed["messages"]) == ("quit", 1)


async def test_a_thousand_connections_leave_nothing_behind():
    async with listening(max_connections=2000, max_connections_per_client=2000) as opened:
        before = len(asyncio.all_tasks())
        for _ in range(10):
            peers = await asyncio.gather(*(connected(opened) for _ in range(100)))
            for _, writer in peers:
                writer.close()
        await gone(opened)
        assert len(asyncio.all_tasks()) == before
        assert opened.listeners._house.census.total == 0


def test_every_verb_is_either_at_once_or_awaited():
    for verb in SubmissionSession.verbs.values():
        assert (verb.at_once is None) != (verb.awaited is None)
    assert not Conversation.verbs
