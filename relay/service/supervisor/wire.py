"""The line between the supervisor and one worker: words on a socket pair, sockets on another.

A word is its length in four octets and a pickle. Both ends are this program, and the pair has no
name that a third could connect to.

Errors: none; an end that is gone is the end of words.
"""

import asyncio
import pickle
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

_LENGTH = struct.Struct("!I")


class Wire:
    """One end."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hatch: socket.socket
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._hatch = hatch

    @classmethod
    async def on(cls, words: socket.socket, hatch: socket.socket) -> Self:
        """Speak over a pair of sockets that is this end's from now on."""
        reader, writer = await asyncio.open_connection(sock=words)
        return cls(reader, writer, hatch)

    def say(self, word: object) -> None:
        """Say a word; one that the other end cannot hear any more is lost with it."""
        if self._writer.is_closing():  # uvloop raises where asyncio's own loop does nothing
            return
        octets = pickle.dumps(word, pickle.HIGHEST_PROTOCOL)
        self._writer.write(_LENGTH.pack(len(octets)) + octets)

    async def said(self) -> None:
        """Wait while the other end is slow to listen."""
        try:
            await self._writer.drain()
        except ConnectionError:
            return  # `hear` tells it to who must know

    async def hear(self) -> object | None:
        """Wait for a word; None: the other end is gone."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            octets = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        word: object = pickle.loads(octets)  # noqa: S301 - from our own process, see above
        return word

    def hand_over(self, sockets: Iterable[socket.socket]) -> None:
        """Hand sockets over, before the word that tells of them; lost with it if nobody hears."""
        with suppress(ConnectionError):
            for one in sockets:
                socket.send_fds(self._hatch, [b"."], [one.fileno()])

    def take(self, count: int) -> tuple[socket.socket, ...]:
        """Take sockets that a word has told of."""
        taken = []
        for _ in range(count):
            _, descriptors, *_ = socket.recv_fds(self._hatch, 1, 1)
            taken += [_listening(descriptor) for descriptor in descriptors]
        return tuple(taken)

    async def close(self) -> None:
        """Hang up."""
        self._hatch.close()
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


def _listening(descriptor: int) -> socket.socket:
    """Make a socket of a descriptor; TCP's must name its protocol (see `relay.smtp.sockets`)."""
    found = socket.socket(fileno=descriptor)
    if found.family == socket.AF_UNIX or found.proto == socket.IPPROTO_TCP:
        return found
    return socket.socket(found.family, found.type, socket.IPPROTO_TCP, fileno=found.detach())
