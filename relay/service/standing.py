"""What goes bad by itself while the relay runs: certificates and keys whose time ends.

The part of `ses-relay check` that depends on the day alone, made anew every hour and shown with
readiness and on the dashboard, so that nobody learns of an expired certificate from a client.

Errors: none; what is found is a warning, in the words of the check.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from relay.model.clock import Clock
from relay.model.settings import Settings
from relay.service.check.certificates import check_time
from relay.service.check.dkim import check_keys
from relay.service.check.finding import State

LOOK_EACH = 3600.0  # seconds


@dataclass(slots=True)
class Standing:
    """Looks again and again, and remembers what it saw last."""

    settings: Callable[[], Settings]
    clock: Clock
    warnings: tuple[str, ...] = ()

    async def run(self) -> None:
        """Look for ever; at once for the first time."""
        while True:
            await self.look()
            await self.clock.sleep(LOOK_EACH)

    async def look(self) -> None:
        """Look once; the files are read in a thread."""
        self.warnings = await asyncio.to_thread(self._found)

    def _found(self) -> tuple[str, ...]:
        settings, now = self.settings(), self.clock.now()
        return tuple(
            f"{finding.about} {finding.says}: {finding.fix}"
            for finding in (*check_time(settings, now), *check_keys(settings, None, now))
            if finding.state is not State.OK
        )
