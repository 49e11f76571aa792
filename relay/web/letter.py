"""A message taken apart for reading: subject, fields, text, HTML, attachments.

For eyes only: nothing that is sent is ever taken from here. Mail is written by anybody, so whatever
the standard library cannot decode is shown as it stands.

Standards: RFC 5322, RFC 2045-2047 (MIME).
Errors: none; a message too odd to take apart has its fields and no parts.
"""

from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from itertools import islice

# A page has room for so much; what is longer is shown from its beginning.
MOST_OCTETS = 512 * 1024
_MOST_HEADER = 16 * 1024
_MOST_FIELDS = 500
_MOST_PARTS = 100
_ODD = (MessageError, Base64Error, ValueError, LookupError, AttributeError, TypeError)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is neither the text nor the HTML of the message."""

    name: str
    kind: str
    size: int  # octets, decoded


@dataclass(frozen=True, slots=True)
class Letter:
    """What a reader sees."""

    fields: tuple[tuple[str, str], ...]
    text: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    cut: bool = False  # there is more than is shown

    def field(self, name: str) -> str:
        """Give the first field of that name, decoded; empty when there is none."""
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), "")


def read_fields(raw: bytes | memoryview) -> Letter:
    """Read the header alone, for a list."""
    return Letter(_fields(BytesHeaderParser(policy=compat32).parsebytes(bytes(raw[:_MOST_HEADER]))))


def read(raw: bytes | memoryview) -> Letter:
    """Take a message apart. Takes up to a second for the oddest ones: belongs in a thread."""
    try:
        message = BytesParser(policy=compat32).parsebytes(bytes(raw[:MOST_OCTETS]))
        return _letter(message, cut=len(raw) > MOST_OCTETS)
    except RecursionError:  # hundreds of parts within parts
        return read_fields(raw)


def _letter(message: Message, *, cut: bool) -> Letter:
    text: str | None = None
    html: str | None = None
    attachments: list[Attachment] = []
    leaves = _leaves(message)
    for part in islice(leaves, _MOST_PARTS):
        kind, name = part.get_content_type(), _file_name(part)
        attached = bool(name) or part.get_content_disposition() == "attachment"
        if kind == "text/plain" and text is None and not attached:
            text = _text(part)
        elif kind == "text/html" and html is None and not attached:
            html = _text(part)
        else:
            attachments.append(Attachment(name or "unnamed", kind, len(_octets(part))))
    cut = cut or next(leaves, None) is not None or len(message) > _MOST_FIELDS
    return Letter(_fields(message), text, html, tuple(attachments), cut)


def _leaves(message: Message) -> Iterator[Message]:
    if message.get_content_type() == "message/rfc822":
        yield message
    elif message.is_multipart():
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _leaves(part)
    else:
        yield message


def _fields(message: Message) -> tuple[tuple[str, str], ...]:
    return tuple((name, _decoded(value)) for name, value in islice(message.items(), _MOST_FIELDS))


def _decoded(value: object) -> str:
    try:
        text = str(make_header(decode_header(str(value))))
    except _ODD:
        text = str(value)
    return " ".join(text.split())


def _file_name(part: Message) -> str:
    try:
        return _decoded(part.get_filename() or "")
    except _ODD:
        return "unnamed"


def _octets(part: Message) -> bytes:
    if part.is_multipart():  # message/rfc822
        return part.as_bytes()
    octets = part.get_payload(decode=True)
    return octets if isinstance(octets, bytes) else b""


def _text(part: Message) -> str:
    octets = _octets(part)
    try:
        return octets.decode(part.get_content_charset("utf-8"), "replace")
    except _ODD:  # a charset that nobody knows
        return octets.decode("utf-8", "replace")
