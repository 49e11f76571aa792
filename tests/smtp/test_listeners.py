"""Opening, reloading and stopping listeners, with sessions open meanwhile."""

import asyncio
import os
import socket
import ssl
from dataclasses import replace
from ipaddress import ip_network

import pytest
from smtp_fakes import (
    FakeReception,
    listener,
    listening,
    open_settings,
    settings_for,
    write_certificate,
)

from relay.model.settings import FdBind, TcpBind, Tls, UnixBind
from relay.smtp import listeners as module
from relay.smtp.sockets import FIRST_PASSED, OwnDoors, open_dealt


async def connect(port, host="127.0.0.1"):
    reader, writer = await asyncio.open_connection(host, port)
    return reader, writer, await reader.readline()


async def ask(reader, writer, line):
    writer.write(line + b"\r\n")
    reply = await reader.readline()
    while reply[3:4] == b"-":
        reply = await reader.readline()
    return reply


async def gone(opened):
    async with asyncio.timeout(10):
        while opened.listeners.sessions:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)


async def test_several_listeners_with_rules_of_their_own():
    one = listener(bind=TcpBind("127.0.0.1", 0), name="one")
    two = listener(bind=TcpBind("localhost", 0), name="two", networks=(ip_network("10.0.0.0/8"),))
    opened = await open_settings(FakeReception(), settings_for(one, two))
    try:
        addresses = opened.listeners.addresses
        _, writer, greeting = await connect(addresses["127.0.0.1:0"][0][1])
        assert greeting.startswith(b"220")
        writer.close()
        _, writer, greeting = await connect(addresses["localhost:0"][0][1])
        assert greeting.startswith(b"554 5.7.1")
        writer.close()
    finally:
        await opened.listeners.stop(5)
    assert opened.log.named("smtp.refused")[0]["listener"] == "two"


