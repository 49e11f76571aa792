"""The pace of one route: a bucket filled in recipients per second, halved when SES refuses.

SES facts: MaxSendRate counts recipients, and may be exceeded in short bursts only (SES Developer
Guide, manage-sending-quotas). A request is admitted while any credit is left, whatever it costs;
the debt must be paid before the next one. The sandbox has one recipient per second.

Sending stays below SES's own bucket: this one is never fuller, never filled faster and charged
the same. At the default headroom the burst and a second's refill together (0.9 + 0.09) stay below
one second of MaxSendRate, should SES count by the second.

Until the account's rate is known (or for ever, where the role may not read it), the rate is found
out: it begins at the sandbox's, grows with every relayed recipient that others had to wait for,
and after the first refusal grows gently.

Errors: none.
"""

from math import inf

START_RATE = 1.0  # recipients per second; nobody has less
BURST = 0.1  # seconds of the rate that an idle route saves up, at least one recipient
RECOVERY = 60.0  # seconds from nothing back to the whole rate after halvings
LOWEST = 1 / 64  # share of the rate that no row of halvings goes below
FAST_GROWTH = 1 / 5  # of a recipient per second, for each relayed recipient; before any refusal
GENTLE_GROWTH = 1 / RECOVERY  # the same, after one

_ENOUGH = 1 - 1e-6  # credit for a request, but for the rounding of a timer's arithmetic


class Throttle:
    """Credit of one route. Times are the clock's monotonic seconds."""

    def __init__(self, now: float) -> None:
        self.ceiling: float | None = None
        self.rate = START_RATE
        self._credit = self._burst
        self._at = now
        self._halved_at = -inf
        self._growth = FAST_GROWTH

    @property
    def _burst(self) -> float:
        return max(1.0, self.rate * BURST)

    @property
    def usual(self) -> float:
        """The rate when nothing is wrong: the ceiling, or what was found out so far."""
        return self.rate if self.ceiling is None else self.ceiling

    def limit(self, ceiling: float, now: float) -> None:
        """Learn what the account allows (more than zero). A rate that was halved stays halved."""
        self._advance(now)
        if self.ceiling is None or self.rate >= self.ceiling:
            self.rate = ceiling
        self.ceiling = ceiling
        self.rate = min(self.rate, ceiling)
        self._credit = min(self._credit, self._burst)

    def wait(self, now: float, ahead: int = 0) -> float:
        """Give the seconds until a request may go after `ahead` recipients that go before it."""
        self._advance(now)
        missing = 1 - self._credit + ahead
        return missing / self.rate if missing > 1 - _ENOUGH else 0.0

    def take(self, recipients: int) -> None:
        """Charge a request that goes now."""
        self._credit -= recipients

    def give_back(self, recipients: int) -> None:
        """Undo `take` for a request that was never made."""
        self._credit = min(self._credit + recipients, self._burst)

    def relayed(self, recipients: int) -> None:
        """Take in that SES took these while more were waiting for credit."""
        if self.ceiling is None:
            self.rate += recipients * self._growth

    def refused(self, granted_at: float, now: float) -> None:
        """Halve the rate, once for all requests that went before the last halving."""
        self._advance(now)
        self._credit = min(self._credit, 0.0)
        if granted_at < self._halved_at:
            return
        self.rate = max(self.rate / 2, LOWEST * (self.ceiling or START_RATE))
        self._halved_at = now
        self._growth = GENTLE_GROWTH

    def _advance(self, now: float) -> None:
        elapsed = now - self._at
        if elapsed <= 0:
            return
        self._at = now
        self._credit = min(self._credit + elapsed * self.rate, self._burst)
        if self.ceiling is not None and self.rate < self.ceiling:
            self.rate = min(self.rate + elapsed * self.ceiling / RECOVERY, self.ceiling)
