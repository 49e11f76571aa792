"""Every way in which the simulator says no, with the code each of the two APIs gives it.

SES answers one and the same cause by different codes and statuses in v1 (Query) and v2
(REST-JSON). A `Refusal` carries both, and each cause is named once, here.

SES facts: botocore service models `ses` and `sesv2` (modelled errors and statuses); SES API
reference, common errors; SES Developer Guide, troubleshoot-error-messages. Texts that nobody
has published are marked UNCERTAIN: do not build on them.

Errors: none; refusals are values.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused request: codes and HTTP statuses for both APIs, and the text they share."""

    query_code: str
    rest_code: str
    message: str
    query_status: int = 400
    rest_status: int = 400
    members: tuple[tuple[str, str], ...] = ()
    """Modelled members that stand beside the message in the v1 error element."""


def invalid(message: str) -> Refusal:
    """Refuse a message or address that SES cannot take as it is."""
    return Refusal(
        query_code="InvalidParameterValue", rest_code="BadRequestException", message=message
    )


def constraint(member: str, rule: str, value: str | None = None) -> Refusal:
    """Refuse a request that breaks the service model, in the words of AWS's validator."""
    shown = "null" if value is None else f"'{value}'"
    return Refusal(
        query_code="ValidationError",
        rest_code="BadRequestException",
        message=(
            f"1 validation error detected: Value {shown} at '{member}' "
            f"failed to satisfy constraint: {rule}"
        ),
    )


def missing(member: str) -> Refusal:
    """Refuse a request without a member that the model requires."""
    return constraint(member, "Member must not be null")


def unreadable(message: str) -> Refusal:
    """Refuse a body that cannot be deserialised."""
    return Refusal(
        query_code="SerializationException", rest_code="SerializationException", message=message
    )


def unknown_action(action: str, version: str) -> Refusal:
    """Refuse an action that the named version of an API does not have."""
    return Refusal(
        query_code="InvalidAction",
        rest_code="UnknownOperationException",
        message=f"Could not find operation {action} for version {version}",
        rest_status=404,
    )


def too_large(octets: int) -> Refusal:
    """Refuse a request beyond the gateway's own limit."""
    return Refusal(
        query_code="RequestEntityTooLarge",
        rest_code="RequestEntityTooLargeException",
        message=f"The request is larger than {octets} octets.",
        query_status=413,
        rest_status=413,
    )


def internal() -> Refusal:
    """Refuse because of a fault of our own, as AWS does for its own."""
    return Refusal(
        query_code="InternalFailure",
        rest_code="InternalFailure",
        message="The simulator failed; its log has the traceback.",
        query_status=500,
        rest_status=500,
    )


def not_permitted(message: str) -> Refusal:
    """Refuse for lack of an IAM or sending-authorisation permission."""
    return Refusal(
        query_code="AccessDenied",
        rest_code="AccessDeniedException",
        message=message,
        query_status=403,
        rest_status=403,
    )


def rejected(message: str) -> Refusal:
    """Refuse by MessageRejected, the one code both APIs share."""
    return Refusal(query_code="MessageRejected", rest_code="MessageRejected", message=message)


def not_verified(region: str, identities: Iterable[str]) -> Refusal:
    """Refuse addresses that are not verified in this Region (Developer Guide, troubleshoot)."""
    return rejected(
        "Email address is not verified. The following identities failed the check "
        f"in region {region.upper()}: {', '.join(identities)}"
    )


def mail_from_failing() -> Refusal:
    """Refuse because the custom MAIL FROM domain lacks its MX record."""
    return Refusal(
        query_code="MailFromDomainNotVerifiedException",
        rest_code="MailFromDomainNotVerifiedException",
        message="DNS setup for MAIL FROM domain is invalid.",
    )


_INBOX = (
    "For more information, please check the inbox of the email address "
    "associated with your AWS account."
)


def account_paused() -> Refusal:
    """Refuse because somebody switched sending off (UpdateAccountSendingEnabled)."""
    return Refusal(
        query_code="AccountSendingPausedException",
        rest_code="SendingPausedException",
        message=f"Sending paused for this account. {_INBOX}",
    )


def account_shut_down() -> Refusal:
    """Refuse because AWS stopped the account: MessageRejected in v1, its own class in v2."""
    return Refusal(
        query_code="MessageRejected",
        rest_code="AccountSuspendedException",
        message=f"Sending paused for this account. {_INBOX}",
    )


def configuration_set_absent(name: str) -> Refusal:
    """Refuse an unknown configuration set; v1 leaves "Exception" out of the code."""
    return Refusal(
        query_code="ConfigurationSetDoesNotExist",
        rest_code="NotFoundException",
        message=f"Configuration set <{name}> does not exist.",
        rest_status=404,
        members=(("ConfigurationSetName", name),),
    )


def configuration_set_paused(name: str) -> Refusal:
    """Refuse a paused configuration set. v2 has no class for it: UNCERTAIN."""
    return Refusal(
        query_code="ConfigurationSetSendingPausedException",
        rest_code="SendingPausedException",
        message=f"Sending paused for configuration set <{name}>.",
        members=(("ConfigurationSetName", name),),
    )


def absent(message: str) -> Refusal:
    """Refuse to show something that does not exist (v2 NotFoundException)."""
    return Refusal(
        query_code="InvalidParameterValue",
        rest_code="NotFoundException",
        message=message,
        rest_status=404,
    )


def tenant_paused(name: str) -> Refusal:
    """Refuse a paused tenant. Code and text UNCERTAIN in both APIs."""
    return Refusal(
        query_code="MessageRejected",
        rest_code="SendingPausedException",
        message=f"Sending paused for tenant <{name}>.",
    )


def throttled(message: str) -> Refusal:
    """Refuse for MaxSendRate, or for the control plane's one call a second."""
    return Refusal(
        query_code="Throttling",
        rest_code="TooManyRequestsException",
        message=message,
        rest_status=429,
    )


def quota_used() -> Refusal:
    """Refuse because the rolling day is full. The class in v2 is UNCERTAIN."""
    return Refusal(
        query_code="Throttling",
        rest_code="LimitExceededException",
        message="Daily message quota exceeded.",
    )


def not_authentic(query_code: str, rest_code: str, message: str) -> Refusal:
    """Refuse the credentials or the signature of a request."""
    return Refusal(
        query_code=query_code,
        rest_code=rest_code,
        message=message,
        query_status=403,
        rest_status=403,
    )
