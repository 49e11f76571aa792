"""One request to SES: wait for a turn, hand it over, say what became of it.

The only place that calls the transport, for fresh mail and backlog alike; the scheduler's `turn`
is the only way to it. SES has no idempotency token, so nothing here ever tries twice.
Errors: none of its own. A bug in the transport leaves through here, after the scheduler has heard
that the turn is over.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from relay.flow.fallback import UNREACHED, Fallback
from relay.model.clock import Clock
from relay.model.message import Message, Request
from relay.model.outcome import Deferred, Outcome
from relay.model.ports import Granted, QueueKey, Scheduler, Transport
from relay.telemetry import Attempt, Telemetry


class Attempts:
    """Makes requests."""

    def __init__(
        self,
        scheduler: Scheduler,
        transport: Transport,
        telemetry: Telemetry,
        clock: Clock,
        fallback: Fallback,
    ) -> None:
        self._fallback = fallback
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
        ready: Message | Deferred | None = None

        async def once() -> Message | Deferred:
            nonlocal ready
            if ready is None:
                ready = message if prepare is None else await prepare()
            return ready

        key = QueueKey(message.route, message.lane, message.user)
        turn = await self._scheduler.turn(key, message.scopes, len(request.recipients), deadline)
        if isinstance(turn, Granted):
            outcome = await self._make(turn, request, number, once)
        else:
            outcome = turn
        if isinstance(outcome, Deferred):
            elsewhere = await self._elsewhere(message, request, outcome, deadline)
            if elsewhere is not None:
                return await self._make(elsewhere, request, number, once, outcome)
        if isinstance(turn, Deferred):
            waits = Attempt(number=number, delay_s=self._delay(turn))
            self._telemetry.message.deferred(message, request, turn, waits)
        return outcome

    async def _make(
        self,
        turn: Granted,
        request: Request,
        number: int,
        ready: Callable[[], Awaitable[Message | Deferred]],
        waits: Deferred | None = None,
    ) -> Outcome:
        """Make a request that has its turn; `waits`: why it is not its own route's."""
        began = self._clock.monotonic()
        outcome: Outcome | None = None
        try:
            message = await ready()
            if isinstance(message, Deferred):
                return message
            if waits is not None:
                moved = self._fallback.moved(message, turn.key.route)
                if moved is None:  # another request has shown meanwhile that it is no use
                    return waits
                message = moved
            outcome = await self._transport.send(message, request)
        finally:
            self._scheduler.learn(turn, outcome)
        duration = self._clock.monotonic() - began
        if waits is not None:
            outcome = self._fallback.read(outcome, message, waits)
        made = Attempt(number=number, duration_s=duration, delay_s=self._delay(outcome))
        self._telemetry.message.attempted(message, request, outcome, made)
        return outcome

    async def _elsewhere(
        self, message: Message, request: Request, waits: Deferred, deadline: float | None
    ) -> Granted | None:
        """Wait for a turn of the route that stands in where the message's own is not reached."""
        if waits.cause not in UNREACHED or request.unknowns:
            return None
        key = QueueKey(message.route, message.lane, message.user)
        route = self._scheduler.instead(key, message.scopes, fresh=deadline is not None)
        moved = None if route is None else self._fallback.moved(message, route)
        if moved is None:
            return None
        key = replace(key, route=moved.route)
        turn = await self._scheduler.turn(key, moved.scopes, len(request.recipients), deadline)
        return turn if isinstance(turn, Granted) else None

    def _delay(self, outcome: Outcome) -> float | None:
        """Give the seconds until the time that was named; None where the backoff decides."""
        if not isinstance(outcome, Deferred) or outcome.not_before is None:
            return None
        return max(0.0, (outcome.not_before - self._clock.now()).total_seconds())
