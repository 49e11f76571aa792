"""One HTTP exchange as plain values, so that the whole simulator works without a network.

`HttpRequest` is what arrived, octet for octet where the signature depends on it; `Answer` is
what goes back; `Played` says how: now or late, when there is something, or not at all.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What arrived. Path and query stay percent-encoded, as the signature covers them."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    def values(self, name: str) -> list[str]:
        """All values of a header, in order of arrival; the name's case does not matter."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def value(self, name: str) -> str | None:
        """The first value of a header."""
        found = self.values(name)
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer leaves after `delay_s` seconds; the request has already had its effect."""

    answer: Answer
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is cut; not one octet is answered."""


@dataclass(frozen=True, slots=True)
class LongPoll:
    """`ask` again and again, for `wait_s` seconds or until there is something; then answer."""

    ask: Callable[[], tuple[Answer, bool]]
    """The answer of this moment, and whether there is something in it."""
    wait_s: float


Played = Answered | Cut | LongPoll


def json_answer(status: int, document: object, *headers: tuple[str, str]) -> Answer:
    """An answer in JSON with the given extra headers."""
    return Answer(
        status,
        (("Content-Type", "application/json"), *headers),
        json.dumps(document, separators=(",", ":")).encode(),
    )
