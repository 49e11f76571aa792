"""Words and sockets between two ends."""

import asyncio
import socket
from contextlib import asynccontextmanager

from stored import new

from relay.service.supervisor.wire import Wire
from relay.service.supervisor.words import Adopt, Answered, Asked, Keep


@asynccontextmanager
async def two_ends():
    words, hatch = socket.socketpair(), socket.socketpair()
    ends = [await Wire.on(words[place], hatch[place]) for place in (0, 1)]
    try:
        yield ends
    finally:
        for end in ends:
            await end.close()


async def test_words_arrive_in_order():
    async with two_ends() as (one, other):
        said = [Asked(1, Adopt(3)), Answered(1, None), Answered(2, "x" * 1_000_000)]
        for word in said:
            one.say(word)
        assert [await other.hear() for _ in said] == said
        other.say(said[0])
        assert await one.hear() == said[0]


async def test_a_message_arrives_octet_for_octet_whatever_its_body_is_a_view_of():
    async with two_ends() as (one, other):
        one.say(Keep.of([new("a", body=memoryview(b"--a view--")[2:-2])]))
        assert await other.hear() == Keep([new("a", body=b"a view")])


async def test_an_end_that_is_gone_is_the_end_of_words():
    async with two_ends() as (one, other):
        one.say(Adopt(1))
        await one.said()
        await one.close()
        assert await other.hear() == Adopt(1)
        assert await other.hear() is None
        other.say(Adopt(2))
        with socket.create_server(("127.0.0.1", 0)) as listening:
            other.hand_over([listening])
        other.say(Adopt(2))
        await other.said()
        one.say(Adopt(3))


async def test_sockets_that_are_handed_over_listen_on():
    async with two_ends() as (one, other):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            one.hand_over([listening, listening])
            one.say(2)
            assert await other.hear() == 2
            first, second = other.take(2)
        with first, second:
            assert first.proto == socket.IPPROTO_TCP  # or the loop leaves Nagle's algorithm on
            server = await asyncio.start_server(lambda _, writer: writer.close(), sock=first)
            reader, writer = await asyncio.open_connection(*second.getsockname())
            assert await reader.read() == b""
            writer.close()
            server.close()
            await server.wait_closed()
