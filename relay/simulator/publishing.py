"""From accepted mail to published events: what happened, told in which format, how often.

Events go into a queue of the simulator's own, and they are listed for whoever looks. They may be
late, doubled and out of order, as SES and SNS allow themselves.

SES facts: SES Developer Guide, event-publishing (a message's configuration set publishes its
events), configure-sns-notifications (else its identity does), send-an-email-from-console (several
bounces of one request are one notification).
"""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from .account import Account
from .events import Format, Incident, written
from .fates import Fate, Fates
from .mailbox import Message
from .queue import Queue

Formats = Literal["auto", "identity", "configuration_set", "both"]
FORMATS: tuple[Formats, ...] = ("auto", "identity", "configuration_set", "both")
TOPIC = "ses-events"


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
        self.published: deque[Published] = deque(maxlen=most)

    def change(self, options: Publishing) -> None:
        """Tell events this way from now on."""
        self.options = options
        self.queue.shuffled = options.shuffled

    def accepted(self, message: Message, account: Account) -> None:
        """Let happen what is to happen to an accepted message."""
        happening: dict[Fate, list[str]] = {}
        for recipient in message.destinations:
            for fate in self.fates.of(
                recipient,
                suppressed=account.suppresses(recipient),
                deliveries=self.options.deliveries,
            ):
                happening.setdefault(fate, []).append(recipient)
        for fate, recipients in happening.items():
            self.tell(message, fate, recipients, message.accepted_at)

    def tell(self, message: Message, fate: Fate, recipients: Sequence[str], now: datetime) -> None:
        """Publish one incident, as often and as late as asked."""
        at = now + timedelta(seconds=fate.delay_s)
        self._happened(fate, recipients, message.id, at)
        incident = Incident.of(message, fate, recipients, at)
        visible_at = at + timedelta(seconds=self.options.delay_s)
        for form in self._formats(message):
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
            body = _wrapped(event, message, at) if self.options.wrapped else event
            for _ in range(self.options.copies):
                self.queue.put(body, now, visible_at)

    def _formats(self, message: Message) -> tuple[Format, ...]:
        match self.options.format:
            case "both":
                return ("configuration_set", "identity")
            case "auto":
                return (
                    ("identity",) if message.configuration_set is None else ("configuration_set",)
                )
            case "identity" | "configuration_set" as form:
                return (form,)


def _wrapped(event: str, message: Message, at: datetime) -> str:
    """Put an event into SNS's envelope, unsigned: over SQS nobody needs the signature."""
    account = message.caller_arn.split(":")[4]
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": str(uuid4()),
            "TopicArn": f"arn:aws:sns:{message.region}:{account}:{TOPIC}",
            "Message": event,
            "Timestamp": f"{at:%Y-%m-%dT%H:%M:%S.000Z}",
        }
    )
