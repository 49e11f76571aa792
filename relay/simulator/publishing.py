"""From accepted mail to published events: what happened, told in which format, how often.

Events go into a queue of the simulator's own and to the endpoints that have subscribed, and they
are listed for whoever looks. They may be late, doubled and out of order, as SES and SNS allow
themselves.

SES facts: SES Developer Guide, event-publishing (a message's configuration set publishes its
events), configure-sns-notifications (else its identity does), send-an-email-from-console (several
bounces of one request are one notification). An identity notifies of bounces, complaints and
deliveries alone.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from .account import Account
from .envelope import enclosed
from .envelope import written as written_envelope
from .events import Format, Incident, written
from .fates import INFECTED, Fate, Fates, Kind
from .mailbox import Message
from .queue import Queue
from .topic import Topic, topic_arn

Formats = Literal["auto", "identity", "configuration_set", "both"]
FORMATS: tuple[Formats, ...] = ("auto", "identity", "configuration_set", "both")
_OF_IDENTITIES: frozenset[Kind] = frozenset({"Bounce", "Complaint", "Delivery"})
_TYPES: dict[Kind, str] = {
    "Bounce": "BOUNCE",
    "Complaint": "COMPLAINT",
    "Delivery": "DELIVERY",
    "DeliveryDelay": "DELIVERY_DELAY",
    "Reject": "REJECT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """How events are told."""

    format: Formats = "auto"
    """auto: as a configuration set's event where the message has one, else as the identity's."""
    wrapped: bool = True
    """In SNS's envelope; else bare, as with raw delivery."""
    deliveries: bool = False
    """Whether ordinary addresses cause Delivery events."""
    copies: int = 1
    shuffled: bool = False
    delay_s: float = 0.0
    """How much later than it happened SES tells of anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One event as it was told."""

    kind: str
    message_id: str
    recipients: tuple[str, ...]
    at: datetime
    event: str


Happened = Callable[[Fate, Sequence[str], str, datetime], None]


class Publisher:
    """Tells of what becomes of mail; `happened` hears of it first."""

    def __init__(self, happened: Happened, most: int = 10_000) -> None:
        self._happened = happened
        self.options = Publishing()
        self.fates = Fates()
        self.queue = Queue()
        self.topic = Topic()
        self.published: deque[Published] = deque(maxlen=most)

    def change(self, options: Publishing) -> None:
        """Tell events this way from now on."""
        self.options = options
        self.queue.shuffled = self.topic.shuffled = options.shuffled

    def accepted(self, message: Message, account: Account) -> None:
        """Let happen what is to happen to an accepted message."""
        happening: dict[Fate, list[str]] = {}
        if message.infected:
            happening[INFECTED] = list(message.destinations)
        for recipient in () if message.infected else message.destinations:
            for fate in self.fates.of(
                recipient,
                suppressed=account.suppresses(recipient),
                deliveries=self.options.deliveries,
            ):
                happening.setdefault(fate, []).append(recipient)
        for fate, recipients in happening.items():
            incident = Incident.of(message, fate, recipients, message.accepted_at)
            self.tell(incident, account, message.accepted_at)

    def tell(self, incident: Incident, account: Account, now: datetime) -> None:
        """Publish one incident, as often and as late as asked."""
        message, fate = incident.message, incident.fate
        at = now + timedelta(seconds=fate.delay_s)
        self._happened(fate, incident.recipients, message.id, at)
        incident = replace(incident, at=at)
        visible_at = at + timedelta(seconds=self.options.delay_s)
        topic = topic_arn(message.region, message.caller_arn.split(":")[4])
        for form in self._formats(incident, account):
            event = written(incident, form)
            self.published.append(
                Published(
                    kind=fate.kind,
                    message_id=message.id,
                    recipients=incident.recipients,
                    at=at,
                    event=event,
                )
            )
            body = _wrapped(event, topic, at) if self.options.wrapped else event
            for _ in range(self.options.copies):
                self.queue.put(body, now, visible_at)
            self.topic.publish(event, topic, at, visible_at, self.options.copies)

    def _formats(self, incident: Incident, account: Account) -> tuple[Format, ...]:
        kind, used = incident.fate.kind, incident.message.configuration_set
        found = account.configuration_sets.get(used or "")
        by_set = found is None or _TYPES[kind] in found.events
        by_identity = kind in _OF_IDENTITIES
        match self.options.format:
            case "both":
                wanted: tuple[Format, ...] = ("configuration_set", "identity")
            case "auto":
                wanted = ("identity",) if used is None else ("configuration_set",)
            case "identity" | "configuration_set" as form:
                wanted = (form,)
        tells = {"configuration_set": by_set, "identity": by_identity}
        return tuple(form for form in wanted if tells[form])


def _wrapped(event: str, topic: str, at: datetime) -> str:
    said = {"MessageId": str(uuid4()), "TopicArn": topic, "Message": event}
    return written_envelope(enclosed("Notification", said, at))
