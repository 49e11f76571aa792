"""How much each user may still send (`users[].limits`); counts survive a reload.

What the relay refused in the end is given back: a client that tries again and again while SES
cannot be reached must not find its day used up afterwards.

Messages are limited by a bucket that fills over a minute, recipients by a window of 24 hours in
steps of ten minutes, so that a count never drops by more than one step's worth at once.
Errors: none.
"""

from collections import defaultdict, deque
from collections.abc import Mapping

from relay.model.settings import User, UserLimits

MINUTE = 60.0
DAY = 86_400.0
STEP = 600.0


Spent = tuple[int, int]  # messages and recipients; negative where more were given back


class Allowance:
    """The counts of all users. Times are the clock's monotonic seconds.

    Where several processes are one relay, each hears now and then what the others have counted.
    """

    def __init__(self) -> None:
        self._spent: dict[str, tuple[float, float]] = {}  # user → (messages not yet made good, at)
        self._days: defaultdict[str, deque[tuple[int, int]]] = defaultdict(deque)
        self._sums: defaultdict[str, int] = defaultdict(int)
        self._untold: dict[str, Spent] = {}

    def message(self, user: str, limits: UserLimits, now: float) -> bool:
        """Count one message, unless the user has sent its share of this minute."""
        if limits.messages_per_minute is None:
            return True
        spent = self._not_made_good(user, limits.messages_per_minute, now)
        if spent + 1 > limits.messages_per_minute:
            return False
        self._spent[user] = (spent + 1, now)
        self._tell(user, 1, 0)
        return True

    def recipient(self, user: str, limits: UserLimits, now: float) -> bool:
        """Count one recipient, unless the user has had its share of these 24 hours."""
        if limits.recipients_per_day is None:
            return True
        step = self._this_step(user, now)
        if self._sums[user] >= limits.recipients_per_day:
            return False
        self._add(user, 1, step)
        self._tell(user, 0, 1)
        return True

    def untold(self) -> Mapping[str, Spent]:
        """Give, once, what was counted here since the last time."""
        untold, self._untold = self._untold, {}
        return untold

    def heard(self, user: str, limits: UserLimits, spent: Spent, now: float) -> None:
        """Count what another process of this relay has counted."""
        messages, recipients = spent
        self._take_back(user, max(0, -messages), max(0, -recipients))
        if messages > 0 and limits.messages_per_minute is not None:
            before = self._not_made_good(user, limits.messages_per_minute, now)
            self._spent[user] = (before + messages, now)
        if recipients > 0 and limits.recipients_per_day is not None:
            self._add(user, recipients, self._this_step(user, now))

    def _not_made_good(self, user: str, per_minute: int, now: float) -> float:
        spent, at = self._spent.get(user, (0.0, now))
        return max(0.0, spent - (now - at) * per_minute / MINUTE)

    def _this_step(self, user: str, now: float) -> int:
        """Forget what is older than a day; gives the step of now."""
        days, step = self._days[user], int(now // STEP)
        while days and days[0][0] <= step - DAY / STEP:
            self._sums[user] -= days.popleft()[1]
        return step

    def _add(self, user: str, count: int, step: int) -> None:
        days = self._days[user]
        self._sums[user] += count
        if days and days[-1][0] == step:
            days[-1] = (step, days[-1][1] + count)
        else:
            days.append((step, count))

    def _tell(self, user: str, messages: int, recipients: int) -> None:
        before = self._untold.get(user, (0, 0))
        self._untold[user] = (before[0] + messages, before[1] + recipients)

    def give_back(self, user: str, *, messages: int, recipients: int) -> None:
        """Count messages and recipients no more, the latest first; they were counted before."""
        if messages or recipients:
            self._tell(user, -messages, -recipients)
            self._take_back(user, messages, recipients)

    def _take_back(self, user: str, messages: int, recipients: int) -> None:
        spent, at = self._spent.get(user, (0.0, 0.0))
        if messages and spent:
            self._spent[user] = (max(0.0, spent - messages), at)
        days = self._days[user]
        while recipients and days:
            step, count = days.pop()
            taken = min(recipients, count)
            recipients -= taken
            self._sums[user] -= taken
            if count > taken:
                days.append((step, count - taken))


class Spending:
    """What one transaction takes of its user's allowance, given back unless it is kept."""

    def __init__(self, allowance: Allowance, user: User) -> None:
        self._allowance = allowance
        self._user = user
        self._messages = 0
        self._recipients = 0

    def message(self, now: float) -> bool:
        """Count the message, unless the user has sent its share of this minute."""
        allowed = self._allowance.message(self._user.name, self._user.limits, now)
        self._messages += allowed and self._user.limits.messages_per_minute is not None
        return allowed

    def recipient(self, now: float) -> bool:
        """Count one recipient, unless the user has had its share of these 24 hours."""
        allowed = self._allowance.recipient(self._user.name, self._user.limits, now)
        self._recipients += allowed and self._user.limits.recipients_per_day is not None
        return allowed

    def keep(self) -> None:
        """Let it count for good: the message is taken, or nobody can tell yet."""
        self._messages = self._recipients = 0

    def give_back(self) -> None:
        """Let it count no more; doing so again, or after `keep`, changes nothing."""
        self._allowance.give_back(
            self._user.name, messages=self._messages, recipients=self._recipients
        )
        self.keep()
