"""The state of the simulated account that tests set and SES would know.

Everything here is a frozen value: a change is a new `Account`. What an account has *used*
(rate, day) is in `rates`; what it has received is in `mailbox`.

SES facts: SES Developer Guide, quotas, request-production-access, manage-sending-quotas,
sending-email-suppression-list, tenants; SES API v2 reference, GetAccount.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum


class Enforcement(StrEnum):
    """EnforcementStatus of GetAccount. Only SHUTDOWN stops sending."""

    HEALTHY = "HEALTHY"
    PROBATION = "PROBATION"
    SHUTDOWN = "SHUTDOWN"


class TenantStatus(StrEnum):
    """SendingStatus of a tenant. DISABLED stops sending."""

    ENABLED = "ENABLED"
    REINSTATED = "REINSTATED"
    DISABLED = "DISABLED"


class SuppressionReason(StrEnum):
    """Why an address is on the account's suppression list."""

    BOUNCE = "BOUNCE"
    COMPLAINT = "COMPLAINT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant and what is associated with it; a send may use nothing else."""

    status: TenantStatus = TenantStatus.ENABLED
    identities: frozenset[str] = frozenset()
    configuration_sets: frozenset[str] = frozenset()


# What a configuration set may tell of (EventType of the SES API v2).
EVENT_TYPES = frozenset(
    {
        *("SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "OPEN", "CLICK"),
        *("RENDERING_FAILURE", "DELIVERY_DELAY", "SUBSCRIPTION"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationSet:
    """A configuration set: whether mail may be sent through it, and what it tells of."""

    sending_enabled: bool = True
    events: frozenset[str] = frozenset(
        {"REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "DELIVERY_DELAY"}
    )
    """The types of its one event destination, the topic `ses-events`; none: it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """An IAM denial: shell-style patterns for the action and the resource ARN."""

    action: str
    resource: str = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """One entry of the account's suppression list."""

    address: str
    reason: SuppressionReason
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    message_id: str | None = None
    """The mail that caused it; None: somebody put it there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account in every Region: the Region is taken from the request's signature.

    Sandbox is off and example.com is verified, so that a first test sends at once; the rate
    and the quota are modest on purpose, so that a test that sends too fast is told so.
    """

    account_id: str = "123456789012"
    max_send_rate: float = 14.0
    """Recipients per second."""
    max_24_hour_send: float = 50_000.0
    """Recipients per rolling day; -1 is unlimited."""
    sandbox: bool = False
    """Only verified recipients. A real sandbox has 200 a day and 1 a second besides: set them."""
    sending_enabled: bool = True
    enforcement: Enforcement = Enforcement.HEALTHY
    identities: frozenset[str] = frozenset({"example.com"})
    """Verified domains (with their subdomains) and addresses."""
    unverified_identities: frozenset[str] = frozenset()
    """Identities that exist and wait for verification; shown, not sendable."""
    mail_from_failing: frozenset[str] = frozenset()
    """Identities whose custom MAIL FROM lost its MX, with RejectMessage set."""
    delegated: frozenset[str] = frozenset()
    """Identity ARNs of other accounts whose policies let this one send."""
    configuration_sets: Mapping[str, ConfigurationSet] = field(default_factory=dict)
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    suppressed: Mapping[str, Suppressed] = field(default_factory=dict)
    """By address in lower case."""
    suppressed_reasons: frozenset[SuppressionReason] = frozenset(SuppressionReason)
    """What SES puts on the list by itself, and heeds."""
    denied: tuple[Denial, ...] = ()
    credentials: Mapping[str, str] = field(
        default_factory=lambda: {"simulator": "simulator"}, repr=False
    )
    """Access key to secret key."""
    roles: Mapping[str, str | None] = field(default_factory=dict)
    """Role ARN to its external id. Empty: every role may be assumed."""
    bare_line_feeds: bool = False
    """Take messages with lone LF by making them CRLF, instead of refusing them."""

    @property
    def can_send(self) -> bool:
        """What GetAccount shows as SendingEnabled."""
        return self.sending_enabled and self.enforcement is not Enforcement.SHUTDOWN

    def suppresses(self, address: str) -> bool:
        """Whether mail to this address is taken and not sent."""
        entry = self.suppressed.get(address.lower())
        return entry is not None and entry.reason in self.suppressed_reasons

    def suppressing(self, entries: Iterable[Suppressed]) -> "Account":
        """The account with these on its list."""
        added = {entry.address.lower(): entry for entry in entries}
        return replace(self, suppressed={**self.suppressed, **added})
