"""What AWS says: credentials, clock, account, configuration sets, tenants; and the identities.

One control call a second at most, over all routes together: a full check takes about as many
seconds as there are identities.

SES facts: reviews begin at PROBATION, SHUTDOWN stops sending (SES API v2 reference, GetAccount);
AWS refuses signatures that are more than five minutes off (IAM User Guide, signature version 4).
Errors: none; findings.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime

from relay.delivery.account import AccountUnknown, Look
from relay.delivery.inspection import ConfigurationSet, Inspector
from relay.model.account import AccountState
from relay.model.clock import Clock
from relay.model.settings import AccountList, Route, Settings
from relay.model.unanswered import Unanswered, Why
from relay.service.check.finding import Finding, fault, ok, unasked, warning
from relay.service.check.identities import IdentityCheck
from relay.service.check.senders import needed, routes_of

SKEW_WARN, SKEW_FAULT = 30.0, 300.0  # seconds
QUOTA_WARN = 0.8
_CREDENTIALS = (
    "give the machine, task or pod a role (README, First real set-up), or set `profile` or "
    "`role_arn` of the route"
)


@dataclass(slots=True, kw_only=True)
class RouteCheck:
    """Everything about the account behind one route."""

    name: str
    route: Route
    settings: Settings
    ask: Inspector
    clock: Clock

    @property
    def about(self) -> str:
        """What its findings are about."""
        return f"routes.{self.name}"

    async def findings(self) -> AsyncIterator[Finding]:
        """Ask one thing after the other; nothing more once the credentials are no good."""
        said = await self.ask.caller()
        for finding in self._skew(said.at):
            yield finding
        if isinstance(said, Unanswered) and said.why is Why.CREDENTIALS:
            yield fault(f"{self.about} credentials", said.detail, _CREDENTIALS)
            return
        if isinstance(said, Unanswered):
            yield unasked(
                f"{self.about} credentials",
                f"STS cannot be asked whose they are: {said.detail}",
                "let the machine reach STS, or trust that SES's own answers follow here",
                said.why,
            )
        else:
            yield ok(f"{self.about} credentials", said.arn)
        account = await self.ask.account()
        for finding in account_findings(about_account(self.name), account):
            yield finding
        identities = IdentityCheck(route=self.route, settings=self.settings, ask=self.ask)
        for one in needed(self.settings):
            if one.route == self.name:
                yield await identities.finding(one)
        for name in self._configuration_sets():
            for finding in self._set(name, await self.ask.configuration_set(name)):
                yield finding
        async for finding in self._where_used(account):
            yield finding

    async def _where_used(self, account: Look) -> AsyncIterator[Finding]:
        """Ask about what a configuration need not name."""
        if self.settings.suppression.account_list is not AccountList.OFF:
            yield self._suppression_list(account, await self.ask.suppression_list())
        if self.route.tenant:
            yield self._tenant(self.route.tenant, await self.ask.tenant(self.route.tenant))

    def _skew(self, at: datetime | None) -> Iterator[Finding]:
        if at is None:
            return
        ahead = (self.clock.now() - at).total_seconds()
        says = f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'}"
        fix = "let NTP set it (timedatectl); AWS refuses signatures that are 5 minutes off"
        if abs(ahead) >= SKEW_FAULT:
            yield fault(f"{self.about} clock", f"{says} AWS", fix)
        elif abs(ahead) >= SKEW_WARN:
            yield warning(f"{self.about} clock", f"{says} AWS", fix)
        else:
            yield ok(f"{self.about} clock", "agrees with AWS")

    def _configuration_sets(self) -> list[str]:
        """List the sets that mail of this route may name."""
        users = [
            user for user in self.settings.users if self.name in routes_of(self.settings, user)
        ]
        rules = [rule for rule in self.settings.rules if rule.then.route in {None, self.name}]
        found = [
            self.route.configuration_set,
            *(user.configuration_set for user in users),
            *(rule.then.configuration_set for rule in rules),
        ]
        return list(dict.fromkeys(name for name in found if name))

    def _set(self, name: str, said: ConfigurationSet | Unanswered) -> Iterator[Finding]:
        about = f"{self.about} configuration set {name}"
        match said:
            case Unanswered(why=Why.ABSENT):
                yield fault(
                    about, f"does not exist in {self.route.region}", "make it there, or correct it"
                )
            case Unanswered(detail=detail, why=why):
                fix = "allow ses:GetConfigurationSet, for this check alone"
                yield unasked(about, f"cannot be asked about: {detail}", fix, why)
            case ConfigurationSet(sending_enabled=False):
                yield fault(about, "its sending is paused", "enable sending for it in SES")
            case ConfigurationSet(events=events):
                yield self._events(about, events)

    def _events(self, about: str, events: frozenset[str] | None) -> Finding:
        if not (self.settings.feedback.sqs or self.settings.feedback.sns):
            return ok(about, "is there")
        if events is None:
            return unasked(
                about,
                "is there, its event destinations cannot be read",
                "allow ses:GetConfigurationSetEventDestinations, for this check alone",
                Why.DENIED,
            )
        missing = sorted({"BOUNCE", "COMPLAINT"} - events)
        if missing:
            return warning(
                about,
                f"tells nobody of {' and '.join(missing)}: the relay cannot learn from them",
                "add an event destination for it, to the SNS topic that `feedback` reads",
            )
        return ok(about, "is there, and tells of bounces and complaints")

    def _suppression_list(self, account: Look, said: Unanswered | None) -> Finding:
        about = about_list(self.name)
        sync = self.settings.suppression.account_list is AccountList.SYNC
        match said:
            case Unanswered(why=Why.DENIED, detail=detail):
                fix = "allow ses:ListSuppressedDestinations and ses:GetSuppressedDestination"
                more = ", and for sync ses:Put… and ses:DeleteSuppressedDestination" if sync else ""
                return warning(about, f"cannot be read: {detail}", fix + more)
            case Unanswered(detail=detail):
                return warning(about, f"cannot be read: {detail}", "try again")
            case None if sync and isinstance(account, AccountState) and account.sandbox:
                return warning(
                    about,
                    "SES lets nobody put addresses on the list of an account in the sandbox",
                    "ask for production access, or write account_list: read",
                )
            case None:
                return ok(about, "can be read")

    def _tenant(self, name: str, said: str | Unanswered) -> Finding:
        about = f"{self.about} tenant {name}"
        match said:
            case Unanswered(why=Why.ABSENT):
                return fault(about, "does not exist", "make it, or correct routes.tenant")
            case Unanswered(detail=detail, why=why):
                fix = "allow ses:GetTenant, for this check alone"
                return unasked(about, f"cannot be asked about: {detail}", fix, why)
            case "DISABLED":
                return fault(about, "its sending is paused", "reinstate it in SES")
            case status:
                return ok(about, f"is there: {status}")


def about_account(route: str) -> str:
    """Say what findings on a route's account are about."""
    return f"routes.{route} account"


