"""The pace of one route: a bucket filled in recipients per second, halved when SES refuses.

SES facts: MaxSendRate counts recipients, and may be exceeded in short bursts only (SES Developer
Guide, manage-sending-quotas). A request is admitted while any credit is left, whatever it costs;
the debt must be paid before the next one. The sandbox has one recipient per second.

Sending stays below SES's own bucket: this one is never fuller, never filled faster and charged
the same. At the default headroom the burst and a second's refill together (0.9 + 0.09) stay below
one second of MaxSendRate, should SES count by the second.

Where relays share an account by their store, the bucket is filled with this one's share alone,
and with the floor once its lease has ended (`relay.scheduler.shares`).

Until the account's rate is known (or for ever, where the role may not read it), the rate is found
out: it begins at the sandbox's, grows with every relayed recipient that others had to wait for,
and after the first refusal grows gently.

Errors: none.
"""

from dataclasses import dataclass
from math import inf

from relay.scheduler.recovery import HALF, LOWEST, recovered

START_RATE = 1.0  # recipients per second; nobody has less
BURST = 0.1  # seconds of the rate that an idle route saves up, at least one recipient
FAST_GROWTH = 1 / 5  # of a recipient per second, for each relayed recipient; before any refusal
GENTLE_GROWTH = 1 / 60  # the same, after one
PATIENCE = 2.0  # seconds after which who has no share may look again

_ENOUGH = 1 - 1e-6  # credit for a request, but for the rounding of a timer's arithmetic


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which part of the whole rate is this relay's; times are the clock's monotonic seconds."""

    share: float
    until: float = inf
    floor: float = 1.0  # from then on

    def at(self, now: float) -> float:
        """Give the part at a time."""
        return self.share if now < self.until else self.floor


ALL = Part(share=1.0)


class Throttle:
    """Credit of one route. Times are the clock's monotonic seconds."""

    def __init__(self, now: float) -> None:
        self.part = ALL
        self.whole: float | None = None  # of all relays that share the account
        self._found = START_RATE  # as long as nobody knows the whole
        self._growth = FAST_GROWTH
        self._credit = 1.0
        self._at = now
        self._peak = 1.0  # share of the whole that was refused last
        self._halved_at = -inf

    @property
    def rate(self) -> float:
        """Recipients per second at the last look."""
        return self.usual if self.whole is None else self.usual * self._bearable

    @property
    def ceiling(self) -> float | None:
        """The rate when nothing is wrong; None: not known."""
        return None if self.whole is None else self.whole * self.part.at(self._at)

    @property
    def usual(self) -> float:
        """The ceiling, or what was found out so far."""
        return self._found if self.ceiling is None else self.ceiling

    @property
    def slowed(self) -> bool:
        """Whether SES's refusals still show."""
        return self.whole is not None and self._bearable < 1

    def limit(self, whole: float, now: float) -> None:
        """Learn what the account allows (more than zero). A rate that was halved stays halved."""
        self._advance(now)
        self.whole = whole
        self._credit = min(self._credit, self._burst)

    def allot(self, part: Part, now: float) -> None:
        """Keep to another part of the whole. A new member of several starts without credit."""
        self._advance(now)
        if part.share < 1 and self.part.at(now) in {0.0, 1.0}:
            self._credit = min(self._credit, 0.0)
        self.part = part
        self._credit = min(self._credit, self._burst)

    def slow(self, peak: float, at: float) -> None:
        """Take over how another relay of the account was slowed: what was refused, and when."""
        self._peak, self._halved_at = peak, at

    def wait(self, now: float, ahead: int = 0) -> float:
        """Give the seconds until a request may go after `ahead` recipients that go before it."""
        self._advance(now)
        missing = 1 - self._credit + ahead
        if missing <= 1 - _ENOUGH:
            return 0.0
        return missing / self.rate if self.rate > 0 else PATIENCE

    def take(self, recipients: int) -> None:
        """Charge a request that goes now."""
        self._credit -= recipients

    def give_back(self, recipients: int) -> None:
        """Undo `take` for a request that was never made."""
        self._credit = min(self._credit + recipients, self._burst)

    def relayed(self, recipients: int) -> None:
        """Take in that SES took these while more were waiting for credit."""
        if self.whole is None:
            self._found += recipients * self._growth

    def refused(self, granted_at: float, now: float) -> bool:
        """Halve the rate, once for all requests that went before the last halving; tell if so."""
        self._advance(now)
        self._credit = min(self._credit, 0.0)
        if granted_at < self._halved_at:
            return False
        self._found = max(self._found * HALF, LOWEST)
        self._growth = GENTLE_GROWTH
        self._peak, self._halved_at = self._bearable, now
        return True

    @property
    def _bearable(self) -> float:
        """What SES bears of the whole, at the last look; a share."""
        return recovered(self._peak, self._at - self._halved_at)

    @property
    def _burst(self) -> float:
        return max(1.0, self.rate * BURST)

    def _advance(self, now: float) -> None:
        if now <= self._at:
            return
        ends = self.part.until
        for then in (ends, now) if self._at < ends < now else (now,):
            earned = (then - self._at) * self.rate
            self._at = then
            self._credit = min(self._credit + earned, self._burst)
