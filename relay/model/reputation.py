"""What is known of a user's mail that SES took: how much, what came back, and how bad that is.

SES facts (SES Developer Guide, faqs-enforcement): only hard bounces count; an account is reviewed
at 5 % bounces or 0.1 % complaints and may be paused at 10 % or 0.5 %.

Errors: none.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Kind(StrEnum):
    """What comes back."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"

    @property
    def reviewed_at(self) -> float:
        """The account's share at which SES looks into it."""
        return 0.05 if self is Kind.BOUNCE else 0.001

    @property
    def paused_at(self) -> float:
        """The account's share at which SES may pause it."""
        return 0.1 if self is Kind.BOUNCE else 0.005


@dataclass(frozen=True, slots=True)
class Count:
    """What was sent in some time, and what came back of it."""

    relayed: int = 0  # recipients
    bounced: int = 0
    complained: int = 0
    messages: int = 0
    simulated: int = 0  # recipients at SES's mailbox simulator

    @property
    def billed(self) -> int:
        """Give the recipients that SES bills."""
        return self.relayed + self.simulated

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.relayed + other.relayed,
            self.bounced + other.bounced,
            self.complained + other.complained,
            self.messages + other.messages,
            self.simulated + other.simulated,
        )

    def came_back(self, kind: Kind) -> int:
        """Give the bounces or the complaints."""
        return self.bounced if kind is Kind.BOUNCE else self.complained

    def ratio(self, kind: Kind) -> float:
        """Give the share that came back; of nothing sent nothing can have."""
        return self.came_back(kind) / self.relayed if self.relayed else 0.0


class Grade(StrEnum):
    """How a share stands against the thresholds."""

    UNKNOWN = "too little to tell"
    GOOD = "good"
    WARN = "warned"
    HOLD = "above hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How much of a user's mail came back in one way, against the thresholds in force."""

    kind: Kind
    came_back: int
    relayed: int  # recipients
    warn: float | None  # None: off
    hold: float | None
    grade: Grade

    @property
    def ratio(self) -> float:
        """Give the share; of nothing sent nothing can have come back."""
        return self.came_back / self.relayed if self.relayed else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One user's mail: of the last day, and the newest, by which the user is judged."""

    user: str
    day: Count
    judged: Count
    since: datetime | None  # when the judged mail begins; None: there is none
    shares: tuple[Share, ...]

    @property
    def grade(self) -> Grade:
        """Give the worst of the shares' grades."""
        order = list(Grade)
        return max((share.grade for share in self.shares), key=order.index, default=Grade.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Day:
    """What was sent on one day (UTC), and what came back of it since."""

    date: date
    count: Count
