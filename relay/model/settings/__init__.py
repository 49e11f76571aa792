"""The complete configuration as frozen dataclasses; `relay.config` makes them from the file.

Field names are the keys of the file (`from_` is written `from`). Durations are seconds, sizes
octets, shares fractions of one. Two `Settings` are equal when nothing changed between them,
secrets included; that is what a reload asks.

Errors: none.
"""

from collections.abc import Mapping

from relay.model.settings.feedback import (
    Bounces,
    BounceThresholds,
    ComplaintThresholds,
    Feedback,
    Reputation,
    SnsEndpoint,
    SqsQueue,
    Suppression,
)
from relay.model.settings.listeners import Listener, SessionLimits, Tls
from relay.model.settings.operation import Http, Log, Prices
from relay.model.settings.option import Unit, option, required, section
from relay.model.settings.patterns import NULL_SENDER, AddressPattern, Glob
from relay.model.settings.queue import Limits, Queue
from relay.model.settings.routes import DEFAULT_ROUTE, Route
from relay.model.settings.rules import Actions, Conditions, Rule
from relay.model.settings.signing import DkimKey
from relay.model.settings.users import User, UserLimits
from relay.model.settings.values import (
    Bind,
    CertificateMark,
    CertificateName,
    ClearPassword,
    FdBind,
    Fingerprint,
    HashedPassword,
    Network,
    NoStore,
    Password,
    PostgresStore,
    Secret,
    SqliteStore,
    Store,
    TcpBind,
    UnixBind,
    local_only,
)
from relay.model.settings.words import (
    AccountList,
    Api,
    AuthMode,
    Auto,
    BounceTo,
    DkimSigner,
    ExistingSignature,
    IdentifyBy,
    Lane,
    LineEndings,
    LogFormat,
    LogLevel,
    LogRecipients,
    Mechanism,
    Off,
    RefuseAt,
    SesHeader,
    TlsMode,
    TlsVersion,
)


@section
class Settings:
    """Everything the operator decided; immutable, one snapshot per transaction."""

    hostname: str | None = option(
        default=None,
        example="relay.example.com",
        reason="Name in the greeting, in EHLO and in Received; the machine's FQDN when left out.",
    )
    listeners: tuple[Listener, ...] = required(
        min_length=1,
        example='[{bind: "0.0.0.0:587"}]',
        reason="Where SMTP clients connect.",
    )
    tls: Tls | None = option(
        default=None, reason="Certificate and key of all listeners that have none of their own."
    )
    users: tuple[User, ...] = option(default=(), reason="Who may send.")
    routes: Mapping[str, Route] = required(
        reason="One SES account and Region each; `default` must be there, unless AWS_REGION "
        "says it all."
    )
    queue: Queue = option(default_factory=Queue, reason="What is kept, and for how long.")
    limits: Limits = option(
        default_factory=Limits, reason="What the whole process may have in work."
    )
    dkim: tuple[DkimKey, ...] = option(default=(), reason="Keys to sign with.")
    rules: tuple[Rule, ...] = option(
        default=(), reason="Tried in order; the first final action ends."
    )
    suppression: Suppression = option(
        default_factory=Suppression, reason="Recipients that must not be written to again."
    )
    feedback: Feedback = option(default_factory=Feedback, reason="How SES events arrive.")
    reputation: Reputation = option(
        default_factory=Reputation, reason="When a user endangers the account."
    )
    bounces: Bounces = option(
        default_factory=Bounces, reason="Who hears of a message that failed later."
    )
    http: Http = option(default_factory=Http, reason="Health, metrics, dashboard and API.")
    log: Log = option(default_factory=Log, reason="Lines on standard output.")
    prices: Prices = option(default_factory=Prices, reason="What SES charges, for estimates.")
    history: float = option(
        default=30 * 86_400.0,
        unit=Unit.SECONDS,
        at_least=0,
        reason="How far back `trace` and the dashboard can look.",
    )
    workers: int = option(
        default=1, at_least=1, at_most=64, reason="Processes; one per core at most."
    )

    @property
    def sns_bind(self) -> Bind | None:
        """Where SNS posts to, if that is an address of its own and not the one of `http`."""
        bind = None if self.feedback.sns is None else self.feedback.sns.bind
        shared = bind == self.http.bind and not (isinstance(bind, TcpBind) and bind.port == 0)
        return None if shared else bind

    def tls_of(self, listener: Listener) -> Tls | None:
        """Give the certificates a listener uses; None where it speaks no TLS, or has none."""
        return None if listener.tls is TlsMode.OFF else listener.tls_files or self.tls


__all__ = [
    "DEFAULT_ROUTE",
    "NULL_SENDER",
    "AccountList",
    "Actions",
    "AddressPattern",
    "Api",
    "AuthMode",
    "Auto",
    "Bind",
    "BounceThresholds",
    "BounceTo",
    "Bounces",
    "CertificateMark",
    "CertificateName",
    "ClearPassword",
    "ComplaintThresholds",
    "Conditions",
    "DkimKey",
    "DkimSigner",
    "ExistingSignature",
    "FdBind",
    "Feedback",
    "Fingerprint",
    "Glob",
    "HashedPassword",
    "Http",
    "IdentifyBy",
    "Lane",
    "Limits",
    "LineEndings",
    "Listener",
    "Log",
    "LogFormat",
    "LogLevel",
    "LogRecipients",
    "Mechanism",
    "Network",
    "NoStore",
    "Off",
    "Password",
    "PostgresStore",
    "Prices",
    "Queue",
    "RefuseAt",
    "Reputation",
    "Route",
    "Rule",
    "Secret",
    "SesHeader",
    "SessionLimits",
    "Settings",
    "SnsEndpoint",
    "SqliteStore",
    "SqsQueue",
    "Store",
    "Suppression",
    "TcpBind",
    "Tls",
    "TlsMode",
    "TlsVersion",
    "Unit",
    "UnixBind",
    "User",
    "UserLimits",
    "local_only",
    "option",
    "required",
    "section",
]
