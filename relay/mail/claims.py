"""Authentication results that claim to be ours: forged, since we write none.

Receivers believe results that name a server of theirs, so whoever takes mail in removes what others
wrote in its name.

Standards: RFC 8601 §2.2 (authserv-id: a token or quoted string, after comments and folding), §5.
Errors: none; a field that cannot be read claims nothing.
"""

import re

from relay.mail.addresses import after_comment
from relay.mail.changes import Change, Changed
from relay.model.content import Field

_NAME = b"authentication-results"
_TO_COMMENT = re.compile(r"[ \t]*(?=\()")
_SERVER = re.compile(r'[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t;"(]+))', re.DOTALL)


def without_claims(
    fields: tuple[Field, ...], hostname: str
) -> tuple[tuple[Field, ...], tuple[Changed, ...]]:
    """Remove the fields that say this host checked the message."""
    own = hostname.lower()
    kept = tuple([field for field in fields if field.name != _NAME or claimed(field) != own])
    if len(kept) == len(fields):
        return fields, ()
    return kept, (Changed(Change.FORGED_RESULTS, "authentication-results"),) * (
        len(fields) - len(kept)
    )


def claimed(field: Field) -> str:
    """Give the server that a field says it is of, in lower case; empty where it says none."""
    text = field.value.decode("latin-1")
    position = 0
    while comment := _TO_COMMENT.match(text, position):
        position = after_comment(text, comment.end())
    found = _SERVER.match(text, position)
    if found is None:
        return ""
    quoted, token = found.groups()
    name: str = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
    return name.strip(" \t").rstrip(".").lower()
