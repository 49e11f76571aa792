"""The DKIM-Signature fields a message comes with: which of them survives SES and the relay.

SES takes one signature at most and writes its own Date and Message-ID, so a signature that covers
one of these is broken on arrival, and so is one over fields or a body that the relay changed. A
broken signature is worth no more than none (RFC 6376 §6.1).

Standards: RFC 6376 §3.2 (tag lists), §3.5 (h=).
SES facts: SES Developer Guide, header-fields, send-email-authentication-dkim-manual.
Errors: none; a signature that cannot be read does not survive.
"""

from relay.model.content import Content, Field

# What SES replaces or removes (SES Developer Guide, send-email-authentication-dkim-manual).
_REPLACED = frozenset({b"date", b"message-id", b"return-path", b"bounces-to"})


def covered(signature: Field) -> frozenset[bytes]:
    """Give the names in h=, in lower case; nothing where there is no such tag."""
    for tag in signature.value.split(b";"):
        name, equals, value = tag.partition(b"=")
        if equals and name.strip() == b"h":
            return frozenset(part.strip().lower() for part in value.split(b":"))
    return frozenset()


def surviving(received: Content, shaped: Content) -> Field | None:
    """Give the one signature that still holds after shaping and through SES, if there is one."""
    signatures = list(received.named(b"dkim-signature"))
    if len(signatures) != 1:
        return None
    names = covered(signatures[0])
    if not names or names & _REPLACED or any(name.startswith(b"x-ses-") for name in names):
        return None
    if shaped.body is not received.body:
        return None
    same = _chosen(received, names) == _chosen(shaped, names)
    return signatures[0] if same else None


def _chosen(content: Content, names: frozenset[bytes]) -> list[bytes]:
    """Give the raw fields of these names in their order."""
    return [
        field.raw
        for field in content.fields
        if field.name in names and field.name != b"dkim-signature"
    ]
