"""What becomes of a recipient once SES has taken the mail.

In this order: the account's own suppression list, the mailbox simulator, what a test has scripted.
Nothing else happens to ordinary addresses, unless deliveries are asked for.

SES facts: SES Developer Guide, send-an-email-from-console (the simulator's addresses and labels),
sending-email-suppression-list (hard bounces and complaints go there, those of the mailbox simulator
do not), notification-contents. An out-of-office reply comes back as a
transient bounce.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal

from . import limits
from .account import Suppressed, SuppressionReason

Kind = Literal["Bounce", "Complaint", "Delivery", "DeliveryDelay", "Reject"]
KINDS: tuple[Kind, ...] = ("Bounce", "Complaint", "Delivery", "DeliveryDelay", "Reject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One thing that happens to a recipient."""

    kind: Kind
    type: str = ""
    """bounceType, or delayType."""
    subtype: str = ""
    status: str = ""
    diagnostic: str = ""
    feedback: str = ""
    """complaintFeedbackType."""
    delay_s: float = 0.0
    """How long after the mail was accepted SES tells of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """A fate for the recipients that a pattern fits, `times` of them; None: for all."""

    recipient: str
    fate: Fate
    times: int | None = None


DELIVERED = Fate(kind="Delivery")
_REFUSED = Fate(
    kind="Bounce",
    type="Permanent",
    subtype="General",
    status="5.1.1",
    diagnostic="smtp; 550 5.1.1 user unknown",
)
_ON_GLOBAL_LIST = replace(
    _REFUSED,
    subtype="Suppressed",
    diagnostic="Amazon SES has suppressed sending to this address because it has a recent "
    "history of bouncing as an invalid address.",
)
_ON_OWN_LIST = replace(
    _ON_GLOBAL_LIST,
    subtype="OnAccountSuppressionList",
    diagnostic="Amazon SES did not send the message to this address because it is on the "
    "suppression list for your account.",
)
_HARD = frozenset({("Permanent", "General"), ("Permanent", "NoEmail")})
INFECTED = Fate(kind="Reject")
_AWAY = Fate(kind="Bounce", type="Transient", subtype="General")
_ABUSE = Fate(kind="Complaint", feedback="abuse")

_MAILBOXES = {
    "success": (DELIVERED,),
    "bounce": (_REFUSED,),
    "complaint": (DELIVERED, _ABUSE),
    "ooto": (DELIVERED, _AWAY),
    "suppressionlist": (_ON_GLOBAL_LIST,),
}


class Fates:
    """The script of what happens to ordinary addresses."""

    def __init__(self, most: int = 1_000) -> None:
        self._scripted: deque[Scripted] = deque()
        self._most = most

    def pending(self) -> tuple[Scripted, ...]:
        """What is scripted still, first first."""
        return tuple(self._scripted)

    def add(self, one: Scripted) -> str | None:
        """Script one more, or say why not."""
        if len(self._scripted) >= self._most:
            return f"{self._most} fates are scripted already; DELETE them first"
        self._scripted.append(one)
        return None

    def clear(self) -> None:
        """Let nothing happen any more."""
        self._scripted.clear()

    def of(self, recipient: str, *, suppressed: bool, deliveries: bool) -> Iterator[Fate]:
        """What happens to this recipient, using up one time of a script that fits."""
        local, _, domain = recipient.lower().rpartition("@")
        if domain == limits.MAILBOX_SIMULATOR:
            yield from _MAILBOXES.get(local.partition("+")[0], (DELIVERED,))
        elif suppressed:
            yield _ON_OWN_LIST
        elif (scripted := self._take(recipient)) is not None:
            yield scripted
        elif deliveries:
            yield DELIVERED

    def _take(self, recipient: str) -> Fate | None:
        for index, one in enumerate(self._scripted):
            if not fnmatchcase(recipient.lower(), one.recipient.lower()):
                continue
            if one.times is not None and one.times > 1:
                self._scripted[index] = replace(one, times=one.times - 1)
            elif one.times is not None:
                del self._scripted[index]
            return one.fate
        return None


def caused(
    fate: Fate, recipients: Sequence[str], message_id: str, at: datetime
) -> list[Suppressed]:
    """What an incident puts on the list of an account that wants it."""
    if fate.kind == "Bounce" and (fate.type, fate.subtype) in _HARD:
        reason = SuppressionReason.BOUNCE
    elif fate.kind == "Complaint" and fate.feedback != "not-spam":
        reason = SuppressionReason.COMPLAINT
    else:
        return []
    return [
        Suppressed(address=recipient, reason=reason, since=at, message_id=message_id)
        for recipient in recipients
        if not recipient.lower().endswith(f"@{limits.MAILBOX_SIMULATOR}")
    ]