async def test_accepted_sockets_do_without_nagle():
    async with listening() as opened:
        _, writer, _ = await connect(opened.port)
        (session,) = opened.listeners._sessions
        sock = session.get_extra("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
        await gone(opened)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
async def test_ipv6():
    try:
        opened = await open_settings(
            FakeReception(), settings_for(listener(bind=TcpBind("::1", 0)))
        )
    except AssertionError:
        pytest.skip("no IPv6 loopback here")
    try:
        reader, writer, _ = await connect(opened.port, "::1")
        await ask(reader, writer, b"EHLO x")
        await ask(reader, writer, b"MAIL FROM:<a@example.com>")
        assert str(opened.reception.transactions[0].client.address) == "::1"
        writer.close()
        await gone(opened)
    finally:
        await opened.listeners.stop(5)


async def test_unix_socket(tmp_path):
    path = tmp_path / "smtp.sock"
    with socket.socket(socket.AF_UNIX) as stale:  # as a killed process leaves it behind
        stale.bind(str(path))
    settings = settings_for(listener(bind=UnixBind(path), networks=(ip_network("10.0.0.0/8"),)))
    opened = await open_settings(FakeReception(), settings)
    reader, writer = await asyncio.open_unix_connection(str(path))
    assert (await reader.readline()).startswith(b"220")
    await ask(reader, writer, b"EHLO x")
    await ask(reader, writer, b"MAIL FROM:<a@example.com>")
    assert opened.reception.transactions[0].client.address is None
    writer.close()
    await gone(opened)
    await opened.listeners.stop(5)
    assert not path.exists()


async def test_a_unix_socket_in_use_is_not_taken_away(tmp_path):
    settings = settings_for(listener(bind=UnixBind(tmp_path / "s")))
    opened = await open_settings(FakeReception(), settings)
    with pytest.raises(AssertionError, match="in use"):
        await open_settings(FakeReception(), settings)
    await opened.listeners.stop(5)


async def test_socket_activation(monkeypatch):
    passed = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    passed.bind(("127.0.0.1", 0))
    passed.listen()
    number = passed.fileno()
    # The service manager passes descriptors from 3 on; ours has another number, so more are named.
    names = ":".join(["other"] * (number - FIRST_PASSED) + ["smtp"])
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", str(number - FIRST_PASSED + 1))
    monkeypatch.setenv("LISTEN_FDNAMES", names)
    opened = await open_settings(FakeReception(), settings_for(listener(bind=FdBind("smtp"))))
    _, writer, greeting = await connect(passed.getsockname()[1])
    assert greeting.startswith(b"220")
    writer.close()
    await gone(opened)
    await opened.listeners.stop(5)
    passed.close()


async def faults_of(settings):
    async with listening() as opened:
        opened.settings.append(settings)
        return [str(fault) for fault in await opened.listeners.reload()]


async def test_faults_are_values(tmp_path):
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    missing = Tls(certificate=(tmp_path / "no.pem",), key=(tmp_path / "no.pem",))
    faults = await faults_of(
        settings_for(
            listener(bind=TcpBind("127.0.0.1", port)),
            listener(bind=FdBind("smtp")),
            listener(bind=UnixBind(tmp_path / "no" / "folder")),
            listener(bind=TcpBind("127.0.0.2", 0), tls="implicit", tls_files=missing),
        )
    )
    taken.close()
    assert faults[0] == f"127.0.0.1:{port}: Address already in use"
    assert "no socket of the name 'smtp'" in faults[1]
    assert "No such file" in faults[2]
    assert "no.pem" in faults[3]


async def test_tls_without_a_certificate_is_a_fault():
    settings = replace(settings_for(listener(tls="starttls")), tls=None)
    assert "no certificate" in (await faults_of(settings))[0]


async def test_a_reload_drops_no_session():
    async with listening() as opened:
        reader, writer, _ = await connect(opened.port)
        (address,) = opened.addresses
        opened.settings.append(
            settings_for(listener(networks=(ip_network("10.0.0.0/8"),), tls="starttls"))
        )
        assert await opened.listeners.reload() == ()
        assert opened.addresses == [address]
        assert (await ask(reader, writer, b"NOOP")).startswith(b"250")
        _, refused, greeting = await connect(opened.port)
        assert greeting.startswith(b"554")
        refused.close()
        writer.close()
        await gone(opened)


async def test_a_reload_opens_and_closes_listeners():
    async with listening() as opened:
        port = opened.port
        reader, writer, _ = await connect(port)
        opened.settings.append(settings_for(listener(bind=TcpBind("localhost", 0))))
        assert await opened.listeners.reload() == ()
        with pytest.raises(ConnectionRefusedError):
            await connect(port)
        assert (await ask(reader, writer, b"NOOP")).startswith(b"250")
        _, other, greeting = await connect(opened.port)
        assert greeting.startswith(b"220")
        other.close()
        writer.close()
        await gone(opened)


class TwoDoors(OwnDoors):
    """Gives both sockets of an address where it gave one before."""

    def __init__(self):
        self.sockets = open_dealt(TcpBind("127.0.0.1", 0), 2)
        self.both = False

    def open(self, bind):
        given = self.sockets if self.both else self.sockets[:1]
        return tuple(one.dup() for (one,) in given)

    def close(self):
        for (one,) in self.sockets:
            one.close()


async def test_more_and_fewer_sockets_of_a_listener_drop_no_session():
    doors = TwoDoors()
    opened = await open_settings(FakeReception(), settings_for(listener()), doors)
    (bind,) = opened.listeners.addresses
    clients = [await asyncio.open_connection("127.0.0.1", opened.port) for _ in range(40)]
    greeted = [asyncio.create_task(reader.readline()) for reader, _ in clients]
    # About half of them wait in the other socket, until somebody accepts from it.
    await until_done(greeted, len(greeted) // 10)
    assert not all(one.done() for one in greeted)
    doors.both = True
    await opened.listeners.reopen([bind, "127.0.0.9:25"])
    assert len(opened.listeners.addresses[bind]) == 2
    assert all(line.startswith(b"220") for line in await asyncio.gather(*greeted))
    doors.both = False
    await opened.listeners.reopen([bind])
    assert len(opened.listeners.addresses[bind]) == 1
    for reader, writer in clients:
        assert (await ask(reader, writer, b"NOOP")).startswith(b"250")
        writer.close()
    await gone(opened)
    await opened.listeners.stop(5)
    await opened.listeners.reopen([bind])
    assert not opened.listeners.addresses
    doors.close()


async def until_done(tasks, count):
    async with asyncio.timeout(10):
        while sum(task.done() for task in tasks) < count:  # noqa: ASYNC110 - whichever they are
            await asyncio.sleep(0)


async def test_counts_survive_a_reload():
    async with listening(max_connections_per_client=1) as opened:
        reader, writer, _ = await connect(opened.port)
        opened.settings.append(settings_for(listener(max_connections_per_client=1)))
        await opened.listeners.reload()
        _, second, greeting = await connect(opened.port)
        assert greeting.startswith(b"421 4.7.0")
        second.close()
        await ask(reader, writer, b"QUIT")
        writer.close()
        await gone(opened)
        _, third, greeting = await connect(opened.port)
        assert greeting.startswith(b"220")
        third.close()
        await gone(opened)


async def peer_certificate(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return found


async def test_a_certificate_is_read_again_when_it_changes(tmp_path):
    write_certificate(tmp_path, "first")
    files = Tls(certificate=(tmp_path / "cert.pem",), key=(tmp_path / "key.pem",))
    async with listening(tls="implicit", tls_files=files) as opened:
        first = await peer_certificate(opened.port)
        opened.listeners.look()
        assert await peer_certificate(opened.port) == first
        (tmp_path / "cert.pem").write_text("half written")
        opened.listeners.look()
        opened.listeners.look()
        assert len(opened.log.named("relay.fault")) == 1
        assert await peer_certificate(opened.port) == first
        write_certificate(tmp_path, "second")
        opened.listeners.look()
        assert await peer_certificate(opened.port) != first
        await gone(opened)


async def test_a_stop_lets_the_message_under_way_end():
    reception = FakeReception(gate=asyncio.Event())
    async with listening(reception) as opened:
        reader, writer, _ = await connect(opened.port)
        for line in (b"EHLO x", b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.com>", b"DATA"):
            await ask(reader, writer, line)
        writer.write(b"hi\r\n.\r\n")
        await reception.waiting.wait()
        stop = asyncio.create_task(opened.listeners.stop(30))
        await asyncio.sleep(0)
        reception.gate.set()
        assert (await reader.readline()).startswith(b"250")
        assert (await reader.readline()).startswith(b"421 4.3.2")
        await stop
        writer.close()
    assert opened.listeners.sessions == 0


async def test_a_stop_lets_content_under_way_end():
    async with listening() as opened:
        reader, writer, _ = await connect(opened.port)
        for line in (b"EHLO x", b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.com>", b"DATA"):
            await ask(reader, writer, line)
        stop = asyncio.create_task(opened.listeners.stop(30))
        await asyncio.sleep(0)
        writer.write(b"hi\r\n.\r\n")
        assert (await reader.readline()).startswith(b"250")
        assert (await reader.readline()).startswith(b"421 4.3.2")
        await stop
        writer.close()


async def test_the_grace_of_a_stop_ends():
    reception = FakeReception(gate=asyncio.Event())
    async with listening(reception) as opened:
        reader, writer, _ = await connect(opened.port)
        for line in (b"EHLO x", b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.com>", b"DATA"):
            await ask(reader, writer, line)
        writer.write(b"hi\r\n.\r\n")
        await reception.waiting.wait()
        await opened.listeners.stop(0)
        assert opened.listeners.sessions == 0
        assert reception.transactions[0].closed
        writer.close()


@pytest.mark.fake_time
async def test_the_listeners_look_once_a_second(monkeypatch):
    async with listening(limits_idle=60) as opened:
        looks = []
        monkeypatch.setattr(opened.listeners, "look", lambda: looks.append(1))
        task = asyncio.create_task(opened.listeners.run())
        await asyncio.sleep(10.5)
        task.cancel()
        assert len(looks) == 10


async def test_the_own_name_is_asked_for_once(monkeypatch):
    asked = []

    async def name():
        asked.append(1)
        return "asked.example"

    monkeypatch.setattr(module, "_own_name", name)
    settings = replace(settings_for(listener()), hostname=None)
    opened = await open_settings(FakeReception(), settings)
    await opened.listeners.reload()
    _, writer, greeting = await connect(opened.port)
    assert greeting.startswith(b"220 asked.example ")
    assert len(asked) == 1
    writer.close()
    await gone(opened)
    await opened.listeners.stop(5)
