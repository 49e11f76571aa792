"""The only source of time: injected everywhere, so that tests can let an hour pass at once."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for records and signatures, monotonic time for waiting."""

    def now(self) -> datetime:
        """Return the wall time, aware, in UTC. It may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards; the same scale as the event loop's time."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; not at all when `seconds` is zero or less."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the wall time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the monotonic clock, which is also the event loop's."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(max(seconds, 0.0))
