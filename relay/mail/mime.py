"""The MIME structure of a message, read in one pass: where each part begins and ends.

Nothing is copied or decoded. The pass looks at lines that begin with two hyphens and keeps a stack
of open multiparts, so its time is linear in the octets whatever the nesting.

Standards: RFC 2045 §5.2 (default type), RFC 2046 §5.1 (multipart), §5.2.1 (message/rfc822),
RFC 1847 (signed and encrypted multiparts), RFC 8551 §3.2 (application/pkcs7-mime).
SES facts: SES Developer Guide, quotas: 500 MIME parts per message; no limit of nesting is stated.
Errors: a `Refusal` for too many parts, too deep nesting or a part header out of bounds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from relay.mail.parameters import main_value, parameters
from relay.mail.pieces import pieces
from relay.mail.refusal import Refusal
from relay.model import replies
from relay.model.content import Content, Field

PART_LIMIT = 500  # parts of a message
DEPTH_LIMIT = 50  # multiparts and messages within each other
PART_HEADER_LIMIT = 64 * 1024  # octets
NAME_LIMIT = 1000  # octets of a field's name; no line of a header is longer (RFC 5322 §2.1.1)

_FIELD_START = re.compile(rb"\r\n(?![ \t])")
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_SEALING = frozenset(
    {
        b"multipart/signed",
        b"multipart/encrypted",
        b"application/pkcs7-mime",
        b"application/x-pkcs7-mime",
    }
)
_MESSAGES = frozenset({b"message/rfc822", b"message/global"})
_IDENTITY = frozenset({b"", b"7bit", b"8bit", b"binary"})


@dataclass(frozen=True, slots=True)
class Part:
    """One entity; positions are octets of the message's body.

    The message itself is the part without a header there: its `header` is empty and its fields are
    the message's. `sealed`: signed or encrypted, so that no octet of it may change.
    """

    fields: tuple[Field, ...]
    header: tuple[int, int]
    start: int
    end: int
    type: bytes  # media type in lower case, the default where none is stated
    sealed: bool
    leaf: bool

    @property
    def encoding(self) -> bytes:
        """The content transfer encoding in lower case; empty when none is stated."""
        return _encoding(self.fields)


@dataclass(frozen=True, slots=True)
class Structure:
    """All parts in their order, and the gaps: text before the first and after the last part."""

    parts: tuple[Part, ...]
    gaps: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class _Open:
    """A part whose end is not reached; `boundary` only in a multipart."""

    fields: tuple[Field, ...]
    header: tuple[int, int]
    start: int
    type: bytes
    sealed: bool
    boundary: bytes | None = None
    gap: int | None = None  # where the text before or after its parts began
    parts: int = 0


def structure(content: Content) -> Structure | Refusal:
    """Read where the parts are; a message that is no multipart has just one."""
    walk = _Walk(content.body)
    if refusal := walk.enter(content.fields, (0, 0), 0):
        return refusal
    if walk.nested:
        for start, end, line in _hyphen_lines(content.body):
            if refusal := walk.line(start, end, line):
                return refusal
    walk.close(0, len(content.body))
    # Parts were noted as they ended; a part's header ends where it starts, so order by that.
    walk.parts.sort(key=lambda part: (part.start, -part.end))
    return Structure(tuple(walk.parts), tuple(walk.gaps))


@dataclass(slots=True)
class _Walk:
    body: bytes | memoryview
    parts: list[Part] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    boundaries: dict[bytes, int] = field(default_factory=dict)  # → index in the stack
    count: int = 0

    @property
    def nested(self) -> bool:
        """Whether any boundary is to be looked for."""
        return bool(self.boundaries)

    def enter(
        self, fields: tuple[Field, ...], header: tuple[int, int], start: int
    ) -> Refusal | None:
        """Open a part, and those that begin with it: the message in a message/rfc822."""
        while True:
            self.count += 1
            if self.count > PART_LIMIT:
                return Refusal.of(
                    replies.MALFORMED, f"The message has more than {PART_LIMIT} MIME parts"
                )
            if len(self.stack) >= DEPTH_LIMIT:
                return Refusal.of(
                    replies.MALFORMED, f"MIME parts are nested deeper than {DEPTH_LIMIT}"
                )
            around = self.stack[-1] if self.stack else None
            digest = around is not None and around.type == b"multipart/digest"
            kind = _type(fields, b"message/rfc822" if digest else b"text/plain")
            sealed = kind in _SEALING or (around is not None and around.sealed)
            part = _Open(fields, header, start, kind, sealed)
            self.stack.append(part)
            if kind.startswith(b"multipart/"):
                boundary = _boundary(fields)
                if boundary:
                    part.boundary, part.gap = boundary, start
                    self.boundaries[boundary] = len(self.stack) - 1
                return None
            if kind not in _MESSAGES or _encoding(fields) not in _IDENTITY:
                return None
            inner = _part_header(self.body, start)
            if isinstance(inner, Refusal):
                return inner
            fields, header, start = inner[0], (start, inner[1]), inner[1]

    def line(self, start: int, end: int, line: bytes) -> Refusal | None:
        """Look at a line that begins with two hyphens; `end` is where the next line begins."""
        if start < self.stack[-1].start:  # within a part's header
            return None
        name = line[2:].rstrip(b" \t")
        last = False
        if name not in self.boundaries and name.endswith(b"--"):
            name, last = name[:-2], True
        index = self.boundaries.get(name)
        if index is None:
            return None
        multipart = self.stack[index]
        self.close(index + 1, max(start - 2, self.stack[-1].start))
        if last and not multipart.parts:  # its end before any beginning: all of it is one part
            self._forget(name)
            multipart.gap = None
            return None
        if multipart.gap is not None:
            self.gaps.append((multipart.gap, max(start - 2, multipart.gap)))
            multipart.gap = None
        if last:
            self._forget(name)
            multipart.gap = end
            return None
        multipart.parts += 1
        inner = _part_header(self.body, end)
        if isinstance(inner, Refusal):
            return inner
        return self.enter(inner[0], (end, inner[1]), inner[1])

    def close(self, down_to: int, end: int) -> None:
        """Close parts from the innermost one to that index of the stack."""
        while len(self.stack) > down_to:
            part = self.stack.pop()
            if part.boundary is not None:
                if self.boundaries.get(part.boundary) == len(self.stack):
                    self._forget(part.boundary)
                if part.gap is not None and part.parts:
                    self.gaps.append((part.gap, max(end, part.gap)))
            message = part.type in _MESSAGES and _encoding(part.fields) in _IDENTITY
            self.parts.append(
                Part(
                    fields=part.fields,
                    header=part.header,
                    start=part.start,
                    end=max(end, part.start),
                    type=part.type,
                    sealed=part.sealed,
                    leaf=not message and not part.parts,
                )
            )

    def _forget(self, boundary: bytes) -> None:
        """Look no longer for a boundary, or again for that of an outer multipart of that name."""
        closed = self.boundaries.pop(boundary)
        for index in range(closed):
            if self.stack[index].boundary == boundary:
                self.boundaries[boundary] = index


def _type(fields: tuple[Field, ...], default: bytes) -> bytes:
    value = next((field.value for field in fields if field.name == b"content-type"), b"")
    return main_value(value) or default


def _encoding(fields: tuple[Field, ...]) -> bytes:
    return next(
        (main_value(field.value) for field in fields if field.name == b"content-transfer-encoding"),
        b"",
    )


def _boundary(fields: tuple[Field, ...]) -> bytes:
    value = next((field.value for field in fields if field.name == b"content-type"), b"")
    return parameters(value).get("boundary", "").rstrip().encode("utf-8", "replace")


def _part_header(body: bytes | memoryview, start: int) -> tuple[tuple[Field, ...], int] | Refusal:
    """Read a part's fields, and where its body begins: behind the empty line, or at a non-field."""
    for size in (4096, PART_HEADER_LIMIT):  # hardly any header needs the second look
        window = bytes(body[start : start + size])
        found = _fields_at_start(window, whole=len(window) < size)
        if found is not None:
            return found[0], start + found[1]
    return Refusal.of(
        replies.MALFORMED, f"The header of a MIME part is longer than {PART_HEADER_LIMIT} octets"
    )


