"""What the scheduler tells others: notices as things change, and a picture for who asks.

Errors: none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from relay.model.outcome import Cause, Scope
from relay.model.settings import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChanged:
    """A route was slowed by SES, is back at its whole rate, or learned a new one."""

    route: str
    rate: float  # recipients per second from now on
    limit: float | None  # the whole rate; None: not known yet


@dataclass(frozen=True, slots=True, kw_only=True)
class GateClosed:
    """A scope is held because SES refused mail in it, or its probe was refused again."""

    scope: Scope
    cause: Cause
    not_before: datetime  # of the next probe
    detail: str  # SES's words


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOpened:
    """Mail in this scope may go again; what waits for it can be woken."""

    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTooSmall:
    """A route could send more than its share, or was refused: the other members should hear."""

    route: str


Notice = RateChanged | GateClosed | GateOpened | ShareTooSmall


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteStatus:
    """One route as it stands."""

    rate: float  # recipients per second
    limit: float | None  # the whole rate; None: not known yet
    waiting: Mapping[Lane, int]  # requests that wait for a turn
    in_flight: int  # requests
    sent_last_24_hours: float  # recipients
    max_24_hour_send: float | None  # recipients; None: unlimited or not known yet
