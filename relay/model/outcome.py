"""What became of one SES request, and what a fault holds back.

The table of faults (cause → scope, reply, attempts, lifetime) is the relay's central promise: hold
the smallest thing that SES names, so that one careless application never stops the others.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum

from relay.model.address import Address
from relay.model.reply import Reply


class ScopeKind(StrEnum):
    """What can be held back on its own."""

    MESSAGE = "message"
    ROUTE = "route"
    IDENTITY = "identity"
    CONFIGURATION_SET = "configuration_set"
    TENANT = "tenant"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Scope:
    """One thing that can be held: a message by its queue id, an identity of a route, a user."""

    kind: ScopeKind
    name: str
    route: str = ""  # empty where the name says it all (message, route, user)

    def __str__(self) -> str:
        return f"{self.kind}:{self.route}/{self.name}" if self.route else f"{self.kind}:{self.name}"


class Cause(Enum):
    """Why a request is put off: (word in logs, counts as attempt, lifetime runs, alarm)."""

    NETWORK = ("network", True, True, False)
    SERVICE = ("service", True, True, False)
    LOST_ANSWER = ("lost_answer", True, True, True)
    RATE = ("rate", False, True, False)
    QUOTA = ("quota", False, False, True)
    ACCOUNT_PAUSED = ("account_paused", False, False, True)
    CREDENTIALS = ("credentials", False, False, True)
    CONFIGURATION_SET = ("configuration_set", False, False, True)
    TENANT_PAUSED = ("tenant_paused", False, False, True)
    PERMISSION = ("permission", False, False, True)
    IDENTITY = ("identity", False, False, True)
    # Our own bug, or an answer of SES that nobody has classified: an operator must look.
    UNCLASSIFIED = ("unclassified", False, False, True)
    # SES refused the request for one bad recipient but did not say which: send one by one.
    UNNAMED_RECIPIENT = ("unnamed_recipient", False, True, False)
    # Nothing went wrong: no turn in time, older mail of the same user waits, several requests.
    WAITING = ("waiting", False, True, False)
    # An operator, a rule or the reputation breaker stopped it.
    HELD = ("held", False, False, False)
    STOPPING = ("stopping", False, True, False)

    def __init__(self, word: str, counts: bool, ages: bool, alarm: bool) -> None:  # noqa: FBT001 - the members above read as rows of the table
        self.word = word
        self.counts_as_attempt = counts
        self.lifetime_runs = ages
        self.alarm = alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """SES answered 200: the request is SES's now. Not "delivered"; only an event can say that."""

    ses_message_id: str
    ses_request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Not taken, may be tried again: the message waits, or the scope that SES named."""

    cause: Cause
    scope: Scope
    reply: Reply  # what a client hears that still waits and whose mail nobody can keep
    not_before: datetime | None = None  # None: by the message's own backoff
    ses_request_id: str = ""
    detail: str = ""  # SES's code and words, for the log


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Refused for good. Nobody of the request got it.

    `recipients` names those whom SES refused; the others of the request may be tried again on
    their own. None: the whole request is refused.
    """

    reply: Reply
    recipients: frozenset[Address] | None = None
    ses_request_id: str = ""
    detail: str = ""

    def spared(self, asked: tuple[Address, ...]) -> tuple[Address, ...]:
        """Give those of the request's recipients who may be tried again on their own.

        Where none of those SES names was asked for, the request is refused as a whole.
        """
        named = self.recipients or frozenset()
        others = tuple(address for address in asked if address not in named)
        return () if others == asked else others


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Octets left and no answer came: SES may have taken it. SES has no idempotency token."""

    reply: Reply
    detail: str = ""


Outcome = Relayed | Deferred | Failed | Unknown
