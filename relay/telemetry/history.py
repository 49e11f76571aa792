"""The history that keeps nothing itself and passes on what it hears.

Errors: none.
"""

from collections.abc import Mapping
from datetime import datetime

from relay.model.ports import History


class Histories:
    """Several histories as one: what the dashboard shows and what `trace` reads from the store."""

    def __init__(self, *histories: History) -> None:
        self._histories = histories

    def note(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Tell each of them."""
        for history in self._histories:
            history.note(event, at, facts)
