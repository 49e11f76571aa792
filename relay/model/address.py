"""Mailbox addresses as SES accepts them.

Standards: RFC 5321 §4.1.2 (Mailbox), §4.5.3.1.1-3 (lengths). SES takes 7-bit ASCII addresses only;
internationalised domains must already be A-labels (SES API reference, SendRawEmail).
Errors: `parse` returns an `AddressFault`, it never raises.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class AddressFault(StrEnum):
    """Why a text is not a mailbox address; the value is the sentence for the peer."""

    EMPTY = "the address is empty"
    NO_DOMAIN = "the address has no domain after '@'"
    NO_LOCAL_PART = "the address has no local part before '@'"
    NON_ASCII = "the address has non-ASCII characters"
    TOO_LONG = "the address is too long"
    BAD_LOCAL_PART = "the local part is not valid"
    BAD_DOMAIN = "the domain is not valid"


# RFC 5321 §4.1.2: Dot-string of atoms (RFC 5322 §3.2.3 atext), or a Quoted-string.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf'(?:{_ATOM}(?:\.{_ATOM})*|"(?:[ !#-\[\]-~]|\\[ -~])*")')
# RFC 5321 §4.1.2 Domain: LDH labels. The underscore is not in the grammar but stands in real host
# names, and SES takes it. Address literals are refused: SES has no identity for them.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox, spelled as the client spelled it."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def key(self) -> str:
        """The spelling to compare by: domains ignore case, local parts do not (RFC 5321 §2.4)."""
        return f"{self.local}@{self.domain.lower()}"

    @classmethod
    def parse(cls, text: str) -> Self | AddressFault:
        """Read `local@domain` without angle brackets; the octets outside it are the caller's."""
        if not text:
            return AddressFault.EMPTY
        local, at, domain = text.rpartition("@")
        fault = None
        if not text.isascii():
            fault = AddressFault.NON_ASCII
        elif not at or not domain:
            fault = AddressFault.NO_DOMAIN
        elif not local:
            fault = AddressFault.NO_LOCAL_PART
        elif len(local) > 64 or len(domain) > 255 or len(text) > 254:
            # §4.5.3.1.3 allows a path 256 octets, of which two are the angle brackets.
            fault = AddressFault.TOO_LONG
        elif not _LOCAL.fullmatch(local):
            fault = AddressFault.BAD_LOCAL_PART
        elif not _DOMAIN.fullmatch(domain):
            fault = AddressFault.BAD_DOMAIN
        return fault or cls(local, domain)
