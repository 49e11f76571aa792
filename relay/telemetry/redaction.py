"""How the address of a recipient appears in the log (`log.recipients`).

The hash has no key, so that the same address gives the same hash on every relay and after every
restart, and an operator who is asked about an address can look for its hash. It is a pseudonym:
whoever has a list of addresses can check them against it.

Errors: none.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha256

from relay.model.address import Address
from relay.model.settings import LogRecipients

# Anything in free text that reads like an address: SES and receivers quote recipients in refusals.
# The local part is generous (RFC 5321 §4.5.3.1.1 has 64 octets, quoted or not): what stands too
# near to an address goes with it, rather than half an address staying.
_ADDRESS_IN_TEXT = re.compile(
    r"""(?:"(?:[^"\\]|\\.){0,128}"|[^\s<>()\[\],;:"@]{1,320})"""
    r"""@[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"""
)


def _full(address: str) -> str:
    return address


@lru_cache(maxsize=4096)
def _hashed(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return sha256(f"{local}@{domain.lower()}".encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _domain(address: str) -> str:
    return "@" + address.rpartition("@")[2].lower()


_SHOWN: dict[LogRecipients, Callable[[str], str]] = {
    LogRecipients.FULL: _full,
    LogRecipients.HASHED: _hashed,
    LogRecipients.DOMAIN: _domain,
}


class Redaction:
    """Shows recipients the way the operator chose."""

    def __init__(self, recipients: LogRecipients) -> None:
        self.full = recipients is LogRecipients.FULL
        self._shown = _SHOWN[recipients]

    def address(self, address: Address | str) -> str:
        """Show one recipient."""
        return self._shown(str(address))

    def addresses(self, addresses: Iterable[Address | str]) -> list[str]:
        """Show several recipients."""
        return [self._shown(str(address)) for address in addresses]

    def text(self, text: str) -> str:
        """Show a sentence of SES or of a receiver, with every address in it redacted."""
        if self.full or "@" not in text:
            return text
        return _ADDRESS_IN_TEXT.sub(self._in_text, text)

    def _in_text(self, match: re.Match[str]) -> str:
        found = match[0]
        address = found.lstrip("'")  # an apostrophe in front is a quote, not a name
        return found[: len(found) - len(address)] + self._shown(address)
