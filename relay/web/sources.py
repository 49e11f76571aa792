"""Everything the pages are made from, as one value that the service fills in.

Errors: none.
"""

from collections.abc import Callable
from dataclasses import dataclass

from relay.model.clock import Clock
from relay.telemetry import Metrics
from relay.web.inbox import Inbox
from relay.web.readiness import Readiness
from relay.web.recent import Recent


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the pages look."""

    hostname: str
    version: str
    metrics: Metrics
    recent: Recent
    readiness: Callable[[], Readiness]  # what is known now; it does no I/O
    clock: Clock
    inbox: Inbox | None = None  # only where SES is simulated
