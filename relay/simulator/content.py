"""A raw message as octets and header fields, and the faults SES finds in it.

Bodies are never parsed here and nothing is copied but the header; a message of 40 MB is
checked by a handful of searches. What stands inside MIME parts is the matter of `parts`.

SES facts: SES API reference, RawMessage (header, one blank line, body; lines of 1,000
characters); SES Developer Guide, header-fields (fields allowed once).

Standards: RFC 5322 §2.1 and §2.2 (lines, fields, folding), §3.6 (required fields).

Errors: none; what SES would refuse is returned as a `Refusal`.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from . import limits, refusal
from .refusal import Refusal

_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_FOLD = re.compile(rb"\r\n(?=[ \t])")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field, folded as it came and without its last CRLF."""

    name: str
    raw: bytes

    @property
    def value(self) -> str:
        """The unfolded value."""
        return _FOLD.sub(b"", self.raw.partition(b":")[2]).decode("utf-8", "replace").strip()


@dataclass(frozen=True, slots=True)
class Content:
    """A message: its fields in order, and where its body starts in `raw`."""

    raw: bytes = field(repr=False)
    fields: tuple[Field, ...]
    body_at: int

    @property
    def body(self) -> memoryview:
        """The body, without a copy."""
        return memoryview(self.raw)[self.body_at :]

    def values(self, name: str) -> list[str]:
        """The values of all fields of this name (lower case), in order."""
        return [one.value for one in self.fields if one.name == name]

    def value(self, name: str) -> str | None:
        """The value of the first field of this name: where a field repeats, the first wins."""
        return next((one.value for one in self.fields if one.name == name), None)


def read(raw: bytes) -> Content | Refusal:
    """Split a message into header and body, refusing what SES could not read."""
    if (fault := _octet_fault(raw)) is not None:
        return refusal.invalid(fault)
    if raw.startswith(b"\r\n"):
        return Content(raw, (), 2)
    end = raw.find(b"\r\n\r\n")
    if end < 0:
        # SES API reference, RawMessage asks for the blank line; the text is UNCERTAIN.
        return refusal.invalid("Missing blank line between header and body.")
    fields = fields_of(raw[:end])
    # UNCERTAIN how SES words a line that is no field at all; it has no name either.
    if any(not one.name for one in fields):
        return refusal.invalid("Empty header names are illegal.")
    return Content(raw, fields, end + 4)


def fields_of(header: bytes) -> tuple[Field, ...]:
    """The fields of a header block; a line that is no field has an empty name."""
    return tuple(_field(raw) for raw in _FIELD_END.split(header) if raw)


def header_fault(content: Content) -> Refusal | None:
    """Why SES would refuse the header as such: repeated or missing fields."""
    counts = Counter(one.name for one in content.fields)
    for seen in content.fields:
        if counts[seen.name] > 1 and seen.name in limits.ONCE_ONLY_HEADERS:
            written = seen.raw.partition(b":")[0].decode("ascii", "replace").strip()
            return refusal.invalid(f"Duplicate header '{written}'")
    if not content.value("from"):
        return refusal.invalid("Missing required header 'From'.")
    # Without To a message passes if its recipients are explicit, with an empty one never.
    if any(not value for value in content.values("to")):
        return refusal.invalid("Missing required header 'To'.")
    return None


def _field(raw: bytes) -> Field:
    name, colon, _ = raw.partition(b":")
    return Field(name.decode("ascii", "replace").strip().lower() if colon else "", raw)


def _octet_fault(raw: bytes) -> str | None:
    """Faults of octets and lines.

    UNCERTAIN: AWS says nothing of NUL, bare CR or bare LF. The strict reading of RFC 5321
    §2.3.8 is taken, since another parser's lenience is how hidden headers get through.
    """
    if b"\0" in raw:
        return "Message contains a NUL octet."
    ends = raw.count(b"\r\n")
    if raw.count(b"\n") != ends or raw.count(b"\r") != ends:
        return "Message contains a bare CR or LF."
    start = 0
    # Jump from the last line end within reach to the next: one step per 1,000 octets.
    while len(raw) - start > limits.LINE_OCTETS:
        end = raw.rfind(b"\r\n", start, start + limits.LINE_OCTETS + 2)
        if end < 0:
            return "Line is longer than 1000 octets including CRLF."  # wording UNCERTAIN
        start = end + 2
    return None
