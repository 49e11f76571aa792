"""What each kind of bounce and complaint means for its recipient, its sender and its user.

One table, because this is where a relay does harm: an address suppressed for nothing gets no mail
any more, an address mailed again and again costs the account its reputation.

SES facts (SES Developer Guide, notification-contents, sending-email-global-suppression-list,
sending-email-suppression-list, faqs-enforcement): SES's global list keeps an address up to 14 days
and counts in the bounce rate; the account's list and validation do not. Transient/General is as
often an out-of-office reply as an outage. A `not-spam` complaint takes one back.

Errors: none; a type that SES has added since suppresses nobody.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from relay.feedback.events import Affected, Bounce, Complaint
from relay.model.address import Address
from relay.model.reply import Reply

GLOBAL_LIST = timedelta(days=14)
TENANT_LIST = "OnTenantSuppressionList"
MAILBOX_SIMULATOR = "simulator.amazonses.com"


class Suppress(Enum):
    """Whether the recipient gets mail again."""

    NEVER = "never"
    NOW = "now"
    FOR_A_TIME = "for a time"
    COUNTED = "counted"  # only when it happens too often, if the operator wants that


@dataclass(frozen=True, slots=True)
class Treatment:
    """What to do about one kind of bounce. `reply` is what the sender hears; None: nothing."""

    suppress: Suppress
    counts: bool  # in the user's bounce rate, as in SES's
    reason: str = ""  # of the suppression, one word for the metrics
    reply: Reply | None = None


def _report(enhanced: str, text: str, code: int = 550) -> Reply:
    return Reply(code, enhanced, text)


_HARD = Treatment(
    Suppress.NOW, counts=True, reason="bounce", reply=_report("5.1.1", "The address was refused")
)
_NOTHING = Treatment(Suppress.NEVER, counts=False)

_BOUNCES = {
    ("Permanent", "General"): _HARD,
    ("Permanent", "NoEmail"): _HARD,
    ("Permanent", "Suppressed"): Treatment(
        Suppress.FOR_A_TIME,
        counts=True,
        reason="ses_global_list",
        reply=_report("5.7.1", "The address is on Amazon SES's suppression list"),
    ),
    ("Permanent", "OnAccountSuppressionList"): Treatment(
        Suppress.NOW,
        counts=False,
        reason="ses_account_list",
        reply=_report("5.7.1", "The address is on the SES account's suppression list"),
    ),
    # These three speak of one tenant, one guess of SES's, one topic: the address itself is good.
    ("Permanent", TENANT_LIST): Treatment(
        Suppress.NEVER,
        counts=False,
        reply=_report("5.7.1", "The address is on the SES tenant's suppression list"),
    ),
    ("Permanent", "EmailValidationSuppressed"): Treatment(
        Suppress.NEVER,
        counts=False,
        reply=_report("5.1.1", "Amazon SES's validation expects the address to bounce"),
    ),
    ("Permanent", "UnsubscribedRecipient"): Treatment(
        Suppress.NEVER,
        counts=False,
        reply=_report("5.7.1", "The recipient has unsubscribed"),
    ),
    ("Transient", "General"): _NOTHING,
    ("Transient", "MailboxFull"): Treatment(Suppress.COUNTED, counts=False, reason="mailbox_full"),
    ("Transient", "MessageTooLarge"): Treatment(
        Suppress.NEVER,
        counts=False,
        reply=_report("5.3.4", "The receiver takes no message of this size", 552),
    ),
    ("Transient", "ContentRejected"): Treatment(
        Suppress.NEVER, counts=False, reply=_report("5.7.1", "The receiver refused the content")
    ),
    ("Transient", "AttachmentRejected"): Treatment(
        Suppress.NEVER,
        counts=False,
        reply=_report("5.6.1", "The receiver refused an attachment", 554),
    ),
    ("Transient", "CustomTimeoutExceeded"): Treatment(
        Suppress.NEVER,
        counts=False,
        reply=_report("5.4.7", "It could not be delivered within the time set for it", 554),
    ),
    ("Undetermined", "Undetermined"): _NOTHING,
}

REJECTED = Reply(554, "5.7.1", "Amazon SES found a virus in the message")

_PERMANENT = re.compile(r"5\.\d{1,3}\.\d{1,3}")


def of_bounce(bounce: Bounce) -> Treatment:
    """Look a bounce up."""
    return _BOUNCES.get((bounce.type, bounce.subtype), _NOTHING)


def reply_for(treatment: Treatment, one: Affected) -> Reply | None:
    """Say to the sender what the receiver said, where it said so."""
    reply = treatment.reply
    if reply is None:
        return None
    if _PERMANENT.fullmatch(one.status):
        reply = Reply(reply.code, one.status, reply.text)
    words = one.diagnostic.removeprefix("smtp;").strip()
    return reply.saying(f"{reply.text}: {words}") if words else reply


def accused(complaint: Complaint) -> Address | None:
    """Name whom a complaint suppresses: the only one of the request it can mean, else nobody.

    Providers leave out who complained, and SES then names all of the request at that provider. What
    stands on a tenant's list is that tenant's matter.
    """
    if complaint.feedback == "not-spam" or complaint.subtype == TENANT_LIST:
        return None
    whom = {one.address.key: one.address for one in complaint.recipients}
    return next(iter(whom.values())) if len(whom) == 1 else None


def is_simulated(address: Address) -> bool:
    """Tell addresses of SES's mailbox simulator, which count in no reputation."""
    return address.domain.lower() == MAILBOX_SIMULATOR
