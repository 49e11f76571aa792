r"""Patterns with `*` for names, header values and addresses.

Only `*` is special (any run of characters, also none). A match walks the text once per piece
between the stars and never goes back, so that no pattern and no address can make it slow.

Standards: the domain of an address is compared without regard to case, the local part with
(RFC 5321 §2.4).

Errors: `AddressPattern` raises ValueError for a text that is no address pattern.
"""

from dataclasses import dataclass, field

NULL_SENDER = "<>"


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern over a plain text; case counts."""

    text: str
    _pieces: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pieces", tuple(self.text.split("*")))

    def matches(self, text: str) -> bool:
        """Say if the whole text fits the pattern."""
        pieces = self._pieces
        if len(pieces) == 1:
            return text == pieces[0]
        first, *middle, last = pieces
        if len(text) < len(first) + len(last):
            return False
        if not (text.startswith(first) and text.endswith(last)):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:  # the leftmost fit leaves the most room for the pieces to come
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True


@dataclass(frozen=True, slots=True)
class AddressPattern:
    """A pattern over a mail address: `*`, `*@example.com`, `a@*.example.com`, or `<>`.

    `<>` fits the null reverse-path alone, and nothing else fits it: mail without a sender is
    allowed by name only.
    """

    text: str
    _local: Glob = field(init=False, repr=False, compare=False)
    _domain: Glob = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        local, at, domain = self.text.rpartition("@")
        if self.text == "*":
            local, domain = "*", "*"
        elif self.text == NULL_SENDER:
            local, domain = "", ""
        elif not at or not local or not domain:
            raise ValueError(f"{self.text!r} is not an address pattern")
        object.__setattr__(self, "_local", Glob(local))
        object.__setattr__(self, "_domain", Glob(domain.lower()))

    def matches(self, address: str) -> bool:
        """Say if an address fits; the null reverse-path is given as `<>`."""
        if NULL_SENDER in (address, self.text):
            return address == self.text
        if self.text == "*":
            return True
        local, _, domain = address.rpartition("@")
        return self._domain.matches(domain.lower()) and self._local.matches(local)
