"""A message's octets: raw header fields and a body, CRLF only, never re-encoded on the way through.

Standards: RFC 5322 §2.1 (header and body), §2.2.3 (folding).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Field:
    """One header field exactly as it stands in the message, folded lines and last CRLF included.

    `name` is what stands before the colon, in lower case, blanks at its end removed.
    """

    raw: bytes
    name: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the name once: every step asks for it."""
        name = self.raw.partition(b":")[0].rstrip(b" \t\r\n").lower()
        object.__setattr__(self, "name", name)

    @property
    def value(self) -> bytes:
        """The unfolded value without the blanks around it (RFC 5322 §2.2.3)."""
        return self.raw.partition(b":")[2].replace(b"\r\n", b"").strip(b" \t")

    @classmethod
    def of(cls, name: str, value: str | bytes) -> Self:
        """Write a field; the caller folds a long value with CRLF and a blank."""
        octets = value if isinstance(value, bytes) else value.encode("ascii")
        return cls(name.encode("ascii") + b": " + octets + b"\r\n")


@dataclass(frozen=True, slots=True)
class Content:
    """A header and a body. After shaping it is never edited: what is signed is what is sent.

    `body` is what follows the empty line; a large one is a view on the octets as received, so that
    editing a header copies no body.
    """

    fields: tuple[Field, ...]
    body: bytes | memoryview

    @property
    def size(self) -> int:
        """Octets on the wire, the empty line included."""
        return sum([len(field.raw) for field in self.fields]) + 2 + len(self.body)

    def named(self, name: bytes) -> Iterator[Field]:
        """Give the fields of that name (lower case), from the top."""
        return (field for field in self.fields if field.name == name)

    def first(self, name: bytes) -> Field | None:
        """Give the topmost field of that name (lower case)."""
        return next(self.named(name), None)

    def with_fields(self, fields: Iterable[Field]) -> Self:
        """Give the same body under another header."""
        return type(self)(tuple(fields), self.body)

    @property
    def header(self) -> bytes:
        """The header's octets, without the empty line."""
        return b"".join([field.raw for field in self.fields])

    def octets(self) -> bytes:
        """Join everything: one copy of the whole message."""
        return b"".join([*[field.raw for field in self.fields], b"\r\n", self.body])
