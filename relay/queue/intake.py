"""The queue as flow sees it: what is kept is announced, so that nothing younger passes it.

The scheduler hears of a message before the store does: in the moment between, fresh mail of the
same key already stands back.
Errors: those of `relay.model.ports.Queue`, passed on.
"""

from collections.abc import Sequence

from relay.model.clock import Clock
from relay.model.entry import QueueEntry, RequestState
from relay.model.ports import (
    NewEntry,
    NoCustody,
    Queue,
    QueueKey,
    Stale,
    StoreFault,
)
from relay.queue.recording import record_surely
from relay.queue.runner import Runner
from relay.telemetry import Telemetry


class Intake:
    """Implements `relay.model.ports.Custody` over a queue with its runner."""

    def __init__(self, queue: Queue, runner: Runner, telemetry: Telemetry, clock: Clock) -> None:
        self._queue = queue
        self._runner = runner
        self._telemetry = telemetry
        self._clock = clock

    async def put(self, new: Sequence[NewEntry]) -> NoCustody | StoreFault | None:
        """Announce, then keep."""
        keys = [_key(one.entry) for one in new if _due(one.entry)]
        self._runner.expect(keys)
        try:
            return await self._queue.put(new)
        finally:
            self._runner.arrived(keys)

    async def record(self, entry: QueueEntry, spawn: Sequence[NewEntry] = ()) -> QueueEntry | Stale:
        """Record until it is recorded, and let the runner look at what is open still."""
        recorded = await record_surely(self._queue, entry, spawn, self._telemetry, self._clock)
        self._runner.wake()
        return recorded


def _key(entry: QueueEntry) -> QueueKey:
    message = entry.message
    return QueueKey(message.route, message.lane, message.user)


def _due(entry: QueueEntry) -> bool:
    return entry.held is None and any(
        request.state is RequestState.PENDING for request in entry.open_requests
    )
