"""What a peer has sent and the session has not yet read.

`asyncio.StreamReader` does the same with a scan and a copy per line and no way to see if more is
waiting, which is how early talkers and pipelining out of turn show.

Errors: none; the end of the stream is a value.
"""

import asyncio
from enum import Enum

# Above this the peer is held back by TCP until the session has read on.
HIGH_WATER = 256 * 1024


class Ended(Enum):
    """Nothing more will come."""

    ENDED = "the peer has gone, or will not say more"


class TooLong(Enum):
    """A line was longer than allowed; it was read to its end and dropped."""

    TOO_LONG = "the line is too long"


ENDED = Ended.ENDED
TOO_LONG = TooLong.TOO_LONG


class Inbound:
    """The octets in between. One reader at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._octets = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._dropping = False  # inside a line that is too long

    def __len__(self) -> int:
        return len(self._octets)

    @property
    def ended(self) -> bool:
        """Whether the peer will not say more; what it said before can still be read."""
        return self._ended

    @property
    def full(self) -> bool:
        """Whether the peer should be held back."""
        return len(self._octets) > HIGH_WATER

    def add(self, octets: bytes) -> None:
        """Add what arrived; whoever waits is not woken yet."""
        self._octets += octets

    def end(self) -> None:
        """Note that nothing more will come."""
        self._ended = True
        self.wake()

    def clear(self) -> None:
        """Forget what was not read."""
        self._octets.clear()

    def take_line(self, limit: int) -> bytes | TooLong | None:
        """Take one line with its LF; None: it has not arrived in full."""
        while (end := self._octets.find(b"\n", 0, limit)) < 0:
            if len(self._octets) < limit:
                return None
            self._dropping = True
            del self._octets[:limit]
        line = bytes(self._octets[: end + 1])
        del self._octets[: end + 1]
        if self._dropping:
            self._dropping = False
            return TOO_LONG
        return line

    def take(self) -> bytearray:
        """Take everything that is there."""
        taken, self._octets = self._octets, bytearray()
        return taken

    def put_back(self, octets: bytes) -> None:
        """Put in front what was read too far."""
        if octets:
            self._octets[:0] = octets

    def arrival(self) -> asyncio.Future[None]:
        """Give what is done when more arrives or nothing more will."""
        self._waiter = self._loop.create_future()
        return self._waiter

    async def more(self) -> Ended | None:
        """Wait until more arrives or nothing more will."""
        if self._ended:
            return ENDED
        await self.arrival()
        return None

    # What aiosmtpd's reader of PROXY headers asks for (its `AsyncReader`).

    async def read(self, n: int = -1) -> bytes:
        """Read up to `n` octets; empty at the end."""
        while not self._octets:
            if await self.more() is ENDED:
                return b""
        end = len(self._octets) if n < 0 else n
        taken = bytes(self._octets[:end])
        del self._octets[:end]
        return taken

    async def readexactly(self, n: int) -> bytes:
        """Read `n` octets; raise EOFError when the stream ends before."""
        while len(self._octets) < n:
            if await self.more() is ENDED:
                raise EOFError
        return await self.read(n)

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        """Read to a separator that is found within 256 octets; else raise EOFError."""
        while (end := self._octets.find(separator)) < 0:
            if len(self._octets) > 256 or await self.more() is ENDED:
                raise EOFError
        return await self.read(end + len(separator))

    def wake(self) -> None:
        """Let whoever waits look at what is there."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
