"""DKIM keys for the command line: made, written as DNS records, compared with what is published.

Standards: RFC 6376 §3.6.1 (key records), §3.6.2.2 (one TXT record per key), RFC 8463.
Errors: a text that is no key is `UnusableKey`; what is wrong with a record is a sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relay.mail.dkim_keys import (
    Ed25519Key,
    KeyFault,
    generate_ed25519,
    generate_rsa,
    parse,
    pem,
)
from relay.mail.dkim_record import difference, record_name, record_strings, zone_line
from relay.model.settings import DkimKey


@dataclass(frozen=True, slots=True)
class UnusableKey:
    """Why a text is no key to sign with, with the fix; never the text itself."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The DNS record of a key."""

    name: str  # with the root's dot, as zone files write it
    text: str
    strings: tuple[str, ...]  # the text in pieces of at most 255 octets
    line: str  # of a zone file


def make_key(bits: int | None) -> bytes:
    """Make a private key, as PEM: RSA of so many bits, or Ed25519 where None is said."""
    return pem(generate_ed25519() if bits is None else generate_rsa(bits))


def record_of(domain: str, selector: str, key: str) -> Record | UnusableKey:
    """Write the record for a private key, given as the text of its file."""
    parsed = parse(key)
    if isinstance(parsed, KeyFault):
        return UnusableKey(parsed.text)
    return Record(
        name=record_name(domain, selector),
        text=parsed.record,
        strings=record_strings(parsed.record),
        line=zone_line(domain, selector, parsed),
    )


def fault_of(key: DkimKey, published: Sequence[str]) -> str | None:
    """Say what is wrong with the TXT records published for a private key; None: nothing."""
    parsed = parse(key.key.reveal())
    if isinstance(parsed, KeyFault):
        return parsed.text
    fix = f"publish what `ses-relay dkim record {key.domain} {key.selector}` prints"
    match published:
        case []:
            return f"no TXT record is published; {fix}"
        case [record]:
            reason = difference(record, parsed)
            return None if reason is None else f"{reason}; {fix}"
        case _:
            return f"{len(published)} TXT records are published, verifiers want one; {fix} alone"


def strength(key: str) -> str:
    """Name the kind of a private key, for a list."""
    match parse(key):
        case KeyFault():
            return "-"
        case Ed25519Key():
            return "ed25519"
        case rsa:
            return f"rsa {rsa.bits}"
