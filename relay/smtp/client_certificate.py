"""What a client certificate says of who shows it.

Only certificates that OpenSSL has verified against `client_ca` come here: a handshake with any
other fails.

Standards: RFC 5280 §4.2.1.6 (subjectAltName), RFC 6125 §6.4.4 (the common name only without one).
Errors: none.
"""

import hashlib
import ssl
from collections.abc import Iterator
from typing import Any

from relay.model.settings import CertificateMark, CertificateName, Fingerprint

_NAMES = frozenset({"DNS", "email", "IP Address", "URI"})


def marks(tls: ssl.SSLObject | None) -> Iterator[CertificateMark]:
    """List what a user may be known by, the most exact first; nothing without a certificate."""
    encoded = None if tls is None else tls.getpeercert(binary_form=True)
    if tls is None or encoded is None:
        return
    yield Fingerprint(hashlib.sha256(encoded).hexdigest())
    said: dict[str, Any] = dict(tls.getpeercert() or {})  # Any: its values have many shapes
    alternative = said.get("subjectAltName", ())
    yield from (CertificateName(name.lower()) for kind, name in alternative if kind in _NAMES)
    if not alternative:
        subject = (pair for part in said.get("subject", ()) for pair in part)
        yield from (CertificateName(name.lower()) for kind, name in subject if kind == "commonName")
