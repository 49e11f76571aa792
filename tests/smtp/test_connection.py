"""What our connection changes in aiosmtpd's `SMTP`, and what it relies on in asyncio."""

import asyncio
import inspect
import ssl
from ipaddress import ip_network

import pytest
from aiosmtpd.smtp import SMTP
from smtp_fakes import certificate_files, listening

from relay.smtp.connection import Connection
from relay.smtp.conversation import Conversation
from relay.smtp.session import Session
from relay.smtp.verbs import SubmissionSession

# Everything of aiosmtpd or asyncio that is replaced. An addition is a reviewed edit of this list
# and of the module's docstring.
CHANGED = {
    "__init__",
    "__dir__",
    "__module__",
    "__doc__",
    "__annotations__",
    "_handle_client",
    "_reset_timeout",
    "connection_lost",
    "data_received",
    "eof_received",
    "handle_exception",
    "pause_writing",
    "resume_writing",
}


def test_the_overridden_surface_is_the_documented_one():
    ours = (
        set(vars(Connection))
        | set(vars(Session))
        | set(vars(Conversation))
        | set(vars(SubmissionSession))
    )
    theirs = {name for kind in SMTP.__mro__ for name in vars(kind)}
    assert (ours & theirs) - {"__hash__", "__static_attributes__", "__firstlineno__"} == CHANGED


def test_what_it_stands_on_is_there():
    """aiosmtpd and asyncio may change these without a word; then this fails first."""
    assert "SSLProtocol" in dir(asyncio.sslproto)
    parameters = inspect.signature(asyncio.sslproto.SSLProtocol.__init__).parameters
    assert {"call_connection_made", "ssl_handshake_timeout", "ssl_shutdown_timeout"} <= set(
        parameters
    )
    assert inspect.iscoroutinefunction(SMTP._handle_client)


async def test_looking_at_a_connection_costs_nothing():
    """aiosmtpd lists its own attributes for each connection; ours has none to list."""
    async with listening() as opened:
        _, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        while not opened.listeners._sessions:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)
        (session,) = opened.listeners._sessions
        assert dir(session) == []
        assert session._smtp_methods == session._auth_methods == session._handle_hooks == {}
        writer.close()


async def test_an_idle_tls_connection_keeps_a_small_buffer():
    context = ssl.create_default_context(cafile=certificate_files().certificate[0])
    context.check_hostname = False
    async with listening(tls="implicit") as opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", opened.port, ssl=context)
        assert (await reader.readline()).startswith(b"220")
        (session,) = opened.listeners._sessions
        assert len(session.transport._ssl_protocol._ssl_buffer) == 17 * 1024
        assert session.tls.version.startswith("TLSv1.")
        writer.close()


async def test_who_ends_tls_without_quit_is_seen_off():
    context = ssl.create_default_context(cafile=certificate_files().certificate[0])
    context.check_hostname = False
    async with listening(tls="implicit") as opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", opened.port, ssl=context)
        assert (await reader.readline()).startswith(b"220")
        writer.close()
        async with asyncio.timeout(10):
            while not opened.log.named("smtp.closed"):  # noqa: ASYNC110 - nobody announces it
                await asyncio.sleep(0)
        [closed] = opened.log.named("smtp.closed")
        assert closed["reason"] == "lost"


def test_tls_on_uvloop():
    """uvloop reads differently once TLS takes over (extra `fast`)."""
    uvloop = pytest.importorskip("uvloop")

    async def story():
        async with listening(tls="starttls") as opened:
            context = ssl.create_default_context(cafile=certificate_files().certificate[0])
            context.check_hostname = False
            reader, writer = await asyncio.open_connection("127.0.0.1", opened.port)
            await reader.readline()
            writer.write(b"EHLO x\r\n")
            while (await reader.readline())[3:4] == b"-":
                pass
            writer.write(b"STARTTLS\r\n")
            assert (await reader.readline()).startswith(b"220")
            await writer.start_tls(context)
            writer.write(b"NOOP\r\nQUIT\r\n")
            assert (await reader.readline()).startswith(b"554 5.5.1")
            writer.close()
            while opened.listeners.sessions:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0)

    uvloop.run(story())


async def test_a_handshake_that_came_with_the_proxy_header_is_not_lost():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = context.wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    networks = (ip_network("127.0.0.0/8"),)
    async with listening(tls="implicit", proxy_protocol=True, networks=networks) as opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        writer.write(b"PROXY TCP4 192.0.2.7 198.51.100.1 5 465\r\n" + outgoing.read())
        assert (await reader.readexactly(1)) == b"\x16"  # a handshake record, not a refusal
        writer.close()


async def test_a_large_chunk_lets_all_others_come_first():
    """uvloop reads one socket up to 32 times in a row; nobody may have the event loop so long."""

    class Transport:
        said: list[str] = []  # noqa: RUF012 - a record of one test

        def pause_reading(self):
            self.said.append("pause")

        def resume_reading(self):
            self.said.append("resume")

        def is_closing(self):
            return False

    connection = Connection(asyncio.get_running_loop(), "relay.test")
    connection.transport = Transport()
    connection.data_received(b"x" * 1000)
    assert Transport.said == []
    connection.data_received(b"x" * 65_536)
    assert Transport.said == ["pause"]
    await asyncio.sleep(0)
    assert Transport.said == ["pause", "resume"]
    connection.data_received(b"x" * 300_000)  # the session does not keep up: it must ask itself
    await asyncio.sleep(0)
    assert Transport.said == ["pause", "resume", "pause"]
