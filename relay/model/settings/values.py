"""Values that the file writes as text and the program wants as more: binds, secrets, stores.

Errors: none; `relay.config` reads the texts and says what is wrong with them.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class TcpBind:
    """A TCP address to listen on; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixBind:
    """A Unix-domain socket to listen on."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class FdBind:
    """A socket that the service manager opened and passed on under a name."""

    name: str

    def __str__(self) -> str:
        return f"fd:{self.name}"


Bind: TypeAlias = TcpBind | UnixBind | FdBind


def local_only(bind: Bind) -> bool:
    """Say if only this machine can reach the bind; an inherited socket counts as reachable."""
    match bind:
        case TcpBind(host=host):
            if host == "localhost":
                return True
            try:
                return ip_address(host).is_loopback
            except ValueError:  # a host name: where it leads is not known here
                return False
        case UnixBind():
            return True
        case FdBind():
            return False


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One certificate exactly: SHA-256 of its DER form, in lower-case hexadecimal."""

    sha256: str

    def __str__(self) -> str:
        return f"sha256:{self.sha256}"


@dataclass(frozen=True, slots=True)
class CertificateName:
    """Any certificate with this name, in lower case, that an authority we trust has signed."""

    name: str

    def __str__(self) -> str:
        return self.name


CertificateMark: TypeAlias = Fingerprint | CertificateName


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that must not appear in logs, errors or the dashboard."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """Give the text itself; for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return "…"


@dataclass(frozen=True, slots=True)
class HashedPassword:
    """An Argon2id hash in PHC string format: checks PLAIN and LOGIN, cannot do CRAM-MD5."""

    hash: Secret


@dataclass(frozen=True, slots=True)
class ClearPassword:
    """The password itself, kept readable because CRAM-MD5 computes with it (RFC 2195)."""

    secret: Secret


Password: TypeAlias = HashedPassword | ClearPassword


@dataclass(frozen=True, slots=True)
class NoStore:
    """The relay never takes responsibility: SES takes the message while the client waits."""


@dataclass(frozen=True, slots=True)
class SqliteStore:
    """Queue, state and history as SQLite files in a folder of this machine."""

    folder: Path


@dataclass(frozen=True, slots=True)
class PostgresStore:
    """Queue, state and history in a PostgreSQL database that several relays share."""

    url: Secret


Store: TypeAlias = NoStore | SqliteStore | PostgresStore
