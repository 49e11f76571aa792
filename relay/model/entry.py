"""A message that the relay has taken responsibility for, as the queue keeps it.

Each request carries its own state, so that a kill in the middle of a message of several requests
never repeats the finished ones.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from relay.model.address import Address
from relay.model.message import Message
from relay.model.outcome import Scope
from relay.model.reply import Reply


class RequestState(StrEnum):
    """How far one request of an entry has come."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"  # recorded before the attempt; found at start it means Unknown
    UNKNOWN = "unknown"  # an answer was lost; it goes once more after a longer delay
    RELAYED = "relayed"
    FAILED = "failed"
    EXPIRED = "expired"


OPEN_STATES = frozenset({RequestState.PENDING, RequestState.IN_FLIGHT, RequestState.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRequest:
    """One request of an entry, with what became of it."""

    number: int
    recipients: tuple[Address, ...]
    state: RequestState = RequestState.PENDING
    not_before: datetime | None = None  # None: at once
    unknowns: int = 0  # answers lost so far; the second one holds the entry for an operator
    reply: Reply | None = None  # SES's last refusal or our last reason
    ses_message_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Why an entry or a scope stands still, and until when. None: until somebody releases it."""

    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEntry:
    """A kept message's state. The content is stored beside it and fetched for an attempt."""

    id: str
    version: int  # grows with each record; a record made on an older version is refused
    message: Message  # its `content` is empty here: see `Queue.content`
    requests: tuple[EntryRequest, ...]
    attempts: int
    next_attempt_at: datetime
    expires_at: datetime
    lease_until: datetime | None = None  # claimed by a runner until then
    held: Held | None = None
    waits_for: Scope | None = None  # the scope whose hold it waits for
    paused_since: datetime | None = None  # since when its lifetime stands still

    @property
    def open_requests(self) -> tuple[EntryRequest, ...]:
        """The requests that still have to be made."""
        return tuple(request for request in self.requests if request.state in OPEN_STATES)

    def due_requests(self, now: datetime) -> tuple[EntryRequest, ...]:
        """The open requests whose time has come."""
        return tuple(
            request
            for request in self.open_requests
            if request.not_before is None or request.not_before <= now
        )
