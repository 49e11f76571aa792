"""The trace field the relay adds, and the loop it would otherwise not see.

The field names client and relay, never a recipient: a `for` clause would show a hidden one.

Standards: RFC 5321 §4.4 (Time-stamp-line), §6.3 (more than 100 hops are a loop), RFC 3848 (ESMTPS,
ESMTPA, ESMTPSA), RFC 8314 §4.3 (TLS version and cipher).
Errors: `loop` returns a `Refusal`.
"""

import re
from datetime import datetime
from email.utils import format_datetime
from ipaddress import IPv6Address

from relay.mail.refusal import Refusal
from relay.model import replies
from relay.model.content import Content, Field
from relay.model.envelope import Client

HOPS = 100  # RFC 5321 §6.3

_NOT_IN_DOMAIN = re.compile(r"[^A-Za-z0-9._:\[\]-]")
_NOT_IN_WORD = re.compile(r"[^A-Za-z0-9._-]")


def loop(content: Content) -> Refusal | None:
    """Refuse a message that has been received too often."""
    hops = sum(1 for _ in content.named(b"received"))
    return Refusal(replies.LOOP) if hops > HOPS else None


def received(client: Client, hostname: str, queue_id: str, now: datetime) -> Field:
    """Write the Received field for a message that came from this client.

    `hostname` and `queue_id` are ours; what the client said of itself is cleaned and cut.
    """
    address = _literal(client)
    helo = _NOT_IN_DOMAIN.sub("?", client.helo)[:255] or address or "localhost"
    origin = f"from {helo} ({address})" if address else f"from {helo} (local socket)"
    protocol = "SMTP"
    if client.esmtp:
        protocol = f"ESMTP{'S' * (client.tls is not None)}{'A' * client.authenticated}"
    tls = ""
    if client.tls is not None:
        version = _NOT_IN_WORD.sub("?", client.tls.version)[:40]
        cipher = _NOT_IN_WORD.sub("?", client.tls.cipher)[:80]
        tls = f"\r\n\t(version={version} cipher={cipher})"
    return Field.of(
        "Received",
        f"{origin}\r\n\tby {hostname} with {protocol}{tls}"
        f"\r\n\tid {queue_id}; {format_datetime(now)}",
    )


def _literal(client: Client) -> str:
    """Write the client's address as an address literal (RFC 5321 §4.1.3)."""
    match client.address:
        case None:
            return ""
        case IPv6Address() as address:
            return f"[IPv6:{address}]"
        case address:
            return f"[{address}]"
