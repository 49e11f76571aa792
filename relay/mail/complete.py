"""Adds what a message lacks, and takes out structured fields that say nothing.

To is never added: SES takes a message without it as long as the envelope is explicit, which it
always is here; only an empty one is refused.

Standards: RFC 6409 §8.2 (Date), §8.3 (Message-ID), RFC 2045 §4 (MIME-Version), RFC 5322 §3.6, §4.5.
SES facts: SES Developer Guide, header-fields: Date and Message-ID are overwritten in any case; they
are added so that the relay's own records and a simulator see whole messages.
Errors: none.
"""

import re
from datetime import datetime
from email.utils import format_datetime

from relay.mail.changes import Change, Changed
from relay.model.content import Field

# Fields whose grammar has no empty value (RFC 5322 §3.6, RFC 2045, RFC 2183, RFC 2369, RFC 2919).
_NEVER_EMPTY = frozenset(
    b"from sender reply-to to cc date message-id in-reply-to references resent-from resent-sender "
    b"resent-to resent-cc resent-date resent-message-id mime-version content-type "
    b"content-transfer-encoding content-disposition content-id dkim-signature list-id list-help "
    b"list-subscribe list-unsubscribe list-unsubscribe-post list-post list-owner list-archive "
    b"auto-submitted disposition-notification-to return-receipt-to errors-to".split()
)
# Form feed and vertical tab: blanks to some programs (DKIM verifiers among them), text to others.
_NEAR_BLANKS = re.compile(rb"[\x0b\x0c]")
_AS_BLANKS = bytes.maketrans(b"\x0b\x0c", b"  ")
_BLANK_LINES = re.compile(rb"\r\n[ \t]+(?=\r\n)")


def mend_syntax(
    fields: tuple[Field, ...],
) -> tuple[tuple[Field, ...], tuple[Changed, ...]]:
    """Rewrite obsolete field syntax and drop structured fields without a value."""
    kept: list[Field] = []
    changed: list[Changed] = []
    for field in fields:
        raw = field.raw
        name, _, rest = raw.partition(b":")
        bare = name.rstrip(b" \t")
        plain = rest.translate(_AS_BLANKS) if _NEAR_BLANKS.search(rest) else rest
        if b"\r\n" in plain[:-2]:
            plain = _BLANK_LINES.sub(b"", plain)
        if len(bare) != len(name) or plain != rest:
            mended = Field(bare + b":" + plain)
            changed.append(Changed(Change.FIELD_SYNTAX, bare.decode("ascii")))
        else:
            mended = field
        if mended.name in _NEVER_EMPTY and not mended.value:
            changed.append(Changed(Change.EMPTY_FIELD, bare.decode("ascii")))
        else:
            kept.append(mended)
    return (tuple(kept), tuple(changed)) if changed else (fields, ())


def complete(
    fields: tuple[Field, ...], *, now: datetime, queue_id: str, hostname: str
) -> tuple[tuple[Field, ...], tuple[Changed, ...]]:
    """Add Date, Message-ID and MIME-Version where they are missing."""
    names = {field.name for field in fields}
    added: list[Field] = []
    changed: list[Changed] = []
    if b"date" not in names:
        added.append(Field.of("Date", format_datetime(now)))
        changed.append(Changed(Change.DATE))
    if b"message-id" not in names:
        added.append(Field.of("Message-ID", f"<{queue_id}@{hostname}>"))
        changed.append(Changed(Change.MESSAGE_ID))
    if b"mime-version" not in names and (
        b"content-type" in names or b"content-transfer-encoding" in names
    ):
        added.append(Field.of("MIME-Version", "1.0"))
        changed.append(Changed(Change.MIME_VERSION))
    return (*fields, *added), tuple(changed)
