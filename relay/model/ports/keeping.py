"""Flow and queue → stores: durable custody of messages, and an operator's hands on it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from relay.model.address import Address
from relay.model.content import Content
from relay.model.custody import (
    Changed,
    QueueCount,
    QueueUsage,
    Selection,
)
from relay.model.entry import Held, QueueEntry
from relay.model.message import Message
from relay.model.ports.sending import QueueKey
from relay.model.progress import Refusal


@dataclass(frozen=True, slots=True)
class StoreFault:
    """The store could not do it, or there is none. `reason` is for the log.

    Nothing was changed, unless the fault fell into the commit itself: then it may have been done.
    A `record` can therefore be asked again; it is done once, or answered `Stale`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class NoCustody:
    """The operator wants no store (`store: none`): the relay never takes responsibility."""


@dataclass(frozen=True, slots=True)
class Stale:
    """Somebody recorded a newer version of the entry meanwhile; nothing was changed."""

    version: int


@dataclass(frozen=True, slots=True)
class Corrupt:
    """An entry that cannot be read any more. It is set aside and shown, never deleted."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """A message on its way into the queue."""

    entry: QueueEntry
    content: Content


@dataclass(frozen=True, slots=True)
class Begun:
    """An entry recorded as in flight, and its shaped octets where they could be read."""

    entry: QueueEntry
    content: Content | Corrupt | StoreFault


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBacklog:
    """What waits under one key."""

    key: QueueKey
    waiting: int  # entries neither held nor leased, or whose hold or lease has ended
    next_attempt_at: datetime | None  # when the next can be claimed; None: all held for good
    leased: int = 0
    held: int = 0


class Queue(Protocol):
    """Durable custody of messages. When `put` or `record` return, it is on stable storage.

    A caller that is cancelled while it waits does not undo what it asked for.
    """

    @property
    def usage(self) -> QueueUsage:
        """How full the queue was at the store's last commit; never waits."""
        ...

    async def recover(self, amend: Callable[[QueueEntry], QueueEntry]) -> int | StoreFault:
        """End the leases of this queue's last owner, before the first claim; say how many.

        Entries with a request found in flight are replaced by what `amend` makes of them; it must
        be pure, and it may run in a thread.
        """
        ...

    async def put(self, new: Sequence[NewEntry]) -> NoCustody | StoreFault | None:
        """Keep all of them or none. None: durable now."""
        ...

    async def claim(
        self, wanted: Mapping[QueueKey, int], now: datetime, lease_until: datetime
    ) -> Sequence[QueueEntry | Corrupt] | StoreFault:
        """Lease up to n due entries for each key, longest due first.

        A claim makes a new version, so that whoever held an ended lease hears `Stale`. An entry
        with a request still in flight was left by such a claimant: that answer is lost.
        """
        ...

    async def content(self, queue_id: str) -> Content | Corrupt | StoreFault:
        """Fetch the shaped octets of an entry."""
        ...

    async def begin(self, entry: QueueEntry) -> Begun | Stale | StoreFault:
        """Record an entry of which a request goes into flight (see `record`), and fetch its octets.

        Damaged octets set the entry aside.
        """
        ...

    async def record(
        self, entry: QueueEntry, spawn: Sequence[NewEntry] = ()
    ) -> QueueEntry | Stale | StoreFault:
        """Replace the entry, whose `version` must be the stored one, and add what it causes.

        The entry comes back with its new version. One with no open request leaves the queue.
        Its lease is what it says: None gives it back.
        """
        ...

    async def backlog(self) -> Sequence[KeyBacklog] | StoreFault:
        """Count what is kept, by key."""
        ...

    async def changed(self) -> None:
        """Wait until another process (an operator, another node) may have changed the queue."""
        ...


class Keeping(Protocol):
    """What feedback needs of the queue: to put its reports there."""

    async def put(self, new: Sequence[NewEntry]) -> NoCustody | StoreFault | None:
        """Keep all of them or none, behind the older mail of their keys. None: durable now."""
        ...


class Custody(Keeping, Protocol):
    """What flow needs of the queue: put, and record what became of what was put in flight."""

    async def record(self, entry: QueueEntry, spawn: Sequence[NewEntry] = ()) -> QueueEntry | Stale:
        """Replace the entry (see `Queue.record`), trying until the store can do it.

        What is known of a request must not be forgotten: it would be sent twice.
        """
        ...


class Reports(Protocol):
    """Writes the mail that tells a sender what became of theirs (RFC 3464)."""

    async def failed(self, message: Message, refusal: Refusal) -> "Sequence[NewEntry]":
        """Report recipients that will not get it; nothing where nobody is to hear of it."""
        ...

    async def relayed(
        self, message: Message, recipients: Sequence[Address]
    ) -> "Sequence[NewEntry]":
        """Report recipients whose sender asked to hear of success (RFC 3461 NOTIFY=SUCCESS)."""
        ...


class QueueControl(Protocol):
    """An operator's hands on everything kept, also while the relay runs in another process."""

    async def find(self, queue_id: str) -> QueueEntry | Corrupt | StoreFault | None:
        """Fetch one entry; None: not here."""
        ...

    async def content(self, queue_id: str) -> Content | Corrupt | StoreFault:
        """Fetch the shaped octets of an entry."""
        ...

    async def select(
        self, chosen: Selection, now: datetime, limit: int
    ) -> Sequence[QueueEntry | Corrupt] | StoreFault:
        """List entries, oldest first."""
        ...

    async def hold(self, chosen: Selection, held: Held, now: datetime) -> Changed | StoreFault:
        """Stop entries until they are released."""
        ...

    async def release(self, chosen: Selection, now: datetime) -> Changed | StoreFault:
        """End the hold of entries; they are due at once."""
        ...

    async def retry(self, chosen: Selection, now: datetime) -> Changed | StoreFault:
        """Make waiting entries due at once."""
        ...

    async def drop(self, chosen: Selection, now: datetime) -> Changed | StoreFault:
        """Throw entries away, content and all; corrupt ones only when `ids` names them."""
        ...

    async def summary(self, now: datetime) -> Sequence[QueueCount] | StoreFault:
        """Count by age, state and user."""
        ...

    async def oldest(self) -> datetime | StoreFault | None:
        """Say when the oldest entry was received; None: the queue is empty."""
        ...
