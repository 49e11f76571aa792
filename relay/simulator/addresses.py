"""Mailboxes out of header values and request parameters, refused in SES's own words.

SES parses addresses with the texts of a well-known Java mail library; the sentences below are
those seen on the wire. SES facts: SES API reference, SendRawEmail ("UserName@[SubDomain.]
Domain.TopLevelDomain", groups allowed, one bad recipient refuses the whole message); SES
Developer Guide, troubleshoot-error-messages (7-bit addresses only).

Standards: RFC 5322 §3.4 (mailbox, group, comments, quoted strings).

Errors: none; a fault is a `BadAddress` value. One pass, linear in the length of the value.
"""

import re
from dataclasses import dataclass

from . import limits


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox: as written (SES quotes it so in refusals) and its bare address."""

    written: str
    address: str

    @property
    def domain(self) -> str:
        """The domain in lower case."""
        return self.address.rpartition("@")[2].lower()


@dataclass(frozen=True, slots=True)
class BadAddress:
    """Why a value is no list of mailboxes, in SES's words."""

    text: str


def mailboxes(value: str) -> tuple[Mailbox, ...] | BadAddress:
    """Read a comma-separated list of mailboxes and groups (RFC 5322 §3.4)."""
    found: list[Mailbox] = []
    for entry in _entries(value):
        if isinstance(entry, BadAddress):
            return entry
        if (fault := _address_fault(entry.address)) is not None:
            return BadAddress(fault)
        found.append(entry)
    return tuple(found)


def mailbox(value: str) -> Mailbox | BadAddress:
    """Read exactly one mailbox, as request parameters must be."""
    found = mailboxes(value)
    if isinstance(found, BadAddress):
        return found
    if len(found) != 1:
        return BadAddress("Illegal address")
    return found[0]


class _Entry:
    """The entry under the scan: its text, and its angle-bracketed part once there is one."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.bare: list[str] = []
        self.angle: list[str] | None = None

    def close(self) -> Mailbox | None:
        written = "".join(self.written).strip()
        if self.angle is not None:
            return Mailbox(written, "".join(self.angle).strip())
        address = "".join(self.bare).strip()
        return Mailbox(written, address) if address else None


def _entries(value: str) -> list[Mailbox | BadAddress]:  # noqa: C901, PLR0912 - one state machine
    """Cut a list at its top-level commas; comments, quotes and angles hide commas."""
    entries: list[Mailbox | BadAddress] = []
    entry = _Entry()
    comment = 0
    quoted = angled = literal = escaped = False

    def finish() -> None:
        nonlocal entry
        closed = entry.close()
        if closed is not None:
            entries.append(closed)
        entry = _Entry()

    for char in value:
        structural = not (quoted or escaped or comment or angled or literal)
        if structural and char in ",;":
            finish()
            continue
        if structural and char == ":":  # RFC 5322 §3.4: what stood before is a group's name
            entry = _Entry()
            continue
        entry.written.append(char)
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or comment):
            escaped = True
        elif quoted:
            quoted = char != '"'
        elif comment:
            comment += (char == "(") - (char == ")")
            continue
        elif char == '"':
            quoted = True
        elif char == "(":
            comment = 1
            continue
        elif char == "<":
            if entry.angle is not None:
                return [BadAddress("Extra route-addr")]
            angled, entry.angle = True, []
            continue
        elif char == ">" and angled:
            angled = False
            continue
        elif char in "[]":
            literal = char == "["
        if not comment:
            (entry.angle if angled and entry.angle is not None else entry.bare).append(char)
    if quoted or angled or comment or escaped:
        return [BadAddress("Illegal address")]
    finish()
    return entries


_CONTROL_OR_SPACE = re.compile(r"[\x00-\x20\x7f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ILLEGAL_LOCAL = re.compile(r'[()<>\[\]:;@\\,"]')
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+")
_LITERAL = re.compile(r"\[[\x21-\x5a\x5e-\x7e]+\]")


def _address_fault(address: str) -> str | None:
    if not address:
        return "Illegal address"
    if not address.isascii():
        return "There are non-ASCII characters in the email address"
    local, at, domain = address.rpartition("@")
    if not at:
        return "Missing final '@domain'"
    return _local_fault(local) or _domain_fault(domain)


def _local_fault(local: str) -> str | None:
    if not local:
        return "Missing local name"
    if len(local) > 1 and local.startswith('"') and local.endswith('"'):
        if _CONTROL.search(local):
            return "Local address contains control or whitespace"
    elif _CONTROL_OR_SPACE.search(local):
        return "Local address contains control or whitespace"
    elif _ILLEGAL_LOCAL.search(local):
        return "Local address contains illegal character"
    elif ".." in local or local[0] == "." or local[-1] == ".":
        return "Illegal address"  # the text for misplaced dots is UNCERTAIN
    # UNCERTAIN whether SES measures the local part; RFC 5321 §4.5.3.1.1 does.
    return None if len(local) <= limits.LOCAL_PART_OCTETS else "Invalid email address"


def _domain_fault(domain: str) -> str | None:
    if _CONTROL_OR_SPACE.search(domain):
        return "Domain contains control or whitespace"
    if _LITERAL.fullmatch(domain):
        return None
    if not _DOMAIN.fullmatch(domain):
        return "Illegal address"
    labels = domain.split(".")
    # SES API reference, SendRawEmail: a top-level domain is part of the form.
    if len(labels) < 2 or len(domain) > limits.DOMAIN_OCTETS:
        return "Invalid email address"
    if any(not 1 <= len(label) <= limits.LABEL_OCTETS for label in labels):
        return "Invalid email address"
    return None
