"""Frees kept mail that waits for a time which a clock set back has moved far away.

When to try again is written as wall time, so that it outlives a restart. An administrator or NTP
who sets the clock back by days would have everything wait for days; but no pause is that long, so
what seems to wait longer than the longest one is due now.

Looked at when the relay starts, and whenever the wall clock has gone back against the monotonic
one. A clock that is set forward needs nothing: mail is due early, and its lifetime is told by
`relay.queue.age`.

Errors: a store that cannot be asked is told of, and asked again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from relay.model.clock import Clock
from relay.model.custody import Selection
from relay.model.ports import QueueControl, StoreFault
from relay.telemetry import Telemetry

LOOK_EACH = 15.0  # seconds
# Below this it is how clocks are kept, and nobody waits longer for it than that.
SET_BACK = timedelta(seconds=5)


@dataclass(slots=True, kw_only=True)
class Recall:
    """Watches the wall clock for the queue."""

    control: QueueControl
    longest: Callable[[], timedelta]  # pause between two attempts
    on_due: Callable[[], None]  # there is mail to claim
    telemetry: Telemetry
    clock: Clock
    _began: datetime | None = field(default=None)  # the wall time at monotonic zero; None: unknown

    async def run(self) -> None:
        """Look for ever; at once for the first time."""
        while True:
            await self.look()
            await self.clock.sleep(LOOK_EACH)

    async def look(self) -> None:
        """Look at the clock, and at the queue where that was set back or was not known before."""
        began = self.clock.now() - timedelta(seconds=self.clock.monotonic())
        if self._began is not None and began > self._began - SET_BACK:
            self._began = max(began, self._began)
        elif await self._recalled():
            self._began = began

    async def _recalled(self) -> bool:
        now = self.clock.now()
        beyond = Selection(due_after=now + self.longest())
        freed = await self.control.retry(beyond, now)
        if isinstance(freed, StoreFault):
            self.telemetry.store.fault("clock", freed.reason)
            return False
        if freed.ids:
            self.telemetry.store.fault(
                "clock",
                f"{_messages(len(freed.ids))} beyond {beyond.due_after:%F %T}Z, longer than any "
                "pause: the machine's clock was set back; what waited so is due now",
            )
            self.on_due()
        return True


def _messages(number: int) -> str:
    return "1 kept message waited" if number == 1 else f"{number} kept messages waited"
