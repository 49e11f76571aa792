"""Reads one HTTP/1.1 answer from the octets of a connection, as they come.

Only what answers to POST need. Whatever is not plainly HTTP is refused: nobody may guess what SES
said about a message.

Standards: RFC 9112 §4 (status line), §5 (fields), §6.3 (length of the body), §7.1 (chunked),
RFC 9110 §15.2 (interim answers).
Errors: `NotHttp` for what cannot be read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

HEAD_LIMIT = 64 * 1024  # octets
BODY_LIMIT = 4 * 1024 * 1024  # octets; SES's own answers have a few hundred
_START = b"HTTP/1."
# Python's int() would take a sign as well, and with it go backwards for ever.
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")


class NotHttp(Exception):  # noqa: N818 - it names what came
    """What came is no answer in HTTP/1.1, or one without measure."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer; names of header fields in lower case, the last of several counts."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    last: bool  # the peer takes no more requests on this connection


class AnswerReader:
    """Collects one answer. Feed it until it gives one; then it is used up."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._head: tuple[int, dict[str, str]] | None = None
        self._length: int | None = None  # None: chunked, or until the connection ends
        self._chunked = False

    def feed(self, octets: bytes) -> HttpAnswer | None:
        """Take octets; None: the end is still to come."""
        self._octets += octets
        while self._head is None:
            end = self._octets.find(b"\r\n\r\n")
            start = bytes(self._octets[: len(_START)])
            if not _START.startswith(start):
                raise NotHttp("no HTTP status line")
            if end < 0:
                if len(self._octets) > HEAD_LIMIT:
                    raise NotHttp(f"a header of more than {HEAD_LIMIT} octets")
                return None
            status, headers = _head(bytes(self._octets[:end]))
            del self._octets[: end + 4]
            if status >= 200:  # else an interim answer; the real one follows
                self._begin(status, headers)
        if len(self._octets) > BODY_LIMIT:
            raise NotHttp(f"a body of more than {BODY_LIMIT} octets")
        if self._chunked:
            found = _unchunked(self._octets)
            return None if found is None else self._answer(*found)
        if self._length is None or len(self._octets) < self._length:
            return None
        return self._answer(bytes(self._octets[: self._length]), self._length)

    def end(self) -> HttpAnswer | None:
        """Take the end of the connection; None: the answer broke off."""
        if self._head is None or self._chunked or self._length is not None:
            return None
        return self._answer(bytes(self._octets), None)

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self._head = status, headers
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        if status in (204, 304):
            self._length = 0
        elif not self._chunked and "content-length" in headers:
            text = headers["content-length"]
            if not (text.isascii() and text.isdigit()):
                raise NotHttp("Content-Length is no number")
            self._length = int(text)

    def _answer(self, body: bytes, end: int | None) -> HttpAnswer:
        """Give the answer, which ends there; None: with the connection."""
        assert self._head is not None, "called when the head is read"
        status, headers = self._head
        # Octets behind the answer would be taken for the answer to the next request.
        last = end != len(self._octets) or headers.get("connection", "").lower() == "close"
        return HttpAnswer(status, headers, body, last)


def _head(block: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = block.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    code = rest[:3]
    if version not in ("HTTP/1.1", "HTTP/1.0") or not (code.isascii() and code.isdigit()):
        raise NotHttp("no HTTP status line")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise NotHttp("a header line without a colon")
        headers[name.lower()] = value.strip(" \t")
    if version == "HTTP/1.0":
        headers["connection"] = "close"
    return int(code), headers


def _unchunked(octets: bytearray) -> tuple[bytes, int] | None:
    """Join the chunks, and say where they end; None: the last one is still to come."""
    body = bytearray()
    position = 0
    while True:
        end = octets.find(b"\r\n", position)
        if end < 0:
            return None
        digits = bytes(octets[position:end]).partition(b";")[0].rstrip(b" \t")
        if not _CHUNK_SIZE.fullmatch(digits):
            raise NotHttp("a chunk without a size")
        size = int(digits, 16)
        if size == 0:
            # Trailers are of no interest, but they end with an empty line like a header.
            done = octets.find(b"\r\n\r\n", end)
            return None if done < 0 else (bytes(body), done + 4)
        start, position = end + 2, end + 2 + size + 2
        if len(octets) < position:
            return None
        if octets[position - 2 : position] != b"\r\n":
            raise NotHttp("a chunk of another size than it says")
        body += octets[start : position - 2]
