"""Sending rate, rolling daily quota and the control plane's limit, on times given by the caller.

SES facts: SES Developer Guide, manage-sending-quotas (both quotas count recipients; the rate
may be exceeded for a moment only); the AWS messaging blog on throttling (a call is admitted
while any credit is left, then refused until the debt is repaid); SES Developer Guide, quotas
(1 call a second for all but the sending actions).

Times are aware UTC datetimes. A clock that steps back gives no credit and takes none away.
"""

from collections import deque
from datetime import datetime, timedelta

from . import limits, refusal
from .refusal import Refusal

# One credit less a rounding error: ten tenths of a second must add up to one second.
_ONE_CREDIT = 1.0 - 1e-6


class TokenBucket:
    """Credit that grows by `rate` a second up to one second's worth and may go into debt."""

    def __init__(self, rate: float, now: datetime) -> None:
        self._rate = rate
        self._credit = self._most()
        self._at = now

    @property
    def credit(self) -> float:
        """The credit at the last look, in units of the rate; negative is debt."""
        return self._credit

    def change_rate(self, rate: float, now: datetime) -> None:
        """Go on at another rate; credit beyond the new ceiling is lost, debt stays."""
        self._fill(now)
        self._rate = rate
        self._credit = min(self._credit, self._most())

    def is_open(self, now: datetime) -> bool:
        """Whether a call may pass: one whole credit is enough for a call of any size."""
        self._fill(now)
        return self._credit >= _ONE_CREDIT

    def charge(self, cost: int) -> None:
        """Take the cost of a call that passed, into debt if need be."""
        self._credit -= cost

    def _most(self) -> float:
        # Below one a second, one call must still be possible once the credit has grown.
        return max(self._rate, 1.0)

    def _fill(self, now: datetime) -> None:
        elapsed = (now - self._at).total_seconds()
        if elapsed > 0:
            self._credit = min(self._most(), self._credit + elapsed * self._rate)
        self._at = now


class DayWindow:
    """How many recipients were counted within the last 24 hours, in steps of a second."""

    def __init__(self) -> None:
        self._counts: deque[tuple[datetime, int]] = deque()
        self._total = 0

    def total(self, now: datetime) -> int:
        """Recipients counted since this time yesterday."""
        while self._counts and self._counts[0][0] <= now - limits.QUOTA_WINDOW:
            self._total -= self._counts.popleft()[1]
        return self._total

    def add(self, recipients: int, now: datetime) -> None:
        """Count recipients of a message accepted now."""
        if self._counts and now - self._counts[-1][0] < timedelta(seconds=1):
            at, before = self._counts.pop()
            self._counts.append((at, before + recipients))
        else:
            self._counts.append((now, recipients))
        self._total += recipients

    def restart(self, recipients: int, now: datetime) -> None:
        """Forget the past and count `recipients` as sent now."""
        self._counts = deque([(now, recipients)] if recipients else [])
        self._total = recipients


class Usage:
    """What one account has used of its rate, its day and its control calls."""

    def __init__(self, max_send_rate: float, now: datetime) -> None:
        self._sending = TokenBucket(max_send_rate, now)
        self._control = TokenBucket(limits.CONTROL_CALLS_PER_SECOND, now)
        self.day = DayWindow()

    def change_rate(self, max_send_rate: float, now: datetime) -> None:
        """Follow a changed MaxSendRate."""
        self._sending.change_rate(max_send_rate, now)

    def sending_refusal(self, counted: int, most_a_day: float, now: datetime) -> Refusal | None:
        """Why a message may not go now; takes nothing.

        Args:
            counted: recipients that count against the day (not the mailbox simulator's).
            most_a_day: Max24HourSend, -1 for unlimited.
            now: the time of the call.
        """
        if not self._sending.is_open(now):
            return refusal.throttled("Maximum sending rate exceeded.")
        # As with the rate, any headroom admits the call: the blog says so for both quotas.
        if counted and 0 <= most_a_day <= self.day.total(now):
            return refusal.quota_used()
        return None

    def charge(self, recipients: int, counted: int, now: datetime) -> None:
        """Take an accepted message's recipients from rate and day."""
        self._sending.charge(recipients)
        if counted:
            self.day.add(counted, now)

    def control_call(self, now: datetime) -> Refusal | None:
        """Count one control call, or say why it may not be made now."""
        if not self._control.is_open(now):
            return refusal.throttled("Rate exceeded")
        self._control.charge(1)
        return None
