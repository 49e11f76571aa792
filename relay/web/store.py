"""The store as the dashboard uses it: looked at, and changed by an operator's word.

Errors: what the store cannot say is a `StoreFault`, shown in its own words.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from relay.model.custody import QueueCount, ScopeHold
from relay.model.ports import History, Holds, QueueControl, StoreFault, Suppression, Trace
from relay.web.recent import Happening, Life

_MOST_EVENTS = 500


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


async def look(store: Store, now: datetime) -> Kept | StoreFault:
    """Count the queue, and list the holds."""
    counts, holds = await asyncio.gather(store.control.summary(now), store.holds.holds(now))
    if isinstance(counts, StoreFault):
        return counts
    return holds if isinstance(holds, StoreFault) else Kept(counts, holds)


async def lives(store: Store, about: str) -> list[Life]:
    """Give the messages that the history knows by this id or address, the newest first."""
    found = await store.trace.trace(about, _MOST_EVENTS)
    if isinstance(found, StoreFault):
        return []  # what is in memory is shown all the same; `store.fault` is logged elsewhere
    by_id: dict[str, Life] = {}
    for event in found:
        happening = Happening(event.event, event.at, event.facts)
        if queue_id := happening.text("queue_id"):
            by_id.setdefault(queue_id, Life(queue_id)).events.append(happening)
    return list(by_id.values())[::-1]
