"""Who speaks to us, and what the SMTP envelope says.

Standards: RFC 5321 §3.3 (mail transactions), RFC 3461 (RET, ENVID, NOTIFY, ORCPT).
"""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from relay.model.address import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What a session negotiated, as OpenSSL names it."""

    version: str
    cipher: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The peer of one SMTP session at the moment a transaction begins."""

    session_id: str
    address: IPv4Address | IPv6Address | None  # None: a unix socket
    helo: str
    esmtp: bool  # EHLO, not HELO
    tls: Tls | None
    user: str | None  # name in `users`; None: nobody we know
    authenticated: bool  # by AUTH; a user can also be known by its network
    listener: str  # the bind as configured, for logs and rules


class Notify(StrEnum):
    """One word of RFC 3461 §4.1 NOTIFY."""

    NEVER = "NEVER"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DELAY = "DELAY"


class Ret(StrEnum):
    """What a failed DSN returns (RFC 3461 §4.3)."""

    FULL = "FULL"
    HEADERS = "HDRS"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT TO."""

    address: Address
    notify: frozenset[Notify] = frozenset()  # empty: not said
    orcpt: str | None = None  # `addr-type;xtext`, as given


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One transaction's envelope. Headers never add to it, and it never shows in headers."""

    client: Client
    sender: Address | None  # None: the null reverse-path `<>`
    recipients: tuple[Recipient, ...]
    ret: Ret | None = None
    envid: str | None = None  # xtext, as given
