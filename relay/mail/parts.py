"""Encodes anew the parts of a message that SES or the way behind it would not take as they are.

Only parts that need it: those with lines beyond 998 octets, and on request those with 8-bit
content. Text becomes quoted-printable, anything else base64; a decoder gets the same octets. All
other octets of the body stay, and a body that needs nothing is not even copied.

Standards: RFC 2045 §5.2, §6 (encodings), RFC 2046 §5.1.1 (text around parts means nothing), §5.2.1
(composite types are never encoded), RFC 5322 §2.1.1 (998 octets), RFC 1847 §2.1 (signed parts).
SES facts: SES API reference, RawMessage: lines of at most 1,000 octets; 7-bit content is safest.
Errors: a `Refusal` where a signed or encrypted part, or one in an unknown encoding, would have to
change, and for what SES refuses: too many parts, an attachment type.
"""

from dataclasses import dataclass, field

from relay.mail.attachments import refused_attachment
from relay.mail.changes import Change, Changed
from relay.mail.long_lines import fold, has_long_line
from relay.mail.mime import Part, Structure, structure
from relay.mail.pieces import pieces
from relay.mail.refusal import Refusal, shown
from relay.mail.transfer import base64, quoted_printable, unquoted, wrapped
from relay.mail.words import is_utf8
from relay.model import replies
from relay.model.content import Content, Field

_IDENTITY = frozenset({b"", b"7bit", b"8bit", b"binary"})


@dataclass(slots=True)
class _Edits:
    """Replacements of spans of the body, in their order, and of the message's own fields."""

    fields: tuple[Field, ...]
    spans: list[tuple[int, int, bytes]] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)


def encode_parts(
    content: Content, *, seven_bit: bool
) -> tuple[Content, tuple[Changed, ...]] | Refusal:
    """Look into the message's parts, and encode those that need it."""
    found = structure(content)
    if isinstance(found, Refusal):
        return found
    for part in found.parts:
        if refusal := refused_attachment(part.fields):
            return refusal
    too_long = has_long_line(content.body)
    if not too_long and not (seven_bit and _is_eight_bit(content.body)):
        return content, ()
    edits = _Edits(content.fields)
    refusal = _edit(content, found, edits, seven_bit=seven_bit)
    if refusal is not None:
        return refusal
    body = _edited(content.body, edits.spans)
    return Content(edits.fields, body), tuple(edits.changed)


def _edit(content: Content, found: Structure, edits: _Edits, *, seven_bit: bool) -> Refusal | None:
    for start, end in found.gaps:
        if has_long_line(content.body[start:end]):
            edits.spans.append((start, end, b""))
            edits.changed.append(Changed(Change.LONG_LINES, "text around the parts"))
    for number, part in enumerate(found.parts, start=1):
        octets = content.body[part.start : part.end] if part.leaf else b""
        change = None
        if has_long_line(octets):
            change = Change.LONG_LINES
        elif seven_bit and not part.sealed and _is_eight_bit(octets):
            change = Change.EIGHT_BIT_BODY
        if change is None and not has_long_line(content.body[slice(*part.header)]):
            continue
        if part.sealed:
            return Refusal.of(
                replies.CONVERSION,
                f"Part {number} is signed or encrypted and has lines of more than 998 octets",
            )
        if refusal := _edit_part(part, octets, change, edits):
            return refusal
    return None


def _edit_part(
    part: Part, octets: bytes | memoryview, change: Change | None, edits: _Edits
) -> Refusal | None:
    """Fold a part's header, and where `change` is named encode what the part holds."""
    folded = fold(part.fields)
    if isinstance(folded, Refusal):
        return folded
    fields = folded[0]
    edits.changed += folded[1]
    if change is not None:
        encoded = _encoded(part, octets)
        if isinstance(encoded, Refusal):
            return encoded
        fields = _labelled(fields, encoded[0], octets)
        edits.spans.append((part.start, part.end, encoded[1]))
        edits.changed.append(Changed(change, part.type.decode("ascii", "replace")))
    if part.header == (0, 0):
        edits.fields = fields
    else:
        # Behind the fields comes the empty line, or was missing and comes now.
        raw = b"".join([field.raw for field in fields]) + b"\r\n"
        edits.spans.append((*part.header, raw))
    return None


def _encoded(part: Part, octets: bytes | memoryview) -> tuple[bytes, bytes] | Refusal:
    """Encode a part; gives the encoding's name and the octets."""
    if part.encoding == b"base64":
        return b"base64", wrapped(octets)
    if part.encoding == b"quoted-printable":
        # Base64, because what was quoted may be anything, bare line ends among it.
        return b"base64", base64(unquoted(octets))
    if part.encoding not in _IDENTITY or part.type.startswith((b"multipart/", b"message/")):
        return Refusal.of(
            replies.CONVERSION,
            f"A part of type '{shown(part.type)}' in encoding '{shown(part.encoding)}' has lines "
            "of more than 998 octets",
        )
    text = quoted_printable(octets) if part.type.startswith(b"text/") else None
    return (b"base64", base64(octets)) if text is None else (b"quoted-printable", text)


def _labelled(
    fields: tuple[Field, ...], encoding: bytes, octets: bytes | memoryview
) -> tuple[Field, ...]:
    """State the encoding, and a charset where 8-bit text had no type at all."""
    label = Field(b"Content-Transfer-Encoding: " + encoding + b"\r\n")
    names = [field.name for field in fields]
    place = names.index(label.name) if label.name in names else len(fields)
    others = [
        [field for field in half if field.name != label.name]
        for half in (fields[:place], fields[place:])
    ]
    fields = (*others[0], label, *others[1])
    if b"content-type" not in names and _is_eight_bit(octets):
        charset = "utf-8" if is_utf8(octets) else "iso-8859-1"
        fields = (*fields, Field.of("Content-Type", f"text/plain; charset={charset}"))
    return fields


def _is_eight_bit(octets: bytes | memoryview) -> bool:
    return not all(piece.isascii() for piece in pieces(octets))


def _edited(body: bytes | memoryview, spans: list[tuple[int, int, bytes]]) -> bytes:
    out: list[bytes | memoryview] = []
    position = 0
    for start, end, octets in sorted(spans, key=lambda span: span[:2]):
        out += (body[position:start], octets)
        position = end
    out.append(body[position:])
    # Base64 has no line end of its own. A body that ended with one goes on doing so: some DKIM
    # verifiers do not add what RFC 6376 §3.4.3 says is to be added.
    last = next((piece for piece in reversed(out) if len(piece)), b"")
    if body[-2:] == b"\r\n" and last[-2:] != b"\r\n":
        out.append(b"\r\n")
    return b"".join(out)