def about_list(route: str) -> str:
    """Say what findings on the suppression list of a route's account are about."""
    return f"routes.{route} suppression list"


def account_findings(about: str, look: Look) -> Iterator[Finding]:
    """Find what an account may do, and what stands in its way."""
    match look:
        case AccountUnknown(reason=reason):
            yield warning(
                about,
                f"rate, quota and standing cannot be read: {reason}",
                "allow ses:GetAccount; until then the relay finds the rate out by itself",
            )
        case AccountState():
            yield from _standing(about, look)
            yield _quota(about, look)


def _standing(about: str, state: AccountState) -> Iterator[Finding]:
    if not state.sending_enabled or state.enforcement == "SHUTDOWN":
        yield fault(
            about,
            f"SES does not send for it (sending enabled: {state.sending_enabled}, enforcement "
            f"{state.enforcement})",
            "answer the case that AWS opened, or `aws sesv2 put-account-sending-attributes "
            "--sending-enabled`",
        )
    elif state.enforcement != "HEALTHY":
        yield warning(
            about,
            f"is under review by SES: enforcement {state.enforcement}",
            "lower bounces and complaints, and answer the case that AWS opened",
        )
    if state.sandbox:
        yield warning(
            about,
            "is in the SES sandbox: only verified recipients get mail",
            "ask for production access in the SES console, under Account dashboard",
        )


def _quota(about: str, state: AccountState) -> Finding:
    used, most = state.sent_last_24_hours, state.max_24_hour_send
    says = f"{state.max_send_rate:g} recipients/s, {used:,.0f} of "
    says += "any number" if most < 0 else f"{most:,.0f}"
    says += " sent in 24 hours"
    if most >= 0 and used >= QUOTA_WARN * most:
        return warning(about, says, "ask AWS for a higher quota, or send less")
    return ok(about, says)
