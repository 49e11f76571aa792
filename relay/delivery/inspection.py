"""Questions to AWS before the first message: whose the credentials are, what the account knows.

SES facts: control calls are limited to one per second for the whole account (SES Developer Guide,
quotas); whoever asks more than once shares one `Pace` among all its routes, because two of them may
be of one account. GetEmailIdentity, GetConfigurationSet and GetTenant answer NotFound for what this
Region does not have (SES API v2 reference).
Standards: RFC 9110 §6.6.1 (Date: the time at AWS, good to a second).

Errors: `Unanswered` as a value, with AWS's words.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from relay.aws import RouteClients, open_sts
from relay.delivery.account import AccountPoller, Look
from relay.delivery.answer import Answer
from relay.delivery.answers import Hold, Named, verdict_on
from relay.model.clock import Clock
from relay.model.outcome import Cause
from relay.model.settings import Route

BETWEEN_CALLS = 1.1
CALL_SECONDS = 30.0

T = TypeVar("T")


class Why(Enum):
    """What kind of no it is."""

    ABSENT = "absent"
    DENIED = "denied"  # the role lacks the permission
    CREDENTIALS = "credentials"
    UNREACHABLE = "unreachable"  # or an answer that tells nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """AWS did not say; `detail` is its words or botocore's."""

    why: Why
    detail: str
    at: datetime | None = None  # the time at AWS, where it answered at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose the credentials are."""

    arn: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A verified or waiting identity of the account in one Region."""

    name: str
    verified: bool
    status: str  # SES's word: SUCCESS, PENDING, FAILED …
    signed_by_ses: bool  # Easy DKIM or BYODKIM is on and its records are found
    mail_from_rejects: bool  # its custom MAIL FROM domain has no MX, and it says: reject then


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationSet:
    """A configuration set, and the kinds of events that it tells somebody."""

    name: str
    sending_enabled: bool
    events: frozenset[str] | None  # as SES names them: BOUNCE, COMPLAINT …; None: not readable


@dataclass(slots=True)
class Pace:
    """Keeps control calls a little more than a second apart."""

    clock: Clock
    _free_at: float = field(default=float("-inf"))

    async def turn(self) -> None:
        """Wait until another call may be made."""
        await self.clock.sleep(self._free_at - self.clock.monotonic())
        self._free_at = self.clock.monotonic() + BETWEEN_CALLS


@dataclass(frozen=True, slots=True)
class Inspector:
    """Asks about one route. Each answer is asked for once by whoever remembers it."""

    route: Route
    clients: RouteClients
    pace: Pace

    async def caller(self) -> Caller | Unanswered:
        """Ask STS whose the credentials are; needs no permission."""
        async with open_sts(self.route, self.clients.credentials) as sts:
            said = await _heard(sts.get_caller_identity)
        if isinstance(said, Unanswered):
            return said
        return Caller(arn=said["Arn"], at=_date(said["ResponseMetadata"]["HTTPHeaders"]))

    async def account(self) -> Look:
        """Ask what the account may do."""
        await self.pace.turn()
        return await AccountPoller(self.clients, self.pace.clock, lambda _: None).look()

    async def identity(self, name: str) -> Identity | Unanswered:
        """Ask about one address or domain."""
        await self.pace.turn()
        said = await _heard(lambda: self.clients.sesv2.get_email_identity(EmailIdentity=name))
        if isinstance(said, Unanswered):
            return said
        dkim, mail_from = said.get("DkimAttributes", {}), said.get("MailFromAttributes")
        return Identity(
            name=name,
            verified=said.get("VerifiedForSendingStatus", False),
            status=said.get("VerificationStatus", "unknown"),
            signed_by_ses=dkim.get("SigningEnabled", False) and dkim.get("Status") == "SUCCESS",
            mail_from_rejects=mail_from is not None
            and mail_from["MailFromDomainStatus"] == "FAILED"
            and mail_from["BehaviorOnMxFailure"] == "REJECT_MESSAGE",
        )

    async def configuration_set(self, name: str) -> ConfigurationSet | Unanswered:
        """Ask about one configuration set and its event destinations."""
        sesv2 = self.clients.sesv2
        await self.pace.turn()
        said = await _heard(lambda: sesv2.get_configuration_set(ConfigurationSetName=name))
        if isinstance(said, Unanswered):
            return said
        await self.pace.turn()
        told = await _heard(
            lambda: sesv2.get_configuration_set_event_destinations(ConfigurationSetName=name)
        )
        events = None
        if not isinstance(told, Unanswered):
            events = frozenset(
                str(kind)
                for destination in told.get("EventDestinations", [])
                if destination.get("Enabled", False)
                for kind in destination["MatchingEventTypes"]
            )
        sending = said.get("SendingOptions", {}).get("SendingEnabled", True)
        return ConfigurationSet(name=name, sending_enabled=sending, events=events)

    async def tenant(self, name: str) -> str | Unanswered:
        """Ask for the sending status of a tenant, in SES's word."""
        await self.pace.turn()
        said = await _heard(lambda: self.clients.sesv2.get_tenant(TenantName=name))
        if isinstance(said, Unanswered):
            return said
        return said["Tenant"].get("SendingStatus", "unknown")


async def _heard(call: Callable[[], Awaitable[T]]) -> T | Unanswered:
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await call()
    except ClientError as exc:
        answer = Answer.parsed(exc.response)
        headers = exc.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return Unanswered(why=_why(answer), detail=answer.detail, at=_date(headers))
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as exc:
        return Unanswered(why=Why.CREDENTIALS, detail=str(exc))
    except (BotoCoreError, ResponseParserError, TimeoutError) as exc:
        return Unanswered(why=Why.UNREACHABLE, detail=f"{type(exc).__name__}: {exc}")


def _why(answer: Answer) -> Why:
    if answer.code == "NotFound":
        return Why.ABSENT
    match verdict_on(answer):
        case Named.RESOURCE:
            return Why.DENIED
        case Hold(cause=Cause.CREDENTIALS):
            return Why.CREDENTIALS
        case _:
            return Why.UNREACHABLE


def _date(headers: object) -> datetime | None:
    """Read when AWS answered; a date that cannot be read tells nothing."""
    said = headers.get("date") if isinstance(headers, dict) else None
    try:
        return parsedate_to_datetime(said) if isinstance(said, str) else None
    except ValueError:
        return None
