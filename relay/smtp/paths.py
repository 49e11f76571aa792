"""Reverse-paths and forward-paths: from the text behind FROM: or TO: to an address.

Read strictly as RFC 5321 §4.1.2 writes them, or kindly (`strict_addresses: false`) as old devices
do: a blank after the colon, no angle brackets, a dot at the end of the domain, a source route.

Standards: RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.2; RFC 5891 (A-labels); RFC 6531 is not offered, since
SES takes ASCII addresses only (SES API reference, SendRawEmail).
Errors: `Reply` for the peer, in which nothing is quoted that the peer sent.
"""

import re
from dataclasses import dataclass

import idna

from relay.model import replies
from relay.model.address import Address, AddressFault
from relay.model.reply import Reply

# A quoted local part may hold any bracket; the alternatives differ in their first character, so
# that a match walks the text once.
_PATH = re.compile(r'<((?:[^<>"]|"(?:[^"\\]|\\.)*")*)>(?: +(.*))?', re.DOTALL)
_NAKED = re.compile(r'((?:[^<>" ]|"(?:[^"\\]|\\.)*")+)(?: +(.*))?', re.DOTALL)
_SOURCE_ROUTE = re.compile(r"@[^:@,]+(?:,@[^:@,]+)*:")


@dataclass(frozen=True, slots=True)
class PathRules:
    """How a listener reads paths."""

    strict: bool = True
    default_domain: str | None = None  # completes recipients that have no domain


@dataclass(frozen=True, slots=True)
class Path:
    """The text between the angle brackets, and the parameters behind them."""

    text: str
    parameters: tuple[str, ...]


def read_path(argument: str, keyword: str, rules: PathRules) -> Path | Reply:
    """Take apart `FROM:<path> parameters`; `keyword` is FROM or TO."""
    colon = len(keyword)
    if argument[: colon + 1].upper() != f"{keyword}:":
        return replies.SYNTAX
    rest = argument[colon + 1 :]
    if not rules.strict:
        rest = rest.strip(" \t")
    found = _PATH.fullmatch(rest)
    if found is None and not rules.strict:
        found = _NAKED.fullmatch(rest)
    if found is None:
        return replies.SYNTAX
    return Path(found[1], tuple((found[2] or "").split()))


def read_sender(path: str, rules: PathRules) -> Address | Reply | None:
    """Read a reverse-path; None is the null reverse-path."""
    if not path:
        return None
    address = _mailbox(path, rules)
    return (
        _refusal(address, replies.SENDER_SYNTAX) if isinstance(address, AddressFault) else address
    )


def read_recipient(path: str, rules: PathRules) -> Address | Reply:
    """Read a forward-path."""
    if rules.default_domain is not None and path and "@" not in path:
        path = f"{path}@{rules.default_domain}"
    address = _mailbox(path, rules)
    if isinstance(address, AddressFault):
        return _refusal(address, replies.RECIPIENT_SYNTAX)
    return address


def _mailbox(path: str, rules: PathRules) -> Address | AddressFault:
    if not rules.strict:
        path = path.strip(" \t")
        route = _SOURCE_ROUTE.match(path)
        if route is not None:
            path = path[route.end() :]
        if "@" in path:
            path = path.removesuffix(".")
    if path.isascii():
        return Address.parse(path)
    local, _, domain = path.rpartition("@")
    if not local.isascii():
        return AddressFault.NON_ASCII
    try:
        labels = idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:  # also for octets that are no UTF-8
        return AddressFault.BAD_DOMAIN
    return Address.parse(f"{local}@{labels}")


def _refusal(fault: AddressFault, syntax: Reply) -> Reply:
    if fault is AddressFault.NON_ASCII:
        return replies.NON_ASCII_ADDRESS
    return syntax.saying(f"{syntax.text}: {fault}")
