"""The daily quota of one route: recipients in any 24 hours, with a reserve for urgent mail.

SES facts: Max24HourSend counts recipients in a rolling window that is looked at on each call; -1
means no limit (SES API reference, GetSendQuota). How far SentLast24Hours lags is not documented,
so what this relay sent is counted here as well; what SES counts beyond that is others' mail.
A request is admitted while any of the quota is left, as with the rate.

Relays that share a store learn there what all of them have sent, and each may use its share of what
is left until it learns more. They exceed a day by what goes between two renewals, at most.

Errors: none.
"""

from collections import deque
from math import inf

from relay.model.settings import Lane

DAY = 86_400.0
SLOT = 60.0  # seconds counted together
BULK_SHARE = 0.9  # of the quota; the rest is kept for the transactional lane
RECHECK = 300.0  # seconds; others' mail may have left the window by then
RENEWED = 2.0  # seconds; what others had no use for may be shared out anew by then


class Quota:
    """What one account sent in the last 24 hours. Times are the clock's monotonic seconds."""

    def __init__(self) -> None:
        self.limit: float | None = None
        self._slots: deque[tuple[float, int]] = deque()  # (end of slot, recipients)
        self._sent = 0  # the sum over the slots
        self._others = 0.0
        self._others_until = 0.0
        self._members = 0.0  # recipients that those who share our store have sent
        self._in_flight = 0
        self._marked = (0, 0)  # sent, and sent or under way, when the store was told last

    def begin_anew(self) -> None:
        """Forget the account, but not what is under way."""
        self.limit = None
        self._slots.clear()
        self._sent, self._others = 0, 0.0

    def learn(self, limit: float, sent: float, now: float) -> None:
        """Take in Max24HourSend and SentLast24Hours as SES gave them."""
        self._forget(now)
        self.limit = limit if limit >= 0 else None
        self._others = max(0.0, sent - self._sent)
        self._others_until = now + DAY

    def mark(self, now: float) -> None:
        """Remember what was sent so far: the store is being told."""
        self._forget(now)
        self._marked = self._sent, self._sent + self._in_flight

    def divide(self, day: float) -> None:
        """Take in what all members have sent in the last 24 hours, as of the mark."""
        self._members = max(0.0, day - self._marked[0])

    def used(self, now: float) -> float:
        """Give the recipients of the last 24 hours, those under way included."""
        self._forget(now)
        return self._sent + self._in_flight + max(self._others, self._members)

    def room(self, lane: Lane, now: float, share: float = 1.0) -> float:
        """Give what this lane has left, with a share of what all have: zero or less when used up.

        Who has no share of the rate yet sends nothing anyway, and hears that and not this.
        """
        if self.limit is None:
            return inf
        left = self._share(lane, self.limit) - self.used(now)
        if share in {0.0, 1.0}:
            return left
        spent = self._sent + self._in_flight - self._marked[1]
        return (left + spent) * share - spent

    def wait(self, lane: Lane, now: float, share: float = 1.0) -> float:
        """Give the seconds until this lane may have something left again."""
        missing = -self.room(lane, now)
        if missing < 0:
            return RENEWED if self.room(lane, now, share) <= 0 else 0.0
        for end, recipients in self._slots:
            if missing < 0:
                break
            missing -= recipients
            if missing < 0:
                return end + DAY - now
        return RECHECK if missing >= 0 else 0.0

    def take(self, recipients: int) -> None:
        """Reserve for a request that goes now."""
        self._in_flight += recipients

    def settle(self, recipients: int, now: float, *, sent: bool) -> None:
        """Turn a reservation into mail that was sent, or drop it. SES counts no refused mail."""
        self._in_flight -= recipients
        if not sent:
            return
        self._sent += recipients
        if self._slots and now < self._slots[-1][0]:
            end, before = self._slots.pop()
            self._slots.append((end, before + recipients))
        else:
            self._slots.append((now + SLOT, recipients))

    @staticmethod
    def _share(lane: Lane, limit: float) -> float:
        return limit * BULK_SHARE if lane is Lane.BULK else limit

    def _forget(self, now: float) -> None:
        while self._slots and self._slots[0][0] + DAY <= now:
            self._sent -= self._slots.popleft()[1]
        if now >= self._others_until:
            self._others = 0.0
