"""A set of addresses in eight octets each, to say "not there" without asking the database.

A million addresses are 8 MB here and a look-up is a microsecond or two. A print that is found means
"perhaps": two addresses may share one, or the address was removed since.

Errors: none.
"""

from array import array
from bisect import bisect_left
from hashlib import blake2b

_RECENT = 4096  # prints in the small set; more become a segment
_SEGMENTS = 16


def print_of(address: str) -> int:
    """Give an address's print: 64 bits, signed, as databases keep numbers."""
    return int.from_bytes(blake2b(address.encode(), digest_size=8).digest(), "big", signed=True)


class Prints:
    """Grows only; whoever wants it small again makes a new one.

    Sorted segments beside a small set: adding never copies what is there, which for a million
    prints would stop the event loop.
    """

    def __init__(self) -> None:
        self._segments: list[array[int]] = []
        self._recent: set[int] = set()

    @property
    def crowded(self) -> bool:
        """Whether look-ups have become slow and a fresh start would pay."""
        return len(self._segments) > _SEGMENTS

    def add(self, ascending: "array[int]") -> None:
        """Take prints in."""
        if len(ascending) > _RECENT:
            self._segments.append(ascending)
            return
        self._recent.update(ascending)
        if len(self._recent) > _RECENT:
            self._segments.append(array("q", sorted(self._recent)))
            self._recent = set()

    def may_have(self, address: str) -> bool:
        """Say False only where the address was never added."""
        wanted = print_of(address)
        if wanted in self._recent:
            return True
        for segment in self._segments:
            place = bisect_left(segment, wanted)
            if place < len(segment) and segment[place] == wanted:
                return True
        return False
