"""Lines of more than 998 octets: found fast, and in header fields folded.

Standards: RFC 5322 §2.1.1 (998 octets and CRLF), §2.2.3 (folding), RFC 5321 §4.5.3.1.6.
SES facts: SES API reference, RawMessage: lines of at most 1,000 octets, CRLF included.
Errors: `fold` returns a `Refusal` for a field with no blank to fold at.
"""

import re

from relay.mail.changes import Change, Changed
from relay.mail.pieces import pieces
from relay.mail.refusal import Refusal, shown
from relay.model import replies
from relay.model.content import Field

LINE_LIMIT = 998  # octets without CRLF
FOLD_AT = 78  # RFC 5322 §2.1.1: what lines should keep to

# Where a line may be folded: before the last blank of a run, so that no line is all blanks.
_FOLD_POINT = re.compile(rb"[ \t](?=[^ \t\r\n])")


def has_long_line(body: bytes | memoryview) -> bool:
    """Tell whether any line is too long. Looks at one line end in a thousand octets."""
    return any(_long_in(piece) for piece in pieces(body))


def _long_in(piece: bytes) -> bool:
    start, size = 0, len(piece)
    while size - start > LINE_LIMIT:
        # The last line end within reach: all lines up to it are short enough.
        end = piece.rfind(b"\r\n", start, start + LINE_LIMIT + 2)
        if end < 0:
            return True
        start = end + 2
    return False


def fold(fields: tuple[Field, ...]) -> tuple[tuple[Field, ...], tuple[Changed, ...]] | Refusal:
    """Fold the fields that have a line too long; the others stay as they are."""
    if all(len(field.raw) <= LINE_LIMIT for field in fields):
        return fields, ()
    folded: list[Field] = []
    changed: list[Changed] = []
    for field in fields:
        if not _long_in(field.raw):
            folded.append(field)
            continue
        name = shown(field.raw.partition(b":")[0])
        lines = [_fold_line(line) for line in field.raw[:-2].split(b"\r\n")]
        raw = b"\r\n".join(lines) + b"\r\n"
        if _long_in(raw):
            return Refusal.of(
                replies.MALFORMED, f"Header '{name}' has a line of more than {LINE_LIMIT} octets"
            )
        folded.append(Field(raw))
        changed.append(Changed(Change.LONG_HEADER, name))
    return tuple(folded), tuple(changed)


def _fold_line(line: bytes) -> bytes:
    """Fold one line of a field at its blanks, each piece as near to 78 octets as they allow."""
    if len(line) <= LINE_LIMIT:
        return line
    out: list[bytes] = []
    start = last = 0
    # No fold between the name and its value: the first line would say nothing.
    colon = line.find(b":") + 1
    for match in _FOLD_POINT.finditer(line, 1):
        point = match.start()
        if point - start > FOLD_AT and last > start:
            out.append(line[start:last])
            start = last
        if line[colon:point].strip(b" \t") if point < colon + FOLD_AT else True:
            last = point
    if len(line) - start > FOLD_AT and last > start:
        out.append(line[start:last])
        start = last
    out.append(line[start:])
    return b"\r\n".join(out)
