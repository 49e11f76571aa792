"""The values that the file writes as text: how each is read, named and described.

One table, `LEAVES`, serves the loader, its messages and the JSON Schema.

Standards: RFC 3339 (times), RFC 5321 §4.1.2 (addresses), PHC string format (password hashes).

Errors: a reader returns `Wrong`, it never raises.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from relay.model.address import Address, AddressFault
from relay.model.settings import (
    AddressPattern,
    Bind,
    CertificateMark,
    CertificateName,
    FdBind,
    Fingerprint,
    Glob,
    Network,
    NoStore,
    PostgresStore,
    Secret,
    SqliteStore,
    Store,
    TcpBind,
    Unit,
    UnixBind,
)

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_OCTETS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_LONGEST = 3650 * 86_400.0  # ten years: no time in the future overflows by it
_LARGEST = 2**60  # fits every integer of a database
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]{1,15})(B|KiB|MiB|GiB|TiB)")
_HOST_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+)):([0-9]{1,5})")
_SHA256 = re.compile(r"(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}")  # OpenSSL writes the colons
_FD_NAME = re.compile(r"[!-9;-~]{1,255}")  # sd_listen_fds names: ASCII without the colon


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a text is no such value: a predicate ("is not a size"), and the fix if it is special."""

    predicate: str
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One kind of value: its reader, its name, what to write, and what an editor may check."""

    read: Callable[[str, Path], object]  # the text and the folder of the file → value or Wrong
    noun: str
    write: str
    pattern: str


def _duration(text: str, _: Path) -> float | Wrong:
    if text == "0":
        return 0.0
    found = _DURATION.fullmatch(text)
    if found is None:
        return Wrong("is not a duration")
    seconds = float(found.group(1)) * _SECONDS[found.group(2)]
    return seconds if seconds <= _LONGEST else Wrong("is too long", "write 3650d or less")


def _size(text: str, _: Path) -> int | Wrong:
    if text == "0":
        return 0
    found = _SIZE.fullmatch(text)
    if found is None:
        return Wrong("is not a size")
    octets = int(found.group(1)) * _OCTETS[found.group(2)]
    return octets if octets <= _LARGEST else Wrong("is too large", "write 1048576TiB or less")


def _bind(text: str, folder: Path) -> Bind | Wrong:
    scheme, colon, rest = text.partition(":")
    if colon and scheme == "unix":
        return UnixBind(folder / rest) if rest else Wrong("names no socket file")
    if colon and scheme == "fd" and not rest.isdigit():
        return FdBind(rest) if _FD_NAME.fullmatch(rest) else Wrong("names no inherited socket")
    found = _HOST_PORT.fullmatch(text)
    if found is None:
        return Wrong("is not an address to listen on")
    if int(found.group(3)) > 65535:
        return Wrong("has a port beyond 65535")
    return TcpBind(found.group(1) or found.group(2), int(found.group(3)))


def _network(text: str, _: Path) -> Network | Wrong:
    try:
        return ip_network(text)
    except ValueError:
        try:
            meant = ip_network(text, strict=False)
        except ValueError:
            return Wrong("is not a network")
        return Wrong("has bits beyond its prefix", f"write {meant}")


def _certificate(text: str, _: Path) -> CertificateMark | Wrong:
    scheme, colon, rest = text.partition(":")
    if colon and scheme == "sha256":
        if _SHA256.fullmatch(rest) is None:
            return Wrong("is not a SHA-256 fingerprint", "write sha256: and 64 hexadecimal digits")
        return Fingerprint(rest.replace(":", "").lower())
    if not text.strip() or not text.isprintable():
        return Wrong("is not a certificate's name")
    if _SHA256.fullmatch(text):
        return Wrong("is a fingerprint without its kind", f'write "sha256:{text}"')
    return CertificateName(text.lower())


def _address(text: str, _: Path) -> Address | Wrong:
    found = Address.parse(text)
    return Wrong(f"is no mail address: {found}") if isinstance(found, AddressFault) else found


def _pattern(text: str, _: Path) -> AddressPattern | Wrong:
    if not text.isascii():
        return Wrong("is not ASCII", "write an internationalised domain in its xn-- form")
    if any(char.isspace() for char in text):
        return Wrong("has a space in it", "write one pattern per list item")
    try:
        return AddressPattern(text)
    except ValueError:
        if "@" not in text and "." in text:
            return Wrong("has no @", f'write "*@{text}" for a whole domain')
        return Wrong("is not an address pattern")


def _glob(text: str, _: Path) -> Glob | Wrong:
    return Glob(text) if text else Wrong("is empty")


def _store(text: str, folder: Path) -> Store | Wrong:
    if text == "none":
        return NoStore()
    if text.startswith("sqlite:///"):
        rest = text.removeprefix("sqlite:///")
        return SqliteStore(folder / rest) if rest else Wrong("names no folder")
    if text.startswith(("postgresql://", "postgres://")):
        return PostgresStore(Secret(text))
    return Wrong("is not a store")


def _time(text: str, _: Path) -> datetime | Wrong:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return Wrong("is not a time")
    if time.tzinfo is None:
        day = text if len(text) > 10 else f"{text}T00:00:00"
        return Wrong("has no time zone", f"write {day}Z, or the zone's offset instead of Z")
    return time


def _path(text: str, folder: Path) -> Path | Wrong:
    return folder / text if text and "\0" not in text else Wrong("is not a path")


DURATION = Leaf(
    _duration,
    "a duration",
    "a number with its unit, such as 30s, 5m or 4d",
    r"^(0|[0-9.]+(ms|s|m|h|d))$",
)
SIZE = Leaf(
    _size,
    "a size",
    "a whole number with its unit, such as 512KiB, 10MiB or 20GiB",
    r"^(0|[0-9]+(B|KiB|MiB|GiB|TiB))$",
)
_BIND = Leaf(_bind, "an address to listen on", "host:port, [v6]:port, unix:/path or fd:NAME", r":")
_NETWORK = Leaf(
    _network,
    "a network",
    "a network like 10.0.0.0/8 or 2001:db8::/32",
    r"^[0-9A-Fa-f:.]+(/[0-9]+)?$",
)
_CERTIFICATE = Leaf(
    _certificate,
    "a mark of a certificate",
    '"app.example.com" (a name in it) or "sha256:…"',
    r".",
)
_STORE = Leaf(
    _store,
    "a store",
    "sqlite:///FOLDER, postgresql://… or none",
    r"^(none|sqlite:///.+|postgres(ql)?://.+)$",
)

LEAVES: Mapping[type, Leaf] = {
    **dict.fromkeys((TcpBind, UnixBind, FdBind), _BIND),
    **dict.fromkeys((IPv4Network, IPv6Network), _NETWORK),
    **dict.fromkeys((Fingerprint, CertificateName), _CERTIFICATE),
    **dict.fromkeys((NoStore, SqliteStore, PostgresStore), _STORE),
    Address: Leaf(_address, "a mail address", "an address like ops@example.com", r"^.+@.+$"),
    AddressPattern: Leaf(
        _pattern,
        "an address pattern",
        '"*@example.com", "name@example.com", "*" or "<>"',
        r"^(\*|<>|.+@.+)$",
    ),
    Glob: Leaf(_glob, "a pattern", "a text, with * for anything", r"."),
    datetime: Leaf(
        _time, "a time", "a time like 2027-01-01T00:00:00Z", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T"
    ),
    Path: Leaf(_path, "a path", "the path of a file", r"."),
}


def leaf_of(hint: object, unit: Unit | None) -> Leaf | None:
    """Find the leaf for a type as declared and its unit; None for what YAML itself can write."""
    match unit:
        case Unit.SECONDS if hint is float:
            return DURATION
        case Unit.OCTETS if hint is int:
            return SIZE
        case _:
            return LEAVES.get(hint) if isinstance(hint, type) else None