def _fields_at_start(window: bytes, *, whole: bool) -> tuple[tuple[Field, ...], int] | None:
    """Read fields up to their end; None where the window, not being the whole, ends before."""
    fields: list[Field] = []
    position = 0
    while not window.startswith(b"\r\n", position):
        line_end = _FIELD_START.search(window, position)
        cut = not whole and (line_end is None or line_end.end() == len(window))
        if not _FIELD.match(window, position):
            # A name this long is none, even if the window cuts it.
            return (
                None if cut and len(window) - position < NAME_LIMIT else (tuple(fields), position)
            )
        if cut:
            return None
        if line_end is None:  # the body ends in a part's header
            raw = window[position:].removesuffix(b"\r\n")
            return (*fields, Field(raw + b"\r\n")), len(window)
        fields.append(Field(window[position : line_end.end()]))
        position = line_end.end()
    return tuple(fields), position + 2


def _hyphen_lines(body: bytes | memoryview) -> Iterator[tuple[int, int, bytes]]:
    """Give each line that begins with two hyphens: its start, the next line's, its octets."""
    offset = 0
    for piece in pieces(body):
        start = 0 if piece.startswith(b"--") else piece.find(b"\r\n--") + 2
        while start != 1:  # find gave -1
            end = piece.find(b"\r\n", start)
            end = len(piece) if end < 0 else end
            yield offset + start, min(offset + end + 2, offset + len(piece)), piece[start:end]
            start = piece.find(b"\r\n--", end) + 2
        offset += len(piece)
