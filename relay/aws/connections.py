"""A lean pool of HTTP/1.1 connections to one endpoint: requests written as octets, kept alive.

It does for the two requests that carry mail what botocore and aiohttp do for all of AWS, at a tenth
of the time. What it does not know is left to them: proxies, client certificates, peers that are not
verified (`open_connections` gives None then).

A request is never repeated here. Until `post` is called nothing has left; from then on everything
may have.

Standards: RFC 9112 (HTTP/1.1).
Errors: `NotReached` while connecting; `AnswerLost` from then on.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.httpsession import get_cert_path

from relay.aws.http_answer import AnswerReader, HttpAnswer, NotHttp

# SES closes idle connections in its own time; a request into one that closes is an answer lost.
KEEP_SECONDS = 12.0
# An address that is not the last of its name has at least so long to answer.
LEAST_SECONDS = 2.5


class NotReached(Exception):  # noqa: N818 - it names the fault
    """No connection could be made; nothing has left."""


class AnswerLost(Exception):  # noqa: N818 - likewise
    """The request was begun and no answer could be read."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the connections lead, and how long one waits for it."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    connect_seconds: float
    read_seconds: float


class Connection(asyncio.Protocol):
    """One connection; carries one request at a time."""

    def __init__(self, read_seconds: float) -> None:
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._read_seconds = read_seconds
        self._transport: Any = None  # a transport that writes; asyncio's types know no such word
        self._reader: AnswerReader | None = None
        self._answer: asyncio.Future[HttpAnswer] | None = None
        self._writable: asyncio.Future[None] | None = None

    @property
    def usable(self) -> bool:
        """Whether a request may be written, as far as is known."""
        return self._transport is not None and not self._transport.is_closing()

    async def post(self, head: bytes, pieces: Iterable[bytes]) -> HttpAnswer:
        """Write one request and read its answer."""
        self._reader = AnswerReader()
        answer: asyncio.Future[HttpAnswer] = self._loop.create_future()
        self._answer = answer
        timer = None
        try:
            for piece in (head, *pieces):
                if self._writable is not None:
                    await self._writable
                if answer.done():  # before the end of the request: there is no more to say
                    self.abort()
                    break
                self._transport.write(piece)
            timer = self._loop.call_later(self._read_seconds, self._lose, "time is over")
            got = await answer
        except BaseException:
            self.abort()
            answer.cancel()
            raise
        finally:
            if timer is not None:
                timer.cancel()
            self._answer = self._reader = None
        # What was not sent yet would stand before the next request, which a peer that has answered
        # early may never read.
        if got.last or self._transport.get_write_buffer_size():
            self.abort()
        return got

    def abort(self) -> None:
        """Close without a goodbye."""
        if self._transport is not None:
            self._transport.abort()

    def _lose(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(AnswerLost(why))
        self._resume()

    def _resume(self) -> None:
        if self._writable is not None:
            if not self._writable.done():
                self._writable.set_result(None)
            self._writable = None

    # --- asyncio's callbacks ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take a part of the answer."""
        if self._reader is None or self._answer is None or self._answer.done():
            self.abort()  # nobody asked
            return
        try:
            answer = self._reader.feed(data)
        except NotHttp as fault:
            self._lose(str(fault))
            return
        if answer is not None:
            self._answer.set_result(answer)
            self._resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end, which some answers are ended by."""
        if self._reader is not None and self._answer is not None and not self._answer.done():
            whole = self._reader.end() if exc is None else None
            if whole is not None:
                self._answer.set_result(whole)
        self._lose(f"the connection broke ({exc!r})")

    def pause_writing(self) -> None:
        """Wait before the next piece."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Go on."""
        self._resume()


class Connections:
    """The connections to one endpoint: the one used last is used next."""

    def __init__(self, place: Place, most_idle: int) -> None:
        self._place = place
        self._most_idle = most_idle
        self._idle: list[Connection] = []
        self._closed = False

    async def take(self) -> Connection:
        """Give a connection that nobody uses; the caller gives it back or closes it."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and now - connection.idle_since < KEEP_SECONDS:
                return connection
            connection.abort()
        return await self._connect()

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next request."""
        now = asyncio.get_running_loop().time()
        connection.idle_since = now
        if self._closed or len(self._idle) >= self._most_idle:
            connection.abort()
        elif connection.usable:
            self._idle.append(connection)
        # The oldest stands first: whoever is not needed any more goes.
        if self._idle and now - self._idle[0].idle_since >= KEEP_SECONDS:
            self._idle.pop(0).abort()

    async def post(
        self, connection: Connection, head: bytes, pieces: Iterable[bytes]
    ) -> HttpAnswer:
        """Make one request and keep the connection where it is good for another."""
        answer = await connection.post(head, pieces)
        self.give_back(connection)
        return answer

    def close(self) -> None:
        """Close what is idle; what is under way closes when it is given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().abort()

    async def _connect(self) -> Connection:
        """Connect to one address after the other, so that one that does not answer stops nobody."""
        place, loop = self._place, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(place.connect_seconds):
                found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
                share = max(LEAST_SECONDS, place.connect_seconds / len(found))
                *others, last = [str(address[0]) for *_, address in found]
                for other in others:
                    with contextlib.suppress(OSError):  # what the last one says is told
                        async with asyncio.timeout(share):
                            return await self._connect_to(other)
                return await self._connect_to(last)
        except OSError as exc:  # TimeoutError, ssl.SSLError and gaierror are OSErrors
            raise NotReached(f"{type(exc).__name__}: {exc}") from exc

    async def _connect_to(self, address: str) -> Connection:
        place = self._place
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(place.read_seconds),
            address,
            place.port,
            ssl=place.tls,
            server_hostname=place.host if place.tls else None,
        )
        return connection


def open_connections(url: str, settings: Mapping[str, object]) -> Connections | None:
    """Give a pool for what a client's own HTTP session was made for; None: more than we know.

    `settings` are the arguments that botocore gives an HTTP session.
    """
    parts = urlsplit(url)
    verify, timeout = settings.get("verify"), settings.get("timeout")
    most = settings.get("max_pool_connections")
    if settings.get("proxies") or settings.get("client_cert"):
        return None
    if verify is not True and not isinstance(verify, str):
        return None
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return None
    if not isinstance(timeout, tuple | list) or not isinstance(most, int):
        return None
    tls = None
    if parts.scheme == "https":
        authorities = verify if isinstance(verify, str) else get_cert_path(verify)
        tls = ssl.create_default_context(cafile=authorities)
    place = Place(
        host=parts.hostname,
        port=parts.port or (443 if tls else 80),
        tls=tls,
        connect_seconds=float(timeout[0]),
        read_seconds=float(timeout[1]),
    )
    return Connections(place, most)
