"""Everything the pages are made from, as one value that the service fills in.

Errors: none.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.model.account import RouteAccount
from relay.model.clock import Clock
from relay.model.outcome import ScopeKind
from relay.model.reputation import Day, Record
from relay.model.ses_prices import PER_1000_RECIPIENTS
from relay.telemetry import Metrics
from relay.web.inbox import Inbox
from relay.web.readiness import Readiness
from relay.web.recent import Recent
from relay.web.store import Store


class Users(Protocol):
    """What is known of each user's mail that SES took."""

    def records(self) -> Sequence[Record]:
        """Give all users with mail, in no order."""
        ...

    def record(self, user: str) -> Record:
        """Give one user; nothing, where nothing is known."""
        ...

    def days(self, user: str) -> Sequence[Day]:
        """Give a user's mail day by day, the oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the pages look."""

    hostname: str
    version: str
    metrics: Metrics
    recent: Recent
    readiness: Callable[[], Readiness]  # what is known now; it does no I/O
    clock: Clock
    users: Users
    accounts: Callable[[], Sequence[RouteAccount]] = tuple
    price: Callable[[], float] = lambda: PER_1000_RECIPIENTS  # dollars
    known: Callable[[ScopeKind], Collection[str]] = lambda _: ()  # users and routes by name
    store: Store | None = None  # None: `store: none`, nothing is kept
    inbox: Inbox | None = None  # only where SES is simulated
