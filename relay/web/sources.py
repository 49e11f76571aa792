"""Everything the pages are made from, as one value that the service fills in.

Errors: none.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from relay.model.clock import Clock
from relay.model.outcome import ScopeKind
from relay.telemetry import Metrics
from relay.web.inbox import Inbox
from relay.web.readiness import Readiness
from relay.web.recent import Recent
from relay.web.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the pages look."""

    hostname: str
    version: str
    metrics: Metrics
    recent: Recent
    readiness: Callable[[], Readiness]  # what is known now; it does no I/O
    clock: Clock
    known: Callable[[ScopeKind], Collection[str]] = lambda _: ()  # users and routes by name
    store: Store | None = None  # None: `store: none`, nothing is kept
    inbox: Inbox | None = None  # only where SES is simulated
