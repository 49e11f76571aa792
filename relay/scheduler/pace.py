"""What one route may send: its rate and its quota, as configured, as learned, as refused.

The rate is `headroom` times the smaller of the account's MaxSendRate and the configured
`max_send_rate`; headroom applies to both, so that one formula tells what to expect.

Errors: none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from relay.model.account import AccountState
from relay.model.clock import Clock
from relay.model.outcome import Cause, Deferred, Outcome, Relayed, Unknown
from relay.model.settings import Auto, Lane, Route
from relay.scheduler.notices import Notice, RateChanged, RouteStatus, ShareTooSmall
from relay.scheduler.quota import Quota
from relay.scheduler.shares import Claim
from relay.scheduler.throttle import Part, Throttle

# Of the rate: what one bulk request may cost those who come after it. A little under the second
# that SES's own bucket holds, so that requests which overtake each other still find credit.
REQUEST_SECONDS = 0.9
CLAIM_SECONDS = 2.0  # of the rate: what one key's kept mail may have in work
MORE = 1.5  # times what was used lately: what a member wants that was never short of credit


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """What a route has of its account, among those who share a store."""

    part: Part
    day: int  # recipients that all members have sent in the last 24 hours, as claimed
    slowed: tuple[float, float] | None  # share of the rate that SES refused, and monotonic when


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
        self._taken = self._sent = 0  # recipients, in this life; sent: by this account
        self._short = False  # of credit, since the last allotment
        self._refused = False  # the rate, since the last claim
        self._claimed = Claim(using=1.0, floor=1.0, want=1.0, counted=0)
        self._claimed_at, self._claimed_taken = clock.monotonic(), 0

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
        self._sent = 0  # a new member of its account counts for the day what is counted here

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
        share = self._throttle.part.at(now)
        has_some = self._quota.room(lane, now, share) > 0
        return None if has_some else self._quota.wait(lane, now, share)

    def starve(self) -> None:
        """Know that somebody has to wait for credit."""
        if not self._short:
            self._short = True
            if self._claimed.want < 1:
                self._ask_for_more()

    def claim(self) -> Claim:
        """Say what the route has use for, to those who share its account; see `allot`."""
        now = self._clock.monotonic()
        whole, want = self._throttle.whole, 1.0
        if not self._short and whole is not None:
            used = (self._taken - self._claimed_taken) / max(1.0, now - self._claimed_at)
            want = min(1.0, MORE * used / whole)
        self._claimed_at, self._claimed_taken = now, self._taken
        self._claimed = Claim(
            using=self._throttle.part.at(now),
            floor=self._throttle.part.floor,
            want=want,
            counted=self._sent,
            refused=self._refused,
        )
        self._refused = False
        self._quota.mark(now)
        return self._claimed

    def reclaim(self) -> None:
        """Know that the last claim may not have been heard."""
        self._refused |= self._claimed.refused

    def allot(self, allotment: Allotment) -> None:
        """Take over what the route has from now on; what was claimed last is told by this."""
        now = self._clock.monotonic()
        self._throttle.allot(allotment.part, now)
        if allotment.slowed is not None and not self._refused:
            self._throttle.slow(*allotment.slowed)
        self._quota.divide(allotment.day)
        self._short = False

    def take(self, recipients: int) -> None:
        """Charge a request that goes now."""
        self._taken += recipients
        self._throttle.take(recipients)
        self._quota.take(recipients)

    def settle(
        self, recipients: int, outcome: Outcome | None, *, granted_at: float, waited: bool
    ) -> None:
        """Take in what became of a request: what it used, and what that says about the pace."""
        now = self._clock.monotonic()
        # SES counts no refused mail to the quota.
        sent = isinstance(outcome, Relayed | Unknown)
        self._quota.settle(recipients, now, sent=sent)
        self._sent += recipients if sent else 0
        match outcome:
            case None:
                self._taken -= recipients
                self._throttle.give_back(recipients)
            case Relayed():
                if waited:
                    self._throttle.relayed(recipients)
                if self._slowed and not self._throttle.slowed:
                    self._slowed = False
                    self._tell_rate()
            case Deferred(cause=Cause.RATE):
                if self._throttle.refused(granted_at, now):
                    self._slowed = True
                    self._refused = True
                    self._tell_rate()
                    self._ask_for_more()
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
        whole = min(known) * self._headroom
        if whole != self._throttle.whole:
            self._throttle.limit(whole, self._clock.monotonic())
            self._tell_rate()

    def _ask_for_more(self) -> None:
        if self._throttle.part.share < 1:
            self._tell(ShareTooSmall(route=self._route))

    def _tell_rate(self) -> None:
        rate, limit = self._throttle.rate, self._throttle.ceiling
        self._tell(RateChanged(route=self._route, rate=rate, limit=limit))
