"""A message on its way out: what is to be sent, in which requests, and for how long it is tried.

Errors: none.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from relay.model.content import Content
from relay.model.entry import EntryRequest, Held, QueueEntry
from relay.model.message import Message, Request

_NOTHING = Content((), b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One shaped message with its requests."""

    message: Message
    requests: tuple[Request, ...]
    lifetime: float  # seconds
    held: Held | None = None  # by a rule

    def entry(self, now: datetime) -> QueueEntry:
        """Make the queue entry of a message nobody has tried to send yet."""
        return QueueEntry(
            id=self.message.id,
            version=0,
            message=replace(self.message, content=_NOTHING),
            requests=tuple(
                EntryRequest(number=request.number, recipients=request.recipients)
                for request in self.requests
            ),
            attempts=0,
            next_attempt_at=now,
            expires_at=now + timedelta(seconds=self.lifetime),
            held=self.held,
        )
