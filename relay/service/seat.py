"""Which of how many workers a process is.

Errors: none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Workers are counted from 0."""

    number: int = 0
    workers: int = 1

    def share(self, left_over: Iterable[int]) -> Iterator[int]:
        """Give those of the slots that have no worker which this one drains."""
        return (slot for slot in left_over if slot % self.workers == self.number)
