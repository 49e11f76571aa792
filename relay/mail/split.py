"""Reads received octets into header fields and a body, without changing what can be read.

A line that is neither a field nor the continuation of one ends the header, as every mail program
reads it: it and what follows are the body. Two messages are refused instead of guessed at: one
whose hidden fields (Bcc, X-SES-* and the like) would come to light in the body that way, and one
with a field that has no name, which SES refuses (`Empty header names are illegal`).

Standards: RFC 5322 §2.1, §2.2 (field names are printable ASCII but the colon), §2.2.3, §4.5.
Errors: `split` returns a `Refusal`, it never raises. Time is linear in the octets.
"""

import re
from dataclasses import dataclass

from relay.mail.changes import Change, Changed
from relay.mail.headers import is_hidden
from relay.mail.refusal import Refusal, shown
from relay.model import replies
from relay.model.content import Content, Field

HEADER_LIMIT = 256 * 1024  # octets; far beyond any honest header, far below what hurts
FIELD_LIMIT = 1000  # header fields
COPY_BELOW = 64 * 1024  # octets of body that are cheaper to copy than to hold by a view

_FIELD_START = re.compile(rb"\r\n(?![ \t])")
# RFC 5322 §2.2 name, with the blanks that §4.5 allows before the colon.
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_NAMELESS = re.compile(rb"[ \t]*:")
_MBOX = re.compile(rb">?From ")


@dataclass(frozen=True, slots=True)
class Reading:
    """A message as read, and what had to be mended to read it."""

    content: Content
    changed: tuple[Changed, ...] = ()


def split(octets: bytes | bytearray) -> Reading | Refusal:
    """Split a message of CR LF lines; `relay.mail.line_endings` sees to those."""
    if octets.startswith(b"\r\n"):
        return Reading(Content((), _body(octets, 2)))
    end = octets.find(b"\r\n\r\n", 0, HEADER_LIMIT + 4)
    if end >= 0:
        raws, start = _FIELD_START.split(bytes(octets[:end])), end + 4
    elif len(octets) > HEADER_LIMIT:
        return _split_at_broken_line(octets)
    else:  # the message ends in its header
        block = bytes(octets).removesuffix(b"\r\n")
        raws, start = _FIELD_START.split(block) if block else [], len(octets)
    reading = _fields(raws, octets, start)
    if isinstance(reading, Refusal) or end >= 0:
        return reading
    if any(made.change is Change.HEADER_END for made in reading.changed):
        return reading
    return Reading(reading.content, (*reading.changed, Changed(Change.HEADER_END)))


def _fields(raws: list[bytes], octets: bytes | bytearray, start: int) -> Reading | Refusal:
    """Check the raw fields; `start` is where the body begins if they are all well-formed."""
    changed: tuple[Changed, ...] = ()
    position = 0
    fields: list[Field] = []
    for number, raw in enumerate(raws):
        if _FIELD.match(raw):
            fields.append(Field(raw + b"\r\n"))
            if len(fields) > FIELD_LIMIT:
                return Refusal.of(
                    replies.MALFORMED, f"The header has more than {FIELD_LIMIT} fields"
                )
        elif _NAMELESS.match(raw):
            return Refusal.of(replies.MALFORMED, f"Header field without a name: '{shown(raw)}'")
        elif number == 0 and _MBOX.match(raw):
            changed = (Changed(Change.MBOX_LINE),)
        else:
            hidden = next((field for field in raws[number + 1 :] if is_hidden(field)), None)
            if hidden is not None:
                line = 1 + sum(before.count(b"\r\n") + 1 for before in raws[:number])
                return Refusal.of(
                    replies.MALFORMED,
                    f"Header line {line} is not a field, and '{shown(hidden.partition(b':')[0])}' "
                    "follows it",
                )
            changed += (Changed(Change.HEADER_END),)
            return Reading(Content(tuple(fields), _body(octets, position)), changed)
        position += len(raw) + 2
    return Reading(Content(tuple(fields), _body(octets, start)), changed)


def _split_at_broken_line(octets: bytes | bytearray) -> Reading | Refusal:
    """Read a message that has no empty line near its start.

    Either its header is too long, or it has a line that is no field within the limit.
    """
    raws = _FIELD_START.split(bytes(octets[:HEADER_LIMIT]))
    if all(_FIELD.match(raw) or (not n and _MBOX.match(raw)) for n, raw in enumerate(raws[:-1])):
        return Refusal.of(
            replies.HEADER_TOO_BIG, f"The header is longer than {HEADER_LIMIT} octets"
        )
    return _fields(raws, octets, len(octets))


def _body(octets: bytes | bytearray, start: int) -> bytes | memoryview:
    if len(octets) - start < COPY_BELOW:
        return bytes(octets[start:])
    return memoryview(octets)[start:]
