"""Settings of what the relay learns after SES took a message: suppression, events, reputation.

SES facts: bounce and complaint events by SNS and SQS (SES Developer Guide,
event-publishing-send-email); reviews begin at 5 % bounces or 0.1 % complaints, a pause may follow
at 10 % or 0.5 % (faqs-enforcement); SES takes no null sender, so a bounce needs an address of its
own.

Errors: none.
"""

from relay.model.address import Address
from relay.model.settings.option import Unit, option, required, section
from relay.model.settings.values import Bind
from relay.model.settings.words import AccountList, BounceTo, Off, RefuseAt


@section
class Suppression:
    """Recipients that must not be written to again."""

    enabled: bool = option(default=True, reason="Consult and fill the suppression list.")
    refuse_at: RefuseAt = option(
        default=RefuseAt.RCPT,
        reason="rcpt: 550 at once; quiet: 250, and the recipient is left out (logged).",
    )
    soft_bounces: int | Off = option(
        default=Off.OFF,
        at_least=1,
        reason="Suppress after this many full-mailbox bounces within 30 days, or off.",
    )
    account_list: AccountList = option(
        default=AccountList.OFF,
        reason="The SES account's own list: off, read (taken over) or sync (both ways).",
    )


@section
class SqsQueue:
    """One SQS queue that SES events arrive in."""

    queue_url: str = required(
        min_length=1,
        example="https://sqs.eu-west-1.amazonaws.com/123456789012/ses-events",
        reason="URL of the queue.",
    )
    region: str | None = option(default=None, reason="Its Region; the route's when left out.")
    route: str = option(default="default", reason="Route whose credentials read the queue.")


@section
class SnsEndpoint:
    """Where SNS posts SES events to; every message's signature is checked."""

    bind: Bind | None = option(
        default=None,
        reason="Own address; left out, or the same: that of `http`; SNS needs no token.",
    )
    topics: tuple[str, ...] = required(
        min_length=1,
        example='["arn:aws:sns:eu-west-1:123456789012:ses-events"]',
        reason="ARNs of the topics that are listened to; all others are refused.",
    )
    path: str = option(default="/sns", min_length=1, reason="Path of the URL that SNS calls.")


@section
class Feedback:
    """How SES events reach the relay."""

    sqs: tuple[SqsQueue, ...] = option(
        default=(), reason="SQS queues to read (outgoing connections only)."
    )
    sns: SnsEndpoint | None = option(
        default=None, reason="HTTPS endpoint for SNS (needs to be reached from outside)."
    )


@section
class BounceThresholds:
    """Shares of recipients that bounced hard, per user."""

    warn: float | Off = option(
        default=0.02, unit=Unit.SHARE, above=0, at_most=1, reason="Warn at this share, or off."
    )
    hold: float | Off = option(
        default=Off.OFF,
        unit=Unit.SHARE,
        above=0,
        at_most=1,
        reason="Hold the user at this share, or off.",
    )


@section
class ComplaintThresholds:
    """Shares of recipients that complained, per user."""

    warn: float | Off = option(
        default=0.001, unit=Unit.SHARE, above=0, at_most=1, reason="Warn at this share, or off."
    )
    hold: float | Off = option(
        default=Off.OFF,
        unit=Unit.SHARE,
        above=0,
        at_most=1,
        reason="Hold the user at this share, or off.",
    )


@section
class Reputation:
    """When one user's mail endangers the account: SES reviews at 5 % and 0.1 %."""

    bounce: BounceThresholds = option(
        default_factory=BounceThresholds, reason="SES reviews at 0.05, may pause at 0.1."
    )
    complaint: ComplaintThresholds = option(
        default_factory=ComplaintThresholds, reason="SES reviews at 0.001, may pause at 0.005."
    )
    minimum_volume: int = option(
        default=200, at_least=1, reason="Recipients before a share means anything."
    )
    minimum_complaints: int = option(
        default=5, at_least=1, reason="Complaints before their share means anything."
    )


@section
class Bounces:
    """Who hears of a message that failed after the client had its 250."""

    to: BounceTo | Address = option(
        default=BounceTo.OFF,
        reason="sender, one fixed address, or off: the failure is logged, counted, shown and "
        "kept for `history`.",
    )
    from_: Address | None = option(
        default=None,
        alias="from",
        reason="Verified address that bounces are sent from; required unless `to` is off.",
    )
