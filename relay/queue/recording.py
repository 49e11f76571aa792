"""Record an outcome until the store has it: what is known of a request must not be forgotten.

What was forgotten all the same, because a process died, is told when the entry is taken up again.

Errors: none; a store that cannot do it is logged each time, and asked again.
"""

from collections.abc import Sequence

from relay.model import replies
from relay.model.clock import Clock
from relay.model.entry import QueueEntry, RequestState
from relay.model.message import Request
from relay.model.outcome import Unknown
from relay.model.ports import NewEntry, Queue, Stale, StoreFault
from relay.telemetry import Attempt, Telemetry

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


def tell_interrupted(found: QueueEntry, taken_up: QueueEntry, telemetry: Telemetry) -> None:
    """Say of an entry which of its requests were in flight when nobody was left to hear of them."""
    lost = Unknown(reply=replies.ANSWER_LOST, detail="found in flight; its attempt did not end")
    for request in found.requests:
        if request.state is RequestState.IN_FLIGHT:
            telemetry.message.deferred(
                found.message,
                Request(number=request.number, recipients=request.recipients),
                lost,
                Attempt(number=found.attempts + 1),
            )
    if taken_up.held is not None and found.held is None:
        telemetry.message.held(found.message, taken_up.held.reason)
