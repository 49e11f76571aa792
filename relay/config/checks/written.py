"""Which options the operator wrote, as against those that have their default.

Errors: none.
"""

from collections.abc import Container
from dataclasses import dataclass

from relay.config.fault import Loc


@dataclass(frozen=True, slots=True)
class Written:
    """The places that the file has."""

    places: Container[Loc]

    def has(self, *loc: str | int) -> bool:
        """Say if the file gives this option."""
        return loc in self.places
