"""Record an outcome until the store has it: what is known of a request must not be forgotten.

Errors: none; a store that cannot do it is logged each time, and asked again.
"""

from collections.abc import Sequence

from relay.model.clock import Clock
from relay.model.entry import QueueEntry
from relay.model.ports import NewEntry, Queue, Stale, StoreFault
from relay.telemetry import Telemetry

# Between two tries; a full disk takes an operator, a locked database a moment.
PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)


async def record_surely(
    queue: Queue,
    entry: QueueEntry,
    spawn: Sequence[NewEntry],
    telemetry: Telemetry,
    clock: Clock,
) -> QueueEntry | Stale:
    """Record an entry and what it causes; `Stale` is final, a `StoreFault` is not."""
    tries = 0
    while True:
        recorded = await queue.record(entry, spawn)
        if not isinstance(recorded, StoreFault):
            return recorded
        telemetry.store.fault("record", recorded.reason, queue_id=entry.id)
        await clock.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
        tries += 1
