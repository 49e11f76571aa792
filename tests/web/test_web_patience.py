"""A slow client has its time and no more, and never keeps others out."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from relay_world import until
from web_world import LOOPBACK, World

from relay.web import Access, Patience, Signed, make_app, make_signed_app, serve
from relay.web.patience import Connection, Room

HEAD = b"POST /sns HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
SOON = 0.02  # seconds of real time; nothing waits for longer than it must


async def echo(request):
    body = await request.read()
    return web.Response(body=body, headers={"X-Large": "y" * (len(body) % 5)})


async def much(_request):
    return web.Response(body=b"x" * 20_000_000)


ECHO = Signed("/sns", echo, 100_000)


class Client:
    """One connection, written and read by hand."""

    def __init__(self, port):
        self.port = port

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_raised):
        self.writer.close()

    async def say(self, octets):
        self.writer.write(octets)
        await self.writer.drain()

    async def status(self):
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await self.reader.readexactly(int(length))
        return int(head.split()[1])

    async def ended(self):
        """Read to the end; gives what was said before."""
        try:
            return await self.reader.read()
        except ConnectionResetError:
            return b""


@asynccontextmanager
async def serving(app, **patience):
    listening = socket.create_server(("127.0.0.1", 0))
    served = await serve(app, listening, patience=Patience(**patience))
    try:
        yield served.address[1]
    finally:
        await served.close()


def alone(signed=ECHO):
    return make_signed_app(signed)


@pytest.mark.parametrize("said", [b"", b"POST /sns HT", HEAD[:-2]], ids=["nothing", "line", "head"])
async def test_a_head_that_does_not_come_ends_the_connection(said):
    async with serving(alone(), head=SOON) as port, Client(port) as client:
        await client.say(said)
        assert await client.ended() == b""


async def test_a_second_head_has_the_same_time():
    async with serving(alone(), head=SOON) as port, Client(port) as client:
        await client.say(HEAD + b"12345")
        assert await client.status() == 200
        await client.say(HEAD[:-2])
        assert await client.ended() == b""


async def test_a_connection_without_a_request_ends():
    async with serving(alone(), idle=SOON) as port, Client(port) as client:
        await client.say(HEAD + b"12345")
        assert await client.status() == 200
        assert await client.ended() == b""


async def test_a_body_that_does_not_come_is_answered():
    async with serving(alone(), body=SOON) as port, Client(port) as client:
        await client.say(HEAD + b"1234")
        assert await client.status() == 408
        assert await client.ended() == b""


async def test_an_answer_that_is_not_read_ends_the_connection():
    signed = Signed("/sns", much, 100)
    listening = socket.create_server(("127.0.0.1", 0))
    patience = Patience(answer=SOON, idle=60.0, head=60.0)
    served = await serve(alone(signed), listening, patience=patience)
    connections = served._runner.server
    async with Client(served.address[1]) as client:
        client.writer.transport.pause_reading()
        await client.say(HEAD + b"12345")
        await until(lambda: connections.requests_count)
        await until(lambda: not connections.connections)
        client.writer.transport.resume_reading()
        assert len(await client.ended()) < 20_000_000
    await served.close()


async def test_whoever_waits_longest_makes_room():
    async with serving(alone(), connections=3) as port:
        clients = [Client(port) for _ in range(4)]
        first, second, third, fourth = clients
        async with first:
            await first.say(HEAD + b"12345")
            assert await first.status() == 200
            async with second:
                await second.say(b"POST")
                async with third:
                    await first.say(HEAD + b"12345")  # it waits since now
                    assert await first.status() == 200
                    async with fourth:
                        await fourth.say(HEAD + b"12345")
                        assert await fourth.status() == 200
                        assert await second.ended() == b""
                        for client in (first, third):
                            await client.say(HEAD + b"12345")
                            assert await client.status() == 200


async def test_slow_bodies_do_not_keep_health_away(caplog):
    world = World()
    app = make_app(world.sources, Access(LOOPBACK, None, world.clock), ECHO)
    async with serving(app, connections=2) as port, Client(port) as first, Client(port) as second:
        for client in (first, second):
            await client.say(HEAD[:-2] + b"Expect: 100-continue\r\n\r\n1")
            assert b" 100 " in await client.reader.readuntil(b"\r\n\r\n")
        async with Client(port) as third:
            await third.say(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await third.status() == 200
            assert await first.ended() == b""
        await second.say(b"2345")
        assert await second.status() == 200
    assert not caplog.records


class Cut(asyncio.Transport):
    """A transport that knows whether it was cut."""

    def __init__(self):
        super().__init__()
        self.cut = False

    def abort(self):
        self.cut = True


async def test_who_hangs_up_within_a_request_is_forgotten():
    room = Room(Patience(connections=1))
    gone, first, second = (Connection(asyncio.Protocol(), room) for _ in range(3))
    transports = [Cut(), Cut(), Cut()]
    gone.connection_made(transports[0])
    gone.begin()
    gone.connection_lost(None)
    gone.end()
    first.connection_made(transports[1])
    second.connection_made(transports[2])
    assert [transport.cut for transport in transports] == [False, True, False]
    for connection in (first, second):
        connection.connection_lost(None)


async def test_when_all_are_at_work_the_next_is_turned_away():
    go = asyncio.Event()
    at_work = asyncio.Event()

    async def slow(_request):
        at_work.set()
        await go.wait()
        return web.Response()

    signed = Signed("/sns", slow, 100)
    async with serving(alone(signed), connections=1) as port, Client(port) as first:
        await first.say(HEAD + b"12345")
        await at_work.wait()
        async with Client(port) as second:
            assert await second.ended() == b""
        go.set()
        assert await first.status() == 200
        async with Client(port) as third:
            await third.say(HEAD + b"12345")
            assert await third.status() == 200


@pytest.mark.parametrize(
    ("path", "octets", "status"),
    [("/sns", 100_000, 200), ("/sns", 100_001, 413), ("/login", 16_385, 413)],
)
async def test_only_the_signed_path_takes_large_bodies(path, octets, status):
    world = World()
    app = make_app(world.sources, Access(LOOPBACK, None, world.clock), ECHO)
    async with serving(app) as port, Client(port) as client:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {octets}\r\n\r\n"
        await client.say(head.encode() + b"x" * octets)
        assert await client.status() == status
