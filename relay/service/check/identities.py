"""The identities that mail of a route names: verified there, with DKIM and a working MAIL FROM.

SES facts: identities belong to one Region, and a verified domain covers its addresses and
subdomains (SES Developer Guide, creating-identities); a custom MAIL FROM domain without its MX
record may be set to refuse all mail (mail-from).
Errors: none; findings.
"""

from dataclasses import dataclass, field

from relay.delivery.inspection import Identity, Inspector
from relay.model.settings import DkimSigner, Route, Settings
from relay.model.unanswered import Unanswered, Why
from relay.service.check.finding import Finding, fault, ok, unasked, warning
from relay.service.check.senders import Needed


@dataclass(slots=True, kw_only=True)
class IdentityCheck:
    """Asks about identities of one route, about each of them once."""

    route: Route
    settings: Settings
    ask: Inspector
    _known: dict[str, Identity | Unanswered] = field(default_factory=dict)

    async def finding(self, one: Needed) -> Finding:
        """Ask for what would cover one address, the closest identity first."""
        about = f"{one.key} {one.name}"
        if not one.candidates:
            return ok(about, "may be anything: SES itself refuses what is not verified")
        if self.route.from_arn or self.route.source_arn:
            return ok(about, "belongs to another account (from_arn, source_arn): cannot be asked")
        waiting: Identity | None = None
        for name in one.candidates:
            if name not in self._known:
                self._known[name] = await self.ask.identity(name)
            match self._known[name]:
                case Identity(verified=True) as found:
                    return self._verified(about, one, found)
                case Identity() as found:
                    waiting = waiting or found
                case Unanswered(why=Why.ABSENT):
                    pass
                case Unanswered(detail=detail, why=why):
                    fix = "allow ses:GetEmailIdentity on it, for this check alone"
                    return unasked(about, f"cannot be asked about: {detail}", fix, why)
        return self._unverified(about, one, waiting)

    def _verified(self, about: str, one: Needed, found: Identity) -> Finding:
        if found.mail_from_rejects:
            return fault(
                about,
                f"the MAIL FROM domain of {found.name} has no MX record, and SES rejects then",
                "publish the MX record that the SES console shows for it",
            )
        if not found.signed_by_ses and not self._signs(one):
            return warning(
                about,
                f"is verified ({found.name}), but neither SES nor the relay signs its mail",
                "switch on Easy DKIM for the identity, or configure a key under `dkim`",
            )
        return ok(about, f"{found.name} is verified in {self.route.region}")

    def _signs(self, one: Needed) -> bool:
        domain = one.name.rpartition("@")[2].lower()
        return self.route.dkim is DkimSigner.RELAY and any(
            f".{domain}".endswith(f".{key.domain.lower().rstrip('.')}")
            for key in self.settings.dkim
        )

    def _unverified(self, about: str, one: Needed, waiting: Identity | None) -> Finding:
        region = self.route.region
        if waiting is not None:
            says = f"{waiting.name} is not verified in {region} yet: {waiting.status}"
            fix = f"publish the DNS records of {waiting.name}, or follow the link in SES's mail"
        else:
            says = f"no identity in {region} covers it ({', '.join(one.candidates)})"
            fix = (
                "verify it there, identities belong to one Region: aws sesv2 "
                f"create-email-identity --region {region} --email-identity {one.candidates[-1]}"
            )
        if one.rewritten_by:
            return warning(about, f"{says}; rule {one.rewritten_by} may rewrite it", fix)
        return fault(about, says, fix)
