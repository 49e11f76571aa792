"""What has a value at any moment, read when the metrics are scraped.

Errors: none; a store that cannot say how old its oldest entry is leaves the gauge without a value.
"""

from collections import Counter
from datetime import datetime

from relay.model.clock import Clock
from relay.model.ports import QueueControl, StoreFault
from relay.service.assembly import Assembly
from relay.telemetry import Metrics, ScrapeTime

LOOK_EACH = 15.0  # seconds between two looks at the age of the queue


class OldestEntry:
    """Keeps at hand when the oldest entry of the queue was received, which takes I/O to know."""

    def __init__(self, control: QueueControl, clock: Clock) -> None:
        self._control = control
        self._clock = clock
        self._received_at: datetime | None = None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            oldest = await self._control.oldest()
            self._received_at = None if isinstance(oldest, StoreFault) else oldest
            await self._clock.sleep(LOOK_EACH)

    def age(self) -> dict[tuple[str, ...], float]:
        """Give its age in seconds; an empty queue has none: 0."""
        if self._received_at is None:
            return {(): 0.0}
        return {(): max(0.0, (self._clock.now() - self._received_at).total_seconds())}


class Gauges:
    """Tells the metrics where to look."""

    def __init__(self, parts: Assembly) -> None:
        self._parts = parts

    def register(self, metrics: Metrics) -> None:
        """Register every reading of this worker."""
        metrics.read(ScrapeTime.SMTP_SESSIONS, lambda: {(): float(self._parts.listeners.sessions)})
        metrics.read(ScrapeTime.QUEUE_MESSAGES, self._messages)
        metrics.read(ScrapeTime.SEND_RATE, self._rates)
        metrics.read(ScrapeTime.SEND_RATE_LIMIT, self._limits)
        metrics.read(ScrapeTime.QUOTA_USED, self._quotas)

    def _messages(self) -> dict[tuple[str, ...], float]:
        counts: Counter[tuple[str, ...]] = Counter()
        for line in self._parts.runner.backlog:
            lane = line.key.lane.value
            counts[("waiting", lane)] += line.waiting
            counts[("leased", lane)] += line.leased
            counts[("held", lane)] += line.held
        return {labels: float(count) for labels, count in counts.items()}

    def _rates(self) -> dict[tuple[str, ...], float]:
        return {(name,): route.rate for name, route in self._parts.scheduler.status().items()}

    def _limits(self) -> dict[tuple[str, ...], float]:
        return {
            (name,): route.limit
            for name, route in self._parts.scheduler.status().items()
            if route.limit is not None
        }

    def _quotas(self) -> dict[tuple[str, ...], float]:
        return {
            (name,): route.sent_last_24_hours / route.max_24_hour_send
            for name, route in self._parts.scheduler.status().items()
            if route.max_24_hour_send
        }
