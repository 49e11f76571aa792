"""The turns of one route: credit, quota, lanes and the requests under way.

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

from relay.model import replies
from relay.model.account import AccountState
from relay.model.clock import Clock
from relay.model.outcome import Cause, Deferred, Outcome, Relayed, Scope, ScopeKind, Unknown
from relay.model.ports import Granted, QueueKey
from relay.model.reply import Reply
from relay.model.settings import Auto, Route
from relay.scheduler.gates import Gates
from relay.scheduler.lanes import Lanes, Waiter
from relay.scheduler.notices import Notice, RateChanged, RouteStatus
from relay.scheduler.quota import Quota
from relay.scheduler.throttle import Throttle

REQUEST_SECONDS = 1.0  # of the rate: what one request may cost those who come after it
CLAIM_SECONDS = 2.0  # of the rate: what a key's backlog may have in work


@dataclass(slots=True)
class Flight:
    """One request under way."""

    granted: Granted
    at: float  # monotonic seconds
    waited: bool


def behind_older_mail(key: QueueKey) -> Deferred:
    """Put fresh mail off whose key has older mail in the queue."""
    scope = Scope(ScopeKind.USER, key.user)
    return Deferred(cause=Cause.WAITING, scope=scope, reply=replies.NO_TURN)


class RouteTurns:
    """Decides who of one route goes next."""

    def __init__(
        self, name: str, gates: Gates, clock: Clock, tell: Callable[[Notice], None]
    ) -> None:
        self.scope = Scope(ScopeKind.ROUTE, name)
        self._gates = gates
        self._clock = clock
        self._tell = tell
        self._settings: Route | None = None
        self._closed: Deferred | None = self._unknown()  # why the route gives no turns at all
        self._account_rate: float | None = None
        self._in_flight_limit = 0
        self._throttle = Throttle(clock.monotonic())
        self._slowed = False
        self._quota = Quota()
        self._lanes = Lanes()
        self._flights: dict[int, Flight] = {}
        self._deadlines: list[tuple[float, int, Waiter]] = []
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None

    # --- what the operator and the account say ---------------------------------------------------

    def configure(self, settings: Route | None, in_flight: int) -> None:
        """Take over new settings. None: the route is no longer configured."""
        self._settings = settings
        self._in_flight_limit = in_flight
        self._closed = None if settings else self._unknown()
        self._limit_rate()

    def stop(self) -> None:
        """Give no more turns."""
        self._closed = Deferred(cause=Cause.STOPPING, scope=self.scope, reply=replies.STOPPING)
        self.dispatch()

    def _unknown(self) -> Deferred:
        detail = "the route is not in the configuration"
        return Deferred(cause=Cause.HELD, scope=self.scope, reply=replies.HELD, detail=detail)

    def account(self, state: AccountState) -> None:
        """Take over what SES says of the account."""
        if state.max_send_rate > 0:  # an account that is shut down may say 0
            self._account_rate = state.max_send_rate
        self._limit_rate()
        now = self._clock.monotonic()
        self._quota.learn(state.max_24_hour_send, state.sent_last_24_hours, now)

    def _limit_rate(self) -> None:
        if self._settings is None:
            return
        known = [self._account_rate, self._settings.max_send_rate]
        rates = [rate for rate in known if rate is not None and not isinstance(rate, Auto)]
        if rates:
            ceiling = min(rates) * self._settings.headroom
            if ceiling != self._throttle.ceiling:
                self._throttle.limit(ceiling, self._clock.monotonic())
                self._tell_rate()

    # --- turns -----------------------------------------------------------------------------------

    async def turn(
        self, key: QueueKey, scopes: tuple[Scope, ...], recipients: int, deadline: float | None
    ) -> Granted | Deferred:
        """Wait for a turn; see `relay.model.ports.Scheduler.turn`."""
        refusal = self.refusal(key, scopes)
        if refusal is not None:
            return refusal
        now = self._clock.monotonic()
        if not self._lanes and self._may_go(now):
            return self._grant(key, scopes, recipients, waited=False)
        line = self._lanes.line(key)
        # Others may go before as well, but these go before in any case.
        wait = self._throttle.wait(now, ahead=line.recipients if line else 0)
        if deadline is not None and now + wait > deadline:
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
            self.dispatch()
        elif not waiter.answer.cancelled() and isinstance(got := waiter.answer.result(), Granted):
            # The turn came in the moment before the cancellation.
            for scope in got.probes:
                self._gates.learn(scope, None)
            self.settle(got, None)
            self.dispatch()

    def refusal(self, key: QueueKey, scopes: tuple[Scope, ...]) -> Deferred | None:
        """Say what stands in the way of a request and will not pass by waiting a little."""
        if self._closed is not None:
            return self._closed
        obstacle = self._gates.obstacle(scopes)
        if obstacle is not None:
            return obstacle
        now = self._clock.monotonic()
        if self._quota.room(key.lane, now) > 0:
            return None
        return self._deferred(Cause.QUOTA, replies.QUOTA_USED, self._quota.wait(key.lane, now))

    def _may_go(self, now: float) -> bool:
        return len(self._flights) < self._in_flight_limit and not self._throttle.wait(now)

    def _grant(
        self, key: QueueKey, scopes: tuple[Scope, ...], recipients: int, *, waited: bool
    ) -> Granted:
        probes = self._gates.probe(scopes)
        granted = Granted(key=key, recipients=recipients, scopes=scopes, probes=probes)
        self._throttle.take(recipients)
        self._quota.take(recipients)
        self._flights[id(granted)] = Flight(granted, self._clock.monotonic(), waited)
        return granted

    def _too_late(self, now: float, wait: float) -> Deferred:
        # Without a wait for credit it is the requests under way that take so long.
        cause = Cause.RATE if self._throttle.wait(now) else Cause.WAITING
        return self._deferred(cause, replies.NO_TURN, wait)

    def _deferred(self, cause: Cause, reply: Reply, wait: float) -> Deferred:
        not_before = self._clock.now() + timedelta(seconds=wait)
        return Deferred(cause=cause, scope=self.scope, reply=reply, not_before=not_before)

    # --- outcomes --------------------------------------------------------------------------------

    def settle(self, granted: Granted, outcome: Outcome | None) -> None:
        """Give back what was not used, and set the pace by what SES said."""
        flight = self._flights.pop(id(granted), None)
        if flight is None:
            raise ValueError(f"this request is not under way: {granted}")
        now = self._clock.monotonic()
        sent = isinstance(outcome, Relayed | Unknown)
        self._quota.settle(granted.recipients, now, sent=sent)
        match outcome:
            case None:
                self._throttle.give_back(granted.recipients)
            case Relayed():
                if flight.waited:
                    self._throttle.relayed(granted.recipients)
                if self._slowed and self._throttle.rate == self._throttle.ceiling:
                    self._slowed = False
                    self._tell_rate()
            case Deferred(cause=Cause.RATE):
                before = self._throttle.rate
                self._throttle.refused(flight.at, now)
                if self._throttle.rate < before:
                    self._slowed = True
                    self._tell_rate()
            case _:
                pass  # says nothing about the pace

    def _tell_rate(self) -> None:
        rate, limit = self._throttle.rate, self._throttle.ceiling
        self._tell(RateChanged(route=self.scope.name, rate=rate, limit=limit))

    # --- waiters ---------------------------------------------------------------------------------

    def dispatch(self) -> None:
        """Give everybody their turn who can have it now, and an answer to those who cannot."""
        now = self._clock.monotonic()
        while (waiter := self._lanes.next()) is not None:
            refusal = self.refusal(waiter.key, waiter.scopes)
            if refusal is not None or waiter.answer.cancelled():
                self._answer(waiter, refusal)
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
                line = self._lanes.line(waiter.key)
                wait = self._throttle.wait(now, ahead=line.recipients if line else 0)
                self._answer(waiter, self._too_late(now, wait))
        self._arm(now)

    def _answer(self, waiter: Waiter, refusal: Deferred | None) -> None:
        """Send a waiter away; one whose task was cancelled hears nothing any more."""
        self._lanes.remove(waiter)
        if refusal is not None and not waiter.answer.cancelled():
            waiter.answer.set_result(refusal)

    def _arm(self, now: float) -> None:
        times = []
        if self._lanes and len(self._flights) < self._in_flight_limit:
            times.append(now + self._throttle.wait(now))
        while self._deadlines and not self._deadlines[0][2].waiting:
            heappop(self._deadlines)
        if self._deadlines:
            times.append(self._deadlines[0][0])
        if self._timer is not None:
            if times and self._timer.when() <= min(times) and not self._timer.cancelled():
                return  # it comes early and is set anew then
            self._timer.cancel()
            self._timer = None
        if times:
            self._timer = asyncio.get_running_loop().call_at(min(times), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.dispatch()

    # --- kept mail -------------------------------------------------------------------------------

    def stand_back(self, key: QueueKey) -> None:
        """Answer the fresh mail of a key: an older message of it is being kept."""
        line = self._lanes.line(key)
        for waiter in tuple(line.waiters) if line else ():
            if waiter.deadline is not None:
                self._answer(waiter, behind_older_mail(key))

    def allowance(self, key: QueueKey) -> int:
        """Give how much kept mail of a key may be in work at a time."""
        scopes = (self.scope, Scope(ScopeKind.USER, key.user))
        if self.refusal(key, scopes) is not None:
            return 0
        return max(1, int(self._throttle.usual * CLAIM_SECONDS))

    # --- looking ---------------------------------------------------------------------------------

    def largest(self) -> int:
        """Give how many recipients a request may have that delays the next by no more than 1 s."""
        return max(1, int(self._throttle.usual * REQUEST_SECONDS))

    def status(self) -> RouteStatus:
        """Show the route as it stands."""
        now = self._clock.monotonic()
        self._throttle.wait(now)
        return RouteStatus(
            rate=self._throttle.rate,
            limit=self._throttle.ceiling,
            waiting=self._lanes.waiting(),
            in_flight=len(self._flights),
            sent_last_24_hours=self._quota.used(now),
            max_24_hour_send=self._quota.limit,
        )
