"""What SES says about the account of a route.

SES facts: GetAccount (v2) tells all of it, GetSendQuota (v1) the three numbers alone (SES API
reference); rate and quota count recipients (SES Developer Guide, manage-sending-quotas).
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """One account in one Region at the moment of asking."""

    max_send_rate: float  # recipients per second
    max_24_hour_send: float  # recipients in any 24 hours; -1: unlimited
    sent_last_24_hours: float  # recipients
    sending_enabled: bool = True
    enforcement: str = "HEALTHY"  # or PROBATION, SHUTDOWN
    sandbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAccount:
    """What was last heard of the account behind a route."""

    route: str
    region: str
    state: AccountState | None = None  # None: it has not been heard yet
    at: datetime | None = None  # when it was
    unknown: str = ""  # why it could not be heard the last time; empty: it was
