"""What became of recipients minute by minute, and how fast they go out at this moment.

Errors: none.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

SHOWN = 60
OUTCOMES: Mapping[str, str] = {
    "message.relayed": "relayed",
    "message.deferred": "deferred",
    "message.failed": "failed",
    "message.expired": "failed",
}
_MINUTE, _SECOND = timedelta(minutes=1), timedelta(seconds=1)
_NOW = 10  # seconds that count as this moment


class Minutes:
    """Counts by outcome, for the last hour."""

    def __init__(self) -> None:
        self._counts: deque[tuple[datetime, Counter[str]]] = deque(maxlen=SHOWN)

    def note(self, event: str, at: datetime, recipients: int) -> None:
        """Count one event; those that are no outcome of a request are passed over."""
        outcome = OUTCOMES.get(event)
        if outcome is None:
            return
        minute = at.replace(second=0, microsecond=0)
        if not self._counts or self._counts[-1][0] < minute:
            self._counts.append((minute, Counter()))
        # After the clock was set back, the newest minute goes on counting.
        self._counts[-1][1][outcome] += recipients

    def until(self, now: datetime) -> Sequence[tuple[datetime, Mapping[str, int]]]:
        """Give the last hour, the oldest minute first; quiet minutes among them."""
        last = now.replace(second=0, microsecond=0)
        known = dict(self._counts)
        minutes = [last - place * _MINUTE for place in reversed(range(SHOWN))]
        return [(minute, known.get(minute, Counter())) for minute in minutes]


class Pulse:
    """Recipients that SES took in the last seconds, by route."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[datetime, Counter[str]]] = deque(maxlen=_NOW + 1)

    def note(self, route: str, at: datetime, recipients: int) -> None:
        """Count the recipients of one request."""
        second = at.replace(microsecond=0)
        if not self._seconds or self._seconds[-1][0] < second:
            self._seconds.append((second, Counter()))
        self._seconds[-1][1][route] += recipients

    def rate(self, route: str, now: datetime) -> float:
        """Give recipients per second, over the last whole seconds."""
        end = now.replace(microsecond=0)
        since = end - _NOW * _SECOND
        taken = sum(counts[route] for second, counts in self._seconds if since <= second < end)
        return taken / _NOW
