"""The turns of one route: who waits, who goes, what is under way.

A request that nobody stands before and that may go now costs a few look-ups; all others wait in
the lanes. Waiters are looked at when an outcome comes in and when the one timer fires, which
stands at the next credit or the next deadline, whichever is first.

Errors: `ValueError` when an outcome is reported for a request that is not under way; that is a bug
of the caller.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from heapq import heappop, heappush
from math import inf

from relay.model import replies
from relay.model.clock import Clock
from relay.model.outcome import Cause, Deferred, Outcome, Scope, ScopeKind
from relay.model.ports import Granted, QueueKey
from relay.model.reply import Reply
from relay.model.settings import Route
from relay.scheduler.gates import Gates
from relay.scheduler.lanes import Lanes, Waiter
from relay.scheduler.notices import Notice, RouteStatus
from relay.scheduler.pace import Pace


@dataclass(slots=True)
class Flight:
    """One request under way."""

    granted: Granted
    at: float  # monotonic seconds
    waited: bool


class RouteTurns:
    """Decides who of one route goes next."""

    def __init__(
        self, name: str, gates: Gates, clock: Clock, tell: Callable[[Notice], None]
    ) -> None:
        self.scope = Scope(ScopeKind.ROUTE, name)
        self.pace = Pace(name, clock, tell)
        self._gates = gates
        self._clock = clock
        self._settings: Route | None = None
        self._closed: Deferred | None = None  # why there are no turns at all
        self._in_flight = 0  # requests at most
        self._flights: dict[int, Flight] = {}
        self._lanes = Lanes()
        self._deadlines: list[tuple[float, int, Waiter]] = []
        self._number = 0  # breaks ties between deadlines
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf

    @property
    def fallback(self) -> str | None:
        """The route to use while this one cannot be reached."""
        return None if self._settings is None else self._settings.fallback

    @property
    def configured(self) -> bool:
        """Whether the configuration has this route."""
        return self._settings is not None

    def configure(self, settings: Route | None, in_flight: int) -> None:
        """Take over new settings. None: the route is no longer configured, and gives no turns."""
        self._in_flight = in_flight
        before, self._settings = self._settings, settings
        if before is not None and (settings is None or settings.account != before.account):
            self.pace.begin_anew()
        if settings is None:
            self.close(Cause.HELD, replies.HELD, "the route is not in the configuration")
        else:
            self._closed = None
            self.pace.configure(settings)
            self.dispatch()

    def close(self, cause: Cause, reply: Reply, detail: str = "") -> None:
        """Give no more turns: who waits is put off, and so is who comes."""
        self._closed = Deferred(cause=cause, scope=self.scope, reply=reply, detail=detail)
        self.dispatch()

    async def turn(
        self, key: QueueKey, scopes: tuple[Scope, ...], recipients: int, deadline: float | None
    ) -> Granted | Deferred:
        """Wait for a turn that `refusal` does not speak against."""
        now = self._clock.monotonic()
        if not self._lanes and self._may_go(now):
            return self._grant(key, scopes, recipients, waited=False)
        if deadline is not None:
            # Others may go before as well; those of its own key do in any case.
            wait = self._wait(key, now)
            if now + wait > deadline:
                return self._too_late(now, wait)
        answer: asyncio.Future[Granted | Deferred] = asyncio.get_running_loop().create_future()
        waiter = Waiter(
            key=key, scopes=scopes, recipients=recipients, deadline=deadline, answer=answer
        )
        self._lanes.add(waiter)
        if deadline is not None:
            self._number += 1
            heappush(self._deadlines, (deadline, self._number, waiter))
        self._arm(now)
        try:
            return await answer
        except asyncio.CancelledError:
            self._abandon(waiter)
            raise

    def _abandon(self, waiter: Waiter) -> None:
        if waiter.waiting:
            self._lanes.remove(waiter)
        elif not waiter.answer.cancelled() and isinstance(got := waiter.answer.result(), Granted):
            # The turn came in the moment before the cancellation.
            for scope in got.probes:
                self._gates.learn(scope, None)
            self.settle(got, None)
            self.dispatch()

    def refusal(self, key: QueueKey, scopes: tuple[Scope, ...]) -> Deferred | None:
        """Say what stands in the way of a request and will not pass by waiting a little."""
        obstacle = self._closed or self._gates.obstacle(scopes)
        if obstacle is not None:
            return obstacle
        wait = self.pace.used_up(key.lane)
        return None if wait is None else self._put_off(Cause.QUOTA, replies.QUOTA_USED, wait)

    def settle(self, granted: Granted, outcome: Outcome | None) -> None:
        """Take a request back whose outcome is known."""
        flight = self._flights.pop(id(granted), None)
        if flight is None:
            raise ValueError(f"this request is not under way: {granted}")
        self.pace.settle(granted.recipients, outcome, granted_at=flight.at, waited=flight.waited)

    def _may_go(self, now: float) -> bool:
        if len(self._flights) >= self._in_flight:
            return False
        if not self.pace.wait(now):
            return True
        self.pace.starve()
        return False

    def _wait(self, key: QueueKey, now: float) -> float:
        line = self._lanes.line(key)
        return self.pace.wait(now, ahead=line.recipients if line else 0)

    def _grant(
        self, key: QueueKey, scopes: tuple[Scope, ...], recipients: int, *, waited: bool
    ) -> Granted:
        probes = self._gates.probe(scopes)
        granted = Granted(key=key, recipients=recipients, scopes=scopes, probes=probes)
        self.pace.take(recipients)
        self._flights[id(granted)] = Flight(granted, self._clock.monotonic(), waited)
        return granted

    def _too_late(self, now: float, wait: float) -> Deferred:
        # Without a wait for credit it is the requests under way that take so long.
        cause = Cause.RATE if self.pace.wait(now) else Cause.WAITING
        return self._put_off(cause, replies.NO_TURN, wait)

    def _put_off(self, cause: Cause, reply: Reply, wait: float) -> Deferred:
        not_before = self._clock.now() + timedelta(seconds=wait)
        return Deferred(cause=cause, scope=self.scope, reply=reply, not_before=not_before)

    def behind_older_mail(self, key: QueueKey) -> Deferred:
        """Put fresh mail off whose key has older mail in the queue; it is due as soon as that."""
        return Deferred(
            cause=Cause.WAITING,
            scope=Scope(ScopeKind.USER, key.user),
            reply=replies.NO_TURN,
            not_before=self._clock.now(),
        )

    def stand_back(self, key: QueueKey) -> None:
        """Answer the fresh mail of a key that waits: an older message of it is being kept."""
        line = self._lanes.line(key)
        for waiter in tuple(line.waiters) if line else ():
            if waiter.deadline is not None:
                self._send_away(waiter, self.behind_older_mail(key))
        self.dispatch()

    def sweep(self) -> None:
        """Answer all who wait in a scope that was held meanwhile, not only who is next."""
        for waiter in tuple(self._lanes.all()):
            refusal = self.refusal(waiter.key, waiter.scopes)
            if refusal is not None:
                self._send_away(waiter, refusal)
        self.dispatch()

    def allowance(self, key: QueueKey) -> int:
        """Give how much kept mail of a key may be in work at a time."""
        scopes = (self.scope, Scope(ScopeKind.USER, key.user))
        return 0 if self.refusal(key, scopes) is not None else self.pace.claims()

    def status(self) -> RouteStatus:
        """Show the route as it stands."""
        return self.pace.status(self._lanes.waiting(), len(self._flights))

    def dispatch(self) -> None:
        """Give everybody their turn who can have it now, and an answer to those who cannot."""
        now = self._clock.monotonic()
        while (waiter := self._lanes.next()) is not None:
            refusal = self.refusal(waiter.key, waiter.scopes)
            if refusal is not None or waiter.answer.cancelled():
                self._send_away(waiter, refusal)
            elif self._may_go(now):
                self._lanes.serve(waiter)
                granted = self._grant(waiter.key, waiter.scopes, waiter.recipients, waited=True)
                waiter.answer.set_result(granted)
            else:
                break
        # After the grants: who could go at the deadline went.
        while self._deadlines and self._deadlines[0][0] <= now:
            waiter = heappop(self._deadlines)[2]
            if waiter.waiting:
                self._send_away(waiter, self._too_late(now, self._wait(waiter.key, now)))
        self._arm(now)

    def _send_away(self, waiter: Waiter, refusal: Deferred | None) -> None:
        """Answer a waiter; one whose task was cancelled hears nothing any more."""
        self._lanes.remove(waiter)
        if refusal is not None and not waiter.answer.cancelled():
            waiter.answer.set_result(refusal)

    def _arm(self, now: float) -> None:
        """Set the timer to what comes first. One that stands earlier is left, and set anew then."""
        while self._deadlines and not self._deadlines[0][2].waiting:
            heappop(self._deadlines)
        at = self._deadlines[0][0] if self._deadlines else inf
        if self._lanes and len(self._flights) < self._in_flight:
            at = min(at, now + self.pace.wait(now))
        if self._timer_at <= at < inf:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at < inf:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, at - now), self._ring)
        self._timer_at = at

    def _ring(self) -> None:
        self._timer, self._timer_at = None, inf
        self.dispatch()
