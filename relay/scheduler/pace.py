"""What one route may send: its rate and its quota, as configured, as learned, as refused.

The rate is `headroom` times the smaller of the account's MaxSendRate and the configured
`max_send_rate`; headroom applies to both, so that one formula tells what to expect.

Errors: none.
"""

from collections.abc import Callable, Mapping

from relay.model.account import AccountState
from relay.model.clock import Clock
from relay.model.outcome import Cause, Deferred, Outcome, Relayed, Unknown
from relay.model.settings import Auto, Lane, Route
from relay.scheduler.notices import Notice, RateChanged, RouteStatus
from relay.scheduler.quota import Quota
from relay.scheduler.throttle import Throttle

# Of the rate: what one bulk request may cost those who come after it. A little under the second
# that SES's own bucket holds, so that requests which overtake each other still find credit.
REQUEST_SECONDS = 0.9
CLAIM_SECONDS = 2.0  # of the rate: what one key's kept mail may have in work


class Pace:
    """Rate and quota of one route."""

    def __init__(self, route: str, clock: Clock, tell: Callable[[Notice], None]) -> None:
        self._route = route
        self._clock = clock
        self._tell = tell
        self._account_rate: float | None = None
        self._configured_rate: float | None = None
        self._headroom = 1.0
        self._slowed = False
        self._throttle = Throttle(clock.monotonic())
        self._quota = Quota()

    def configure(self, settings: Route) -> None:
        """Take over the settings of the route."""
        rate = settings.max_send_rate
        self._configured_rate = None if isinstance(rate, Auto) else rate
        self._headroom = settings.headroom
        self._limit()

    def begin_anew(self) -> None:
        """Forget what was learned of the account: the route leads to another one now."""
        self._account_rate = None
        self._slowed = False
        self._throttle = Throttle(self._clock.monotonic())
        self._quota.begin_anew()

    def account(self, state: AccountState) -> None:
        """Take over what SES says of the account."""
        if state.max_send_rate > 0:  # an account that is shut down may say 0
            self._account_rate = state.max_send_rate
        self._limit()
        now = self._clock.monotonic()
        self._quota.learn(state.max_24_hour_send, state.sent_last_24_hours, now)

    def wait(self, now: float, ahead: int = 0) -> float:
        """Give the seconds until a request may go after `ahead` recipients that go before it."""
        return self._throttle.wait(now, ahead)

    def used_up(self, lane: Lane) -> float | None:
        """Give the seconds until a lane may have some of its used-up quota back; None: it has."""
        now = self._clock.monotonic()
        return None if self._quota.room(lane, now) > 0 else self._quota.wait(lane, now)

    def take(self, recipients: int) -> None:
        """Charge a request that goes now."""
        self._throttle.take(recipients)
        self._quota.take(recipients)

    def settle(
        self, recipients: int, outcome: Outcome | None, *, granted_at: float, waited: bool
    ) -> None:
        """Take in what became of a request: what it used, and what that says about the pace."""
        now = self._clock.monotonic()
        # SES counts no refused mail to the quota.
        self._quota.settle(recipients, now, sent=isinstance(outcome, Relayed | Unknown))
        match outcome:
            case None:
                self._throttle.give_back(recipients)
            case Relayed():
                if waited:
                    self._throttle.relayed(recipients)
                if self._slowed and self._throttle.rate == self._throttle.ceiling:
                    self._slowed = False
                    self._tell_rate()
            case Deferred(cause=Cause.RATE):
                before = self._throttle.rate
                self._throttle.refused(granted_at, now)
                if self._throttle.rate < before:
                    self._slowed = True
                    self._tell_rate()
            case _:
                pass  # it says nothing about the pace

    def largest(self) -> int:
        """Give the recipients of a request whose debt is paid within a second."""
        return max(1, int(self._throttle.usual * REQUEST_SECONDS))

    def claims(self) -> int:
        """Give how much kept mail of one key may be in work."""
        return max(1, int(self._throttle.usual * CLAIM_SECONDS))

    def status(self, waiting: Mapping[Lane, int], in_flight: int) -> RouteStatus:
        """Show the route as it stands, with what the caller knows of its requests."""
        now = self._clock.monotonic()
        self._throttle.wait(now)  # a rate that recovers does so when looked at
        return RouteStatus(
            rate=self._throttle.rate,
            limit=self._throttle.ceiling,
            waiting=waiting,
            in_flight=in_flight,
            sent_last_24_hours=self._quota.used(now),
            max_24_hour_send=self._quota.limit,
        )

    def _limit(self) -> None:
        known = [rate for rate in (self._account_rate, self._configured_rate) if rate is not None]
        if not known:
            return
        ceiling = min(known) * self._headroom
        if ceiling != self._throttle.ceiling:
            self._throttle.limit(ceiling, self._clock.monotonic())
            self._tell_rate()

    def _tell_rate(self) -> None:
        rate, limit = self._throttle.rate, self._throttle.ceiling
        self._tell(RateChanged(route=self._route, rate=rate, limit=limit))
