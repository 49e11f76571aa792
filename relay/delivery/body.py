"""A message's octets in SES's wire form, made in pieces.

SES facts: v1 wants base64 with percent-encoding in a form, v2 base64 in JSON (SES API references).
Standards: RFC 4648 §4 (base64), WHATWG URL, application/x-www-form-urlencoded.

Why in pieces: base64 and replace hold the interpreter for as long as they run, in a thread as
well; 40 MB at once stop the event loop for a tenth of a second and more. Why here: botocore quotes
the whole text character by character, and twice.

Errors: none.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pybase64

from relay.model.content import Content

# Octets encoded between two breaths of the event loop; base64 works on threes.
STEP = 192 * 1024
# Up to here one piece is as good as many; aiohttp objects to more in one.
ONE_PIECE = 512 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body, with what its signature and its header need to know."""

    pieces: tuple[bytes, ...]
    size: int  # octets
    sha256: str  # lower-case hexadecimal

    @property
    def payload(self) -> bytes | AsyncIterator[bytes]:
        """What aiohttp sends: octets, or the pieces of a large body one by one. Good for once."""
        return b"".join(self.pieces) if self.size <= ONE_PIECE else self._streamed()

    @property
    def gathered(self) -> tuple[bytes, ...]:
        """The pieces; a small body in one."""
        return (b"".join(self.pieces),) if self.size <= ONE_PIECE else self.pieces

    async def _streamed(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece


async def form_body(before: bytes, content: Content) -> Body:
    """Write the form of a v1 request: the fields before the message, and the message."""
    return await _assembled(before, content, b"", percent=True)


async def json_body(before: bytes, content: Content, after: bytes) -> Body:
    """Write the JSON of a v2 request: what stands before and after the message's octets."""
    return await _assembled(before, content, after, percent=False)


async def _assembled(before: bytes, content: Content, after: bytes, *, percent: bool) -> Body:
    digest = hashlib.sha256(before)
    pieces = [before]
    for number, part in enumerate(_parts(content)):
        if number:
            await asyncio.sleep(0)
        piece = pybase64.b64encode(part)
        if percent:
            piece = piece.replace(b"+", b"%2B").replace(b"/", b"%2F").replace(b"=", b"%3D")
        digest.update(piece)
        pieces.append(piece)
    digest.update(after)
    pieces.append(after)
    return Body(tuple(pieces), sum(map(len, pieces)), digest.hexdigest())


def _parts(content: Content) -> Iterator[bytes | memoryview]:
    """Cut header, empty line and body into parts whose base64 can be joined, copying little."""
    head = content.header + b"\r\n"
    if len(head) + len(content.body) <= STEP:
        yield b"".join((head, content.body))
        return
    body = memoryview(content.body)
    # The header is filled up from the body to a whole number of threes.
    fill = min(len(body), STEP - len(head) % STEP)
    first = memoryview(head + body[:fill])
    for part in (first, body[fill:]):
        for start in range(0, len(part), STEP):
            yield part[start : start + STEP]
