"""A history that keeps nothing, for processes without a place to look back from.

Errors: none.
"""

from collections.abc import Mapping
from datetime import datetime


class NoHistory:
    """Implements `relay.model.ports.History`."""

    def note(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Forget the event."""
