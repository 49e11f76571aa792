"""The lean pool: what is used again, what is not, and what breaks while it is under way."""

import asyncio
import contextlib
import socket
import ssl

import pytest
from authority import Authority
from cryptography import x509

from relay.aws import connections
from relay.aws.connections import AnswerLost, NotReached, open_connections

SETTINGS = {"verify": True, "timeout": (10.0, 60.0), "max_pool_connections": 2, "proxies": {}}
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
YES = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def settled():
    """Let the event loop close what was aborted."""
    for _ in range(5):
        await asyncio.sleep(0)


class Peer:
    """Answers each request of two octets with the same octets."""

    def __init__(self, says=YES):
        self.says = says
        self.writers = []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.pool = open_connections(f"http://127.0.0.1:{port}", SETTINGS)
        assert self.pool is not None
        return self

    async def __aexit__(self, *_):
        self.pool.close()
        self.server.close()
        await settled()
        for writer in self.writers:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        await self.server.wait_closed()
        await settled()

    async def serve(self, reader, writer):
        self.writers.append(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(2)
                writer.write(self.says)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()

    async def ask(self, pieces=(b"hi",)):
        connection = await self.pool.take()
        return await self.pool.post(connection, HEAD, pieces)


async def test_the_connection_used_last_is_used_next():
    async with Peer() as peer:
        for _ in range(3):
            assert (await peer.ask()).body == b"ok"
        assert len(peer.writers) == 1


async def test_a_connection_idle_for_too_long_is_not_used_again(monkeypatch):
    monkeypatch.setattr(connections, "KEEP_SECONDS", 0.0)
    async with Peer() as peer:
        await peer.ask()
        await peer.ask()
        assert len(peer.writers) == 2


async def test_no_more_stay_open_than_were_asked_for():
    async with Peer() as peer:
        taken = [await peer.pool.take() for _ in range(5)]
        for connection in taken:
            peer.pool.give_back(connection)
        assert sum(connection.usable for connection in taken) == 2


async def test_closing_closes_what_is_idle_and_what_comes_back():
    async with Peer() as peer:
        idle, busy = await peer.pool.take(), await peer.pool.take()
        peer.pool.give_back(idle)
        peer.pool.close()
        peer.pool.give_back(busy)
        assert not idle.usable
        assert not busy.usable


async def test_octets_that_nobody_asked_for_end_the_connection():
    async with Peer() as peer:
        connection = await peer.pool.take()
        while not peer.writers:  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0)
        peer.writers[0].write(YES)
        while connection.usable:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0)
        assert (await peer.ask()).body == b"ok"


class Hasty(Peer):
    """Answers before it has read the body, and reads no more than a part of it."""

    async def serve(self, reader, writer):
        self.writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.says)


async def test_an_answer_before_the_end_of_the_request_is_the_answer():
    async with Hasty(YES.replace(b"200 OK", b"413 Too Large")) as peer:
        answer = await peer.ask([b"x" * 4_000_000] * 100)
        assert answer.status == 413


async def test_a_connection_with_octets_still_to_send_is_not_used_again():
    async with Hasty(YES) as peer:
        assert (await peer.ask([b"x" * 40_000_000])).body == b"ok"
        assert (await peer.ask()).body == b"ok"
        assert len(peer.writers) == 2


async def test_an_address_that_does_not_answer_keeps_nobody_from_the_next(monkeypatch):
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def deaf(sock, address):
        if address[0] == "127.0.0.2":
            await loop.create_future()
        await connect(sock, address)

    async def two(_host, port, **_):
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(connections, "LEAST_SECONDS", 0.0)
    async with Peer() as peer:
        monkeypatch.setattr(loop, "sock_connect", deaf)
        monkeypatch.setattr(loop, "getaddrinfo", two)
        pool = open_connections(
            f"http://ses.test:{peer.server.sockets[0].getsockname()[1]}",
            SETTINGS | {"timeout": (1.0, 60.0)},
        )
        connection = await pool.take()
        assert (await pool.post(connection, HEAD, [b"hi"])).body == b"ok"
        pool.close()


@pytest.mark.parametrize(
    ("names", "trusted", "answered"),
    [("localhost", True, True), ("other.test", True, False), ("localhost", False, False)],
    ids=["known", "another name", "another authority"],
)
async def test_whom_tls_does_not_vouch_for_gets_nothing(tmp_path, names, trusted, answered):
    authority = Authority(tmp_path)
    certificate, key, _ = authority.sign(names, x509.DNSName(names))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=context)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    pool = open_connections(url, SETTINGS | {"verify": str(authority.path) if trusted else True})
    if answered:
        assert (await pool.post(await pool.take(), HEAD, [b"hi"])).body == b"ok"
    else:
        with pytest.raises(NotReached, match="SSLCertVerificationError"):
            await pool.take()
    pool.close()
    server.close()
    for writer in peer.writers:
        writer.transport.abort()
    await settled()


class Breaking(Peer):
    """Says what it says and goes."""

    async def serve(self, reader, writer):
        self.writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        writer.write(self.says)
        writer.close()


@pytest.mark.parametrize("said", [b"", YES[:-1], b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_an_answer_that_breaks_off_is_lost(said):
    async with Breaking(said) as peer:
        with pytest.raises(AnswerLost):
            await peer.ask()


async def test_nobody_there(unused_tcp_port):
    pool = open_connections(f"http://127.0.0.1:{unused_tcp_port}", SETTINGS)
    with pytest.raises(NotReached):
        await pool.take()


@pytest.mark.parametrize(
    ("url", "changes"),
    [
        ("https://h/", {"proxies": {"https": "http://proxy:3128"}}),
        ("https://h/", {"client_cert": "cert.pem"}),
        ("https://h/", {"verify": False}),
        ("ftp://h/", {}),
        ("nothing", {}),
        ("https://h/", {"timeout": 5}),
    ],
)
def test_what_the_pool_does_not_know_is_left_to_botocore(url, changes):
    assert open_connections(url, SETTINGS | changes) is None
