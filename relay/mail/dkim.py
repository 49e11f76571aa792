"""Signs a message for its author's domain.

dkimpy writes and folds the signature; what it is slow at is done here: header fields come split
already, the body hash is made in pieces (`relay.mail.body_hash`), and OpenSSL does the RSA with a
key that was parsed once. A `Signer` may be used by many threads at once.

`c=relaxed/simple`, as SES signs: gateways still fold header fields, but who alters a body breaks
SES's own signature as well, and the octets of a large body are hashed as they are.

Signed: From, To, Cc, Subject, Reply-To, Sender, the MIME fields, In-Reply-To, References, List-*.
Signed once more than they occur (nobody can add another one): From, To, Cc, Subject and Reply-To
always, because SES adds none; the others of RFC 5322 and MIME where they occur, because SES refuses
a second one anyway. Never signed: Date and Message-ID, which SES replaces, Return-Path, Bounces-To,
X-SES-*, Received and Authentication-Results.

Standards: RFC 6376 §3.5, §3.7, §5.4 (what to sign), RFC 8301 (rsa-sha256 alone), RFC 8463.
SES facts: SES Developer Guide, send-email-authentication-dkim-manual (fields not to sign), header-
fields (one DKIM-Signature).
Errors: none; a message that reaches a signer has a From.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import dkim

from relay.mail.body_hash import body_hash
from relay.mail.dkim_keys import PrivateKey
from relay.model.content import Content, Field
from relay.model.settings import ExistingSignature

OVERSIGNED = (b"from", b"to", b"cc", b"subject", b"reply-to")
OVERSIGNED_WHERE_PRESENT = (
    b"sender",
    b"in-reply-to",
    b"references",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
)
SIGNED_WHERE_PRESENT = (
    b"content-disposition",
    b"content-id",
    b"content-description",
    b"list-id",
    b"list-help",
    b"list-subscribe",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-post",
    b"list-owner",
    b"list-archive",
)
SIGNED = frozenset((*OVERSIGNED, *OVERSIGNED_WHERE_PRESENT, *SIGNED_WHERE_PRESENT))

_BLANKS = re.compile(rb"[ \t]{2,}|\t")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One key, for one domain and selector, while it is active."""

    domain: str
    selector: str
    key: PrivateKey
    existing: ExistingSignature = ExistingSignature.REPLACE
    active_from: datetime | None = None
    active_until: datetime | None = None

    def active(self, now: datetime) -> bool:
        """Tell whether the key may sign now; `active_until` itself is too late."""
        return (self.active_from is None or self.active_from <= now) and (
            self.active_until is None or now < self.active_until
        )

    def sign(self, content: Content, now: datetime) -> Field:
        """Write the DKIM-Signature field for exactly these octets.

        Large bodies take about a millisecond per megabyte and let other threads run.
        """
        fields = [field for field in content.fields if field.name in SIGNED]
        names = _names([field.name for field in fields])
        tags = [
            (b"v", b"1"),
            (b"a", self.key.algorithm),
            (b"c", b"relaxed/simple"),
            (b"d", self.domain.encode("ascii")),
            (b"s", self.selector.encode("ascii")),
            (b"t", str(int(now.timestamp())).encode("ascii")),
            (b"h", b" : ".join(names)),
            (b"bh", body_hash(content.body)),
            # dkimpy folds before and after the signature is known; sixty characters put b= on a
            # line of its own both times, so that no blank changes in between.
            (b"b", b"0" * 60),
        ]
        signature = _Signature(fields).gen_header(
            tags, names, _Relaxed(), b"DKIM-Signature", _Key(self.key)
        )
        return Field(b"DKIM-Signature: " + signature)


def _names(present: Sequence[bytes]) -> list[bytes]:
    """List the names for h=, each as often as it occurs, and once more where it is oversigned."""
    names = list(present)
    names += OVERSIGNED
    names += [name for name in OVERSIGNED_WHERE_PRESENT if name in present]
    return names


class _Signed(NamedTuple):
    """What dkimpy expects of a foreign key's signature."""

    signature: bytes


@dataclass(frozen=True, slots=True)
class _Key:
    """A key in the shape that dkimpy asks of those it does not compute with itself."""

    key: PrivateKey

    def sign(self, digest: bytes) -> _Signed:
        return _Signed(self.key.sign(digest))


class _Relaxed:
    """Relaxed header canonicalisation that strips blanks alone (RFC 6376 §3.4.2).

    dkimpy's own strips form feeds and vertical tabs as well, which are no WSP.
    """

    @staticmethod
    def canonicalize_headers(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        return [
            (
                name.rstrip(b" \t").lower(),
                _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \t") + b"\r\n",
            )
            for name, value in headers
        ]


class _Signature(dkim.DKIM):  # type: ignore[misc] # dkimpy has no types
    """dkimpy's signer over raw fields, with the key's operation left to the key."""

    def __init__(self, fields: Sequence[Field]) -> None:
        super().__init__()
        # This word makes dkimpy ask the key to sign the digest instead of doing RSA in Python.
        # What the receiver reads as a= stands among the tags.
        self.signature_algorithm = b"ed25519-sha256"
        self.hasher = dkim.HASH_ALGORITHMS[self.signature_algorithm]
        self.headers = [tuple(field.raw.split(b":", 1)) for field in fields]
