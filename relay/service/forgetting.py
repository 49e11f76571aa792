"""Removes what is older than the history goes back, a piece at a time, so that mail never waits.

A history that was shortened from a month to a day has millions of rows to lose: it loses them over
minutes, beside the mail of that time.

Errors: none; a store that has a fault is asked again later.
"""

from dataclasses import dataclass

from relay.model.clock import Clock
from relay.model.ports import StoreFault, Trace

LOOK_EACH = 30.0  # seconds between two looks
PAUSE = 0.1  # seconds between two pieces, a thousand rows each


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Keeps the history as short as the configuration wants it."""

    trace: Trace
    clock: Clock

    async def run(self) -> None:
        """Forget for ever."""
        while True:
            gone = await self.trace.forget(self.clock.now())
            behind = gone and not isinstance(gone, StoreFault)
            await self.clock.sleep(PAUSE if behind else LOOK_EACH)
