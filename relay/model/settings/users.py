"""Settings of the users: who may send, as whom, to whom, how much, and with which SES resources.

SES facts: message tags and configuration sets as in the SES Developer Guide,
event-publishing-send-email; the largest message of any API is 40 MB (quotas).

Errors: none.
"""

from collections.abc import Mapping

from relay.model.address import Address
from relay.model.settings.option import Unit, option, required, section
from relay.model.settings.patterns import AddressPattern
from relay.model.settings.values import CertificateMark, Network, Password
from relay.model.settings.words import IdentifyBy, Lane, SesHeader

MIB = 1024 * 1024


@section
class UserLimits:
    """How much one user may send; the client gets 452 beyond."""

    messages_per_minute: int | None = option(
        default=None, at_least=1, reason="Messages per minute; null: as many as SES takes."
    )
    recipients_per_day: int | None = option(
        default=None, at_least=1, reason="Recipients in any 24 hours; null: as many as SES takes."
    )
    message_size: int = option(
        default=40 * MIB,
        unit=Unit.OCTETS,
        at_least=1024,
        at_most=40 * MIB,
        reason="Largest message. A route with `api: v1` takes 10 MiB at most.",
    )


@section
class User:
    """One application or device that sends through the relay."""

    name: str = required(
        min_length=1, example="tickets", reason="AUTH name, and the name in logs and metrics."
    )
    password: Password | None = option(
        default=None,
        example='"$argon2id$…"',
        reason="Output of `ses-relay user hash`, or {secret: …} where CRAM-MD5 must work.",
    )
    identify_by: IdentifyBy = option(
        default=IdentifyBy.PASSWORD,
        reason="password, or without AUTH: network (the client is in `networks`) or certificate "
        "(it shows one of `certificates`).",
    )
    certificates: tuple[CertificateMark, ...] = option(
        default=(),
        example='["app.example.com"]',
        reason="identify_by certificate: names in the client certificate (its subjectAltName, or "
        "its common name where it has none), or sha256:… of the whole.",
    )
    networks: tuple[Network, ...] = option(
        default=(),
        example='["10.1.0.0/16"]',
        reason="identify_by network: names the client. Otherwise where the user may come from; "
        "empty: from everywhere.",
    )
    senders: tuple[AddressPattern, ...] = required(
        min_length=1,
        example='["*@example.com"]',
        reason='MAIL FROM, From: and Sender: that this user may use; "<>" allows the null sender.',
    )
    default_from: Address | None = option(
        default=None, reason="Author for messages that come without From."
    )
    recipients: tuple[AddressPattern, ...] = option(
        default=(AddressPattern("*"),), min_length=1, reason="To whom this user may send."
    )
    route: str = option(default="default", reason="Name of the route to SES.")
    lane: Lane = option(
        default=Lane.TRANSACTIONAL,
        reason="transactional goes first; bulk uses what is left of the account's rate.",
    )
    limits: UserLimits = option(default_factory=UserLimits, reason="How much this user may send.")
    configuration_set: str | None = option(
        default=None, reason="SES configuration set; the route's when left out."
    )
    tags: Mapping[str, str] = option(
        default_factory=dict,
        example="{app: tickets}",
        reason="SES message tags; the relay adds queue id and user.",
    )
    ses_headers: tuple[SesHeader, ...] = option(
        default=(),
        reason="X-SES-CONFIGURATION-SET, X-SES-MESSAGE-TAGS: taken from the message as request "
        "parameters. All other X-SES-* fields are removed always.",
    )
    threading: bool = option(
        default=True,
        reason="SES replaces Message-ID; the client's is appended to References, so that "
        "replies still find their thread.",
    )
    lifetime: float | None = option(
        default=None, unit=Unit.SECONDS, above=0, reason="Instead of queue.lifetime."
    )
