"""Bounds what one client can cost: time for each part of a request, and connections in all.

Stands between the socket and aiohttp's protocol, which by itself waits long for a head, for ever
for a body, and for ever until an answer is read. When there are too many connections, the one that
has let the server wait longest makes room: whoever keeps connections open drives out its own, and
health can still be asked for.

Standards: RFC 9110 §15.5.9 (408).
Errors: none; a connection out of time is cut, a body out of time is answered 408.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler

# Handlers that take more than their application does: octets of a body.
ROOMY = web.AppKey[Mapping[Handler, int]]("ROOMY")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take, in seconds, and how many there may be."""

    head: float = 10.0  # for the head of a request, from its first octet or the connection's start
    body: float = 20.0
    idle: float = 75.0  # between two requests
    answer: float = 30.0  # until an answer that is too large for the buffers is read
    handshake: float = 10.0  # of TLS
    connections: int = 200


class Room:
    """The connections of one server."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._inside: dict[asyncio.BaseTransport, Connection] = {}
        self._waited_for: dict[Connection, None] = {}  # the longest first

    def enter(self, transport: asyncio.BaseTransport, connection: "Connection") -> bool:
        """Take a connection in, if need be for another one; False: all of them are at work."""
        if len(self._inside) >= self.patience.connections:
            longest = next(iter(self._waited_for), None)
            if longest is None:
                return False
            longest.cut()
            self.leave(longest)
        self._inside[transport] = connection
        return True

    def leave(self, connection: "Connection") -> None:
        """Forget a connection."""
        self._waited_for.pop(connection, None)
        self._inside.pop(connection.transport, None)

    def waits_for(self, connection: "Connection") -> bool:
        """Note that the next move is the client's; False: it has left, and makes none."""
        inside = connection.transport in self._inside
        if inside:
            self._waited_for.setdefault(connection)
        return inside

    def works_for(self, connection: "Connection") -> None:
        """Note that the next move is ours."""
        self._waited_for.pop(connection, None)

    @web.middleware
    async def attend(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Read the body, in time, before anything looks at the request."""
        connection = self._inside.get(cast(asyncio.BaseTransport, request.transport))
        if connection is None:  # cut meanwhile: nobody hears the answer
            raise web.HTTPRequestTimeout
        connection.begin()
        try:
            most = request.app.get(ROOMY, {}).get(request.match_info.handler)
            if most is not None:
                request = request.clone(client_max_size=most)
            try:
                async with asyncio.timeout(self.patience.body):
                    await request.read()
            except TimeoutError:
                raise web.HTTPRequestTimeout(text="The body did not come in time.\n") from None
            except ConnectionError:  # hung up, or cut for somebody else
                raise web.HTTPRequestTimeout from None
            self.works_for(connection)
            return await handler(request)
        finally:
            connection.end()


class Connection(asyncio.Protocol):
    """One connection: passes everything on, and watches the clock."""

    transport: asyncio.Transport

    def __init__(self, inner: asyncio.Protocol, room: Room) -> None:
        self._inner: asyncio.Protocol | None = inner
        self._room = room
        self._between = False  # two requests, with nothing of the next yet
        self._due: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take part, if there is room."""
        self.transport = cast(asyncio.Transport, transport)
        if not self._room.enter(transport, self):
            self._inner = None
            self.cut()
            return
        self._room.waits_for(self)
        self._due = self._after(self._room.patience.head)
        self._call(lambda inner: inner.connection_made(transport))

    def data_received(self, data: bytes) -> None:
        """Pass octets on; the first of a request start its time."""
        if self._between:
            self._between = False
            self._wait(self._room.patience.head)
        self._call(lambda inner: inner.data_received(data))

    def eof_received(self) -> bool | None:
        """Pass the end of the client's octets on."""
        return None if self._inner is None else self._inner.eof_received()

    def pause_writing(self) -> None:
        """Start the time for reading the answer."""
        self._unread = self._after(self._room.patience.answer)
        self._call(lambda inner: inner.pause_writing())

    def resume_writing(self) -> None:
        """End it."""
        if self._unread is not None:
            self._unread.cancel()
        self._call(lambda inner: inner.resume_writing())

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        for timer in (self._due, self._unread):
            if timer is not None:
                timer.cancel()
        self._room.leave(self)
        self._call(lambda inner: inner.connection_lost(exc))

    def begin(self) -> None:
        """A request is here, but for its body, which has a time of its own."""
        self._between = False
        if self._due is not None:
            self._due.cancel()

    def end(self) -> None:
        """The request has its answer."""
        self._between = True
        if self._room.waits_for(self):
            self._wait(self._room.patience.idle)

    def cut(self) -> None:
        """End it at once."""
        self.transport.abort()

    def _call(self, event: Callable[[asyncio.Protocol], None]) -> None:
        if self._inner is not None:
            event(self._inner)

    def _wait(self, seconds: float) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due = self._after(seconds)

    def _after(self, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self.cut)
