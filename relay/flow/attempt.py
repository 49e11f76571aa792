"""One request to SES: wait for a turn, hand it over, say what became of it.

The only place that calls the transport, for fresh mail and backlog alike; the scheduler's `turn`
is the only way to it. SES has no idempotency token, so nothing here ever tries twice.
Errors: none of its own. A bug in the transport leaves through here, after the scheduler has heard
that the turn is over.
"""

from collections.abc import Awaitable, Callable

from relay.model.clock import Clock
from relay.model.message import Message, Request
from relay.model.outcome import Deferred, Outcome
from relay.model.ports import QueueKey, Scheduler, Transport
from relay.telemetry import Attempt, Telemetry


class Attempts:
    """Makes requests."""

    def __init__(
        self, scheduler: Scheduler, transport: Transport, telemetry: Telemetry, clock: Clock
    ) -> None:
        self._scheduler = scheduler
        self._transport = transport
        self._telemetry = telemetry
        self._clock = clock

    def largest(self, key: QueueKey) -> int:
        """Give how many recipients one request of this key may have."""
        return self._scheduler.largest(key)

    async def attempt(
        self,
        message: Message,
        request: Request,
        *,
        number: int = 1,
        deadline: float | None,
        prepare: Callable[[], Awaitable[Message | Deferred]] | None = None,
    ) -> Outcome:
        """Make one request; `deadline` (monotonic seconds) bounds the wait for its turn only.

        A kept message is prepared when its turn has come: its attempt recorded, its content
        fetched. A request under way is never cut off here: the transport has its own deadline.
        """
        key = QueueKey(message.route, message.lane, message.user)
        turn = await self._scheduler.turn(key, message.scopes, len(request.recipients), deadline)
        if isinstance(turn, Deferred):
            waits = Attempt(number=number, delay_s=self._delay(turn))
            self._telemetry.message.deferred(message, request, turn, waits)
            return turn
        began = self._clock.monotonic()
        outcome: Outcome | None = None
        try:
            prepared = message if prepare is None else await prepare()
            if isinstance(prepared, Deferred):
                return prepared
            outcome = await self._transport.send(prepared, request)
        finally:
            self._scheduler.learn(turn, outcome)
        duration = self._clock.monotonic() - began
        made = Attempt(number=number, duration_s=duration, delay_s=self._delay(outcome))
        self._telemetry.message.attempted(message, request, outcome, made)
        return outcome

    def _delay(self, outcome: Outcome) -> float | None:
        """Give the seconds until the time that was named; None where the backoff decides."""
        if not isinstance(outcome, Deferred) or outcome.not_before is None:
            return None
        return max(0.0, (outcome.not_before - self._clock.now()).total_seconds())
