"""Settings of the way out: one SES account and Region per route.

SES facts: at most 50 recipients per request (SES Developer Guide, quotas); rates and quotas are
per account and Region and count recipients (manage-sending-quotas).

Errors: none.
"""

from collections.abc import Mapping

from relay.model.address import Address
from relay.model.settings.option import Unit, option, required, section
from relay.model.settings.words import Api, Auto, DkimSigner

DEFAULT_ROUTE = "default"  # every configuration has it


@section
class Route:
    """One SES account and Region, and how requests to it are made."""

    region: str = required(
        min_length=1, example="eu-west-1", reason="Required unless AWS_REGION is set."
    )
    api: Api = option(
        default=Api.AUTO,
        reason="v1 = SendRawEmail, v2 = SendEmail; auto = v1, but v2 beyond 10 MiB or with a "
        "tenant.",
    )
    recipients_per_request: int = option(
        default=50,
        at_least=1,
        at_most=50,
        reason="1: own request, own verdict and clear complaint attribution per recipient.",
    )
    null_sender: Address | None = option(
        default=None,
        reason="Verified address that stands in for the null sender, which SES does not take.",
    )
    dkim: DkimSigner = option(
        default=DkimSigner.RELAY,
        reason="relay, or ses (Easy DKIM or BYODKIM: the relay does not sign).",
    )
    seven_bit: bool = option(
        default=False,
        reason="Encode 8-bit parts anew as quoted-printable or base64; for configuration sets with "
        "open or click tracking, where SES would do it itself after the message was signed.",
    )
    endpoint_url: str | None = option(
        default=None, reason="Simulator or VPC endpoint instead of the Region's own."
    )
    profile: str | None = option(
        default=None, reason="AWS profile; without it the default credential chain."
    )
    role_arn: str | None = option(default=None, reason="IAM role to assume for this route.")
    external_id: str | None = option(
        default=None, reason="External id that the role's trust policy asks for."
    )
    configuration_set: str | None = option(
        default=None, reason="SES configuration set for users who name none."
    )
    tags: Mapping[str, str] = option(
        default_factory=dict, reason="SES message tags; a user's tag of the same name wins."
    )
    from_arn: str | None = option(
        default=None, reason="Sending authorization: identity of the author (From)."
    )
    source_arn: str | None = option(
        default=None, reason="Sending authorization: identity of the sender (MAIL FROM)."
    )
    return_path_arn: str | None = option(
        default=None, reason="Sending authorization: identity of the bounce address."
    )
    tenant: str | None = option(default=None, reason="SES tenant; needs api v2 or auto.")
    max_send_rate: float | Auto = option(
        default=Auto.AUTO,
        unit=Unit.PER_SECOND,
        above=0,
        reason="Recipients per second; auto = read from the account.",
    )
    headroom: float = option(
        default=0.9,
        unit=Unit.SHARE,
        above=0,
        at_most=1,
        reason="Share of the account's rate that this relay may use, or all relays together that "
        "share its store.",
    )
    fallback: str | None = option(
        default=None, reason="Route to use while this Region cannot be reached."
    )

    @property
    def account(self) -> tuple[str | None, ...]:
        """What decides which account and Region it is: with another one, all of it is another."""
        return (self.region, self.endpoint_url, self.profile, self.role_arn)
