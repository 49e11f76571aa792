"""How much each user may still send (`users[].limits`); counts survive a reload.

Messages are limited by a bucket that fills over a minute, recipients by a window of 24 hours in
steps of ten minutes, so that a count never drops by more than one step's worth at once.
Errors: none.
"""

from collections import defaultdict, deque

from relay.model.settings import UserLimits

MINUTE = 60.0
DAY = 86_400.0
STEP = 600.0


class Allowance:
    """The counts of all users. Times are the clock's monotonic seconds."""

    def __init__(self) -> None:
        self._spent: dict[str, tuple[float, float]] = {}  # user → (messages not yet made good, at)
        self._days: defaultdict[str, deque[tuple[int, int]]] = defaultdict(deque)
        self._sums: defaultdict[str, int] = defaultdict(int)

    def message(self, user: str, limits: UserLimits, now: float) -> bool:
        """Count one message, unless the user has sent its share of this minute."""
        if limits.messages_per_minute is None:
            return True
        spent, at = self._spent.get(user, (0.0, now))
        spent = max(0.0, spent - (now - at) * limits.messages_per_minute / MINUTE)
        if spent + 1 > limits.messages_per_minute:
            return False
        self._spent[user] = (spent + 1, now)
        return True

    def recipient(self, user: str, limits: UserLimits, now: float) -> bool:
        """Count one recipient, unless the user has had its share of these 24 hours."""
        if limits.recipients_per_day is None:
            return True
        days, step = self._days[user], int(now // STEP)
        while days and days[0][0] <= step - DAY / STEP:
            self._sums[user] -= days.popleft()[1]
        if self._sums[user] >= limits.recipients_per_day:
            return False
        self._sums[user] += 1
        if days and days[-1][0] == step:
            days[-1] = (step, days[-1][1] + 1)
        else:
            days.append((step, 1))
        return True
