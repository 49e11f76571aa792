"""The store as the dashboard uses it: looked at, and changed by an operator's word.

Errors: what the store cannot say is a `StoreFault`, shown in its own words.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from relay.model.clock import Clock
from relay.model.custody import QueueCount, ScopeHold
from relay.model.ports import History, Holds, QueueControl, StoreFault, Suppression, Trace

SHORTEST = 1.0  # seconds between two counts
RESTING = 19.0  # times the length of a count before the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The ports that the dashboard needs of a store."""

    control: QueueControl
    holds: Holds
    suppression: Suppression
    trace: Trace
    history: History  # an operator's word is part of a message's life


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept and what is held at one moment."""

    counts: Sequence[QueueCount]
    holds: Sequence[ScopeHold]


class Census:
    """Counts the queue for whoever looks, no more often than the store can bear.

    A count takes seconds where a million messages wait, in the thread that also answers for RCPT:
    so that however many look, it takes a twentieth of that thread's time at most.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counting = asyncio.Lock()
        self._again_at = float("-inf")
        self._counts: Sequence[QueueCount] | StoreFault = ()

    async def look(self) -> Kept | StoreFault:
        """Give the newest count there is, and the holds of now."""
        async with self._counting:
            began = self._clock.monotonic()
            if began >= self._again_at:
                self._counts = await self._store.control.summary(self._clock.now())
                ended = self._clock.monotonic()
                self._again_at = ended + max(SHORTEST, RESTING * (ended - began))
        if isinstance(self._counts, StoreFault):
            return self._counts
        holds = await self._store.holds.holds(self._clock.now())
        return holds if isinstance(holds, StoreFault) else Kept(self._counts, holds)
