"""How long this node's leases still run, on its monotonic clock.

An entry says until when it is leased in wall time, which may jump between the moment that was said
and the moment it is recorded again. The database counts in its own time from what is left, so what
is left must not depend on the jump.

Errors: none.
"""

from datetime import datetime

from relay.model.clock import Clock

_MANY = 20_000  # remembered; then those that have ended are forgotten


class Leases:
    """What was said of each lease, and when it ends in monotonic seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: dict[str, tuple[datetime, float]] = {}

    def left(self, queue_id: str, until: datetime | None) -> int | None:
        """Give the microseconds left of a lease; one that is said anew begins now."""
        if until is None:
            return None
        said = self._said.get(queue_id)
        if said is not None and said[0] == until:
            return round((said[1] - self._clock.monotonic()) * 1e6)
        return round((until - self._clock.now()).total_seconds() * 1e6)

    def remember(self, queue_id: str, until: datetime | None, left: int | None) -> None:
        """Know what the database has committed."""
        if until is None or left is None:
            self._said.pop(queue_id, None)
            return
        if len(self._said) >= _MANY:
            now = self._clock.monotonic()
            self._said = {key: said for key, said in self._said.items() if said[1] > now}
        self._said[queue_id] = until, self._clock.monotonic() + left / 1e6
