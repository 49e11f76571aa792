"""Questions to AWS before the first message: whose the credentials are, what the account knows.

SES facts: GetEmailIdentity, GetConfigurationSet and GetTenant answer NotFound for what this
Region does not have (SES API v2 reference).

Errors: `Unanswered` as a value, with AWS's words.
"""

from dataclasses import dataclass
from datetime import datetime

from relay.aws import RouteClients, open_sts
from relay.delivery.account import AccountPoller, Look
from relay.delivery.account_list import SesAccountList
from relay.delivery.control import Pace, date_in, heard
from relay.model.settings import Route
from relay.model.unanswered import Unanswered


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


@dataclass(frozen=True, slots=True)
class Inspector:
    """Asks about one route. Each answer is asked for once by whoever remembers it."""

    route: Route
    clients: RouteClients
    pace: Pace

    async def caller(self) -> Caller | Unanswered:
        """Ask STS whose the credentials are; needs no permission."""
        async with open_sts(self.route, self.clients.credentials) as sts:
            said = await heard(sts.get_caller_identity)
        if isinstance(said, Unanswered):
            return said
        return Caller(arn=said["Arn"], at=date_in(said["ResponseMetadata"]["HTTPHeaders"]))

    async def account(self) -> Look:
        """Ask what the account may do."""
        clock = self.pace.clock
        return await AccountPoller(self.clients, clock, lambda _: None, pace=self.pace).look()

    async def identity(self, name: str) -> Identity | Unanswered:
        """Ask about one address or domain."""
        await self.pace.turn()
        said = await heard(lambda: self.clients.sesv2.get_email_identity(EmailIdentity=name))
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
        said = await heard(lambda: sesv2.get_configuration_set(ConfigurationSetName=name))
        if isinstance(said, Unanswered):
            return said
        await self.pace.turn()
        told = await heard(
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

    async def suppression_list(self) -> Unanswered | None:
        """Ask if the account's suppression list can be read."""
        there = SesAccountList(self.route, self.clients, self.pace)
        page = await there.page(self.pace.clock.now(), None)
        return page if isinstance(page, Unanswered) else None

    async def tenant(self, name: str) -> str | Unanswered:
        """Ask for the sending status of a tenant, in SES's word."""
        await self.pace.turn()
        said = await heard(lambda: self.clients.sesv2.get_tenant(TenantName=name))
        if isinstance(said, Unanswered):
            return said
        return said["Tenant"].get("SendingStatus", "unknown")
