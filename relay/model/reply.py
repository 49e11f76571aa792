"""One SMTP reply.

Standards: RFC 5321 §4.2 (basic codes), RFC 3463 and RFC 2034 (enhanced codes).
Errors: `ValueError` when a reply contradicts itself; that is a bug of ours, never the peer's.
"""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Reply:
    """A basic code, an enhanced code and a text of one line.

    `enhanced` is empty only where RFC 2034 §4 has none: greeting, EHLO and 3xx.
    """

    code: int
    enhanced: str
    text: str

    def __post_init__(self) -> None:
        if not 200 <= self.code <= 599:
            raise ValueError(f"not a reply code: {self.code}")
        if self.enhanced and self.enhanced[0] != str(self.code)[0]:
            raise ValueError(f"reply classes differ: {self.code} {self.enhanced}")
        if not self.enhanced and self.code >= 400:
            raise ValueError(f"{self.code} needs an enhanced code")
        if "\r" in self.text or "\n" in self.text:
            raise ValueError("a reply's text is one line")

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)

    @property
    def positive(self) -> bool:
        """Whether the peer may go on (2yz, 3yz)."""
        return self.code < 400

    @property
    def transient(self) -> bool:
        """Whether the peer should try again later (4yz)."""
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        """Whether trying again is useless (5yz)."""
        return self.code >= 500

    def saying(self, text: str) -> Self:
        """Give the same codes with another text, cut to a reply line (RFC 5321 §4.5.3.1.5)."""
        line = " ".join(text.split())
        if not (line.isascii() and line.isprintable()):
            line = "".join(c if " " <= c <= "~" else "?" for c in line)
        return type(self)(self.code, self.enhanced, line[:480])
