"""Keeps threads together although SES replaces Message-ID.

Whoever answers quotes SES's id in In-Reply-To, and copies References (RFC 5322 §3.6.4). With the
client's own id at the end of References, a ticket system finds its ticket in every answer.

Standards: RFC 5322 §3.6.4 (message ids), §2.1.1 (998 octets).
SES facts: SES Developer Guide, header-fields: Message-ID is overwritten.
Errors: none; an id that cannot be referred to is left alone.
"""

import re
from collections.abc import Iterable

from relay.mail.changes import Change, Changed
from relay.model.content import Field

ID_LIMIT = 900  # octets of one id, so that it fits a line together with the field's name
IDS_LIMIT = 100  # ids in References; the first and the latest stay (as RFC 5537 §3.4.4 does)
SIZE_LIMIT = 8 * 1024  # octets of References

_ID = re.compile(rb"<[^<>\s]+>")
_BARE_ID = re.compile(rb"[!-;=?-~]+")  # printable ASCII without blanks and angle brackets


def message_id(fields: Iterable[Field]) -> bytes:
    """Give the message's own id with its angle brackets, or nothing if it has none to refer to."""
    value = next((field.value for field in fields if field.name == b"message-id"), b"")
    found = _ID.search(value)
    if found:
        return found.group()
    return b"<" + value + b">" if _BARE_ID.fullmatch(value) else b""


def with_reference(
    fields: tuple[Field, ...], own: bytes
) -> tuple[tuple[Field, ...], tuple[Changed, ...]]:
    """Append the id to References, once; the field is made when it is missing."""
    if not own or len(own) > ID_LIMIT or not own.isascii():
        return fields, ()
    changed = (Changed(Change.THREADING, own.decode("ascii")),)
    for position, field in enumerate(fields):
        if field.name != b"references":
            continue
        ids = _ID.findall(field.value)
        if own in ids:
            return fields, ()
        raw = field.raw.rstrip(b" \t\r\n") + b"\r\n " + own + b"\r\n"
        if len(ids) >= IDS_LIMIT or len(raw) > SIZE_LIMIT:
            raw = _bounded(ids, own)
        return (*fields[:position], Field(raw), *fields[position + 1 :]), changed
    return (*fields, Field(b"References: " + own + b"\r\n")), changed


def _bounded(ids: list[bytes], own: bytes) -> bytes:
    """Keep the first id and as many of the latest as fit."""
    usable = [known for known in ids if len(known) <= ID_LIMIT]
    first, rest = usable[:1], usable[1:]
    room = SIZE_LIMIT - len(own) - sum(map(len, first)) - 64
    latest: list[bytes] = []
    for known in reversed(rest[-(IDS_LIMIT - 2) :]):
        room -= len(known) + 3
        if room < 0:
            break
        latest.append(known)
    return b"References: " + b"\r\n ".join([*first, *reversed(latest), own]) + b"\r\n"
