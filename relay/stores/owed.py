"""Which verdicts are owed, known in memory: nearly every message asks, and hardly any is owed one.

What this process keeps is known at once, what another process keeps within a second; a client that
did not hear its verdict needs longer to come back.

Errors: `StoreFault` of whoever reads the list.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from relay.model.clock import Clock
from relay.model.ports import StoreFault

FRESH = 1.0  # seconds for which the list in memory counts as complete

Listing = Callable[[], Awaitable[Iterable[bytes] | StoreFault]]


class OwedVerdicts:
    """The fingerprints of all verdicts that are kept."""

    def __init__(self, listing: Listing, clock: Clock) -> None:
        self._listing = listing
        self._clock = clock
        self._known: set[bytes] = set()
        self._added: set[bytes] = set()  # while the list was being read
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()

    def surely_without(self, fingerprint: bytes) -> bool:
        """Say that no verdict on this message is kept; False: `may_have` must be asked."""
        return not self._stale() and fingerprint not in self._known

    async def may_have(self, fingerprint: bytes) -> bool | StoreFault:
        """Say False only where no verdict on this message is kept."""
        if self._stale():
            async with self._looking:  # whoever comes meanwhile waits for what is found
                if self._stale() and (fault := await self._look()):
                    return fault
        return fingerprint in self._known

    def _stale(self) -> bool:
        return self._clock.monotonic() - self._looked_at >= FRESH

    async def _look(self) -> StoreFault | None:
        self._added = set()
        listed = await self._listing()
        self._looked_at = self._clock.monotonic()  # a store that is ill is asked once a second
        if isinstance(listed, StoreFault):
            return listed
        self._known = {*listed, *self._added}
        return None

    def add(self, fingerprint: bytes) -> None:
        """Know of a verdict that is being kept."""
        self._known.add(fingerprint)
        self._added.add(fingerprint)
