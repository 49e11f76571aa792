"""Reads address lists of header fields, whatever their senders thought an address list is.

One pass over tokens; groups, comments, quoted names and source routes are understood, and what is
no address comes back as a mailbox with a fault, so that nobody's author is overlooked.

Standards: RFC 5322 §3.4 (address lists, groups), §3.2.2 (comments), §4.4 (routes, blanks around
dots).
Errors: none, whatever the octets. Time is linear.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from relay.model.address import Address, AddressFault

# A quoted string that does not end takes the rest; the literal has no escapes, so that a run of
# opening brackets is not searched again and again.
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|\[[^\[\]\\]*\]|[ \t\r\n]+|[^\s"()\[\]<>,:;@\\.]+|.', re.DOTALL
)
_REMEMBERED_OCTETS = 256
_COMMENT_MARK = re.compile(r"\\.|[()]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One entry of an address list. `display` is the phrase before `<`, as it stands."""

    display: str
    spec: str
    address: Address | AddressFault


@dataclass(slots=True)
class _Entry:
    """The mailbox being read: what stands outside and inside angle brackets."""

    outside: list[str] = field(default_factory=list)
    inside: list[str] | None = None
    closed: bool = False

    def trailing(self, word: str) -> None:
        """Let text behind the brackets spoil the address."""
        assert self.inside is not None  # it was closed
        self.inside += (" ", word)

    def mailbox(self) -> Mailbox | None:
        if self.inside is None:
            spec, display = _joined(self.outside), ""
            if not spec:
                return None
        else:
            spec, display = _joined(self.inside), "".join(self.outside).strip()
            if spec.startswith("@"):  # RFC 5322 §4.4: a route means nothing any more
                spec = spec.rpartition(":")[2]
        return Mailbox(display, spec, Address.parse(spec))


def mailboxes(value: bytes) -> tuple[Mailbox, ...]:
    """Give every mailbox of an unfolded field value, those inside groups included."""
    return _known(value) if len(value) <= _REMEMBERED_OCTETS else _read(value)


def _read(value: bytes) -> tuple[Mailbox, ...]:
    found: list[Mailbox] = []
    entry = _Entry()
    for word in _tokens(value.decode("latin-1")):
        if entry.inside is not None and not entry.closed:
            if word == ">":
                entry.closed = True
            else:
                entry.inside.append(word)
        elif word == "<" and entry.inside is None:
            entry.inside = []
        elif word in (",", ";"):
            found += filter(None, [entry.mailbox()])
            entry = _Entry()
        elif word == ":":  # what stands before it is the name of a group, or a fault
            if "@" in entry.outside:
                entry.outside.append(word)
                found += filter(None, [entry.mailbox()])
            entry = _Entry()
        elif not entry.closed:
            entry.outside.append(word)
        elif not word.isspace():  # text behind the brackets: no grammar has it
            entry.trailing(word)
    found += filter(None, [entry.mailbox()])
    return tuple(found)


# Each message asks twice (policy, then shape), and programs write with few names: 500 values are
# kept, half a megabyte at most.
_known = lru_cache(maxsize=500)(_read)


def _tokens(text: str) -> Iterator[str]:
    """Cut into tokens, each comment one blank."""
    position = 0
    while position < len(text):
        if text[position] == "(":
            position = after_comment(text, position)
            yield " "
            continue
        match = _TOKEN.match(text, position)
        assert match is not None  # its last alternative takes any character
        yield match.group()
        position = match.end()


def after_comment(text: str, position: int) -> int:
    """Find the end of a comment, nested ones included; one that does not end takes the rest."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, position):
        depth += {"(": 1, ")": -1}.get(mark.group(), 0)
        if depth == 0:
            return mark.end()
    return len(text)


def _joined(tokens: list[str]) -> str:
    """Join an address; blanks may stand around its dots and its at-sign, and nowhere else."""
    joined: list[str] = []
    blank = False
    for token in tokens:
        if token.isspace():
            blank = bool(joined)
            continue
        if blank and token not in (".", "@") and joined[-1] not in (".", "@"):
            joined.append(" ")
        joined.append(token)
        blank = False
    return "".join(joined)
