"""Every seam between the parts of the relay, on one page.

Protocols only: who implements them is wired in `relay.service` and nowhere else.
Errors: what can be expected to fail comes back as a value (`StoreFault`, `Deferred`, `Reply`);
an exception through a port is a bug, answered 451 and logged with its traceback.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from relay.model.address import Address
from relay.model.content import Content
from relay.model.custody import (
    Changed,
    HistoryEvent,
    QueueCount,
    QueueUsage,
    ScopeHold,
    Selection,
)
from relay.model.entry import Held, QueueEntry
from relay.model.envelope import Client, Recipient, Ret
from relay.model.message import Message, Request
from relay.model.outcome import Deferred, Outcome, Scope
from relay.model.progress import Refusal
from relay.model.reply import Reply
from relay.model.settings import Lane

# --- SMTP session → flow -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MailParameters:
    """What MAIL FROM says beside the sender."""

    size: int | None = None  # octets as declared (RFC 1870)
    ret: Ret | None = None
    envid: str | None = None


class Transaction(Protocol):
    """One mail transaction (RFC 5321 §3.3), bound to one immutable configuration snapshot.

    The session calls `mail`, then `rcpt` for each recipient, `ready` at DATA, `receive` with the
    octets, and `close` in every case. Whatever it answers is what the client hears.
    """

    @property
    def size_limit(self) -> int:
        """Octets this client may send in one message, after unstuffing."""
        ...

    def mail(self, sender: Address | None, parameters: MailParameters) -> Reply:
        """Decide on the sender; None is the null reverse-path."""
        ...

    async def rcpt(self, recipient: Recipient) -> Reply:
        """Decide on one recipient; a positive reply adds it to the envelope."""
        ...

    def ready(self) -> Reply:
        """Reserve room for the content before it is asked for: 354, or why not now."""
        ...

    def room_for(self, octets: int) -> Reply | None:
        """Ask for room as the content grows to `octets` in all; a reply says why there is none."""
        ...

    async def receive(self, octets: bytes | bytearray) -> Reply:
        """Take responsibility for the message, or refuse it (RFC 5321 §6.1).

        `octets` is what DATA carried, dots unstuffed, the final dot left out, CRLF only.
        A caller that is cancelled while it waits does not cancel the message.
        """
        ...

    def unheard(self, reply: Reply) -> None:
        """Learn that the connection broke before the client can have acted on `reply`.

        It may come after `close`: a verdict is heard when the next command comes.
        """
        ...

    def close(self) -> None:
        """Give the reservation back."""
        ...


class Reception(Protocol):
    """Where sessions bring their mail."""

    def size_limit(self, user: str | None) -> int:
        """Octets to announce in EHLO to this user (RFC 1870 §3)."""
        ...

    def begin(self, client: Client) -> Transaction:
        """Open a transaction under the configuration of this moment."""
        ...


# --- flow → SES ----------------------------------------------------------------------------------


class Transport(Protocol):
    """Hands one request to SES. It never retries: SES has no idempotency token."""

    async def send(self, message: Message, request: Request) -> Outcome:
        """Make the request and say what became of it, within the transport's own deadline."""
        ...


@dataclass(frozen=True, slots=True)
class QueueKey:
    """Whose turn it is: fresh mail never overtakes older mail of its own key."""

    route: str
    lane: Lane
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """Leave to make one request now. Whoever got it reports the outcome, whatever happens."""

    key: QueueKey
    recipients: int
    scopes: tuple[Scope, ...]
    probes: tuple[Scope, ...] = ()  # the closed scopes that this request is the probe for


class Scheduler(Protocol):
    """Decides who sends now, for fresh mail and backlog alike. The only way to SES."""

    async def turn(
        self, key: QueueKey, scopes: tuple[Scope, ...], recipients: int, deadline: float | None
    ) -> Granted | Deferred:
        """Wait for a turn, until `deadline` (clock's monotonic seconds; None: do not give up).

        `Deferred` names what stood in the way: a closed scope, the rate, the quota.
        """
        ...

    def learn(self, granted: Granted, outcome: Outcome | None) -> None:
        """Take in what the request showed. None: it was never made."""
        ...

    def kept(self, key: QueueKey) -> None:
        """Know of one more message that is being kept: fresh mail of its key stays behind it."""
        ...

    def backlog(self, key: QueueKey, waiting: int) -> None:
        """Know how many messages of a key are kept, due and not finished."""
        ...

    def eligible(self, claimed: Mapping[QueueKey, int], room: int) -> Mapping[QueueKey, int]:
        """Give how many more entries to claim under which key, `room` at most in all."""
        ...

    def largest(self, key: QueueKey) -> int:
        """Give how many recipients one request of this key may have."""
        ...

    def closed(self) -> Mapping[Scope, Deferred]:
        """List the closed scopes; `not_before` is when each is probed next."""
        ...


class Attempting(Protocol):
    """Makes one request, when its turn has come."""

    async def attempt(
        self,
        message: Message,
        request: Request,
        *,
        number: int = 1,
        deadline: float | None,
        prepare: Callable[[], Awaitable[Message | Deferred]] | None = None,
    ) -> Outcome:
        """Wait for a turn (`deadline` in monotonic seconds), make the request, tell the outcome.

        `prepare` runs between the two: what must be done before a kept message is attempted.
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


# --- flow and queue → stores ---------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBacklog:
    """What waits under one key."""

    key: QueueKey
    waiting: int  # entries neither held nor leased
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


class Custody(Protocol):
    """What flow needs of the queue: put, and record what became of what was put in flight."""

    async def put(self, new: Sequence[NewEntry]) -> NoCustody | StoreFault | None:
        """Keep all of them or none, behind the older mail of their keys. None: durable now."""
        ...

    async def record(self, entry: QueueEntry, spawn: Sequence[NewEntry] = ()) -> QueueEntry | Stale:
        """Replace the entry (see `Queue.record`), trying until the store can do it.

        What is known of a request must not be forgotten: it would be sent twice.
        """
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """Why an address gets no mail."""

    address: str
    reason: str
    since: datetime
    until: datetime | None = None
    note: str = ""


class Suppression(Protocol):
    """The addresses that get no mail. Compared without regard to case, in either part."""

    async def suppressed(self, address: Address, now: datetime) -> Suppressed | StoreFault | None:
        """Look one address up; None: nothing is known against it."""
        ...

    async def suppress(self, entries: Sequence[Suppressed]) -> StoreFault | None:
        """Add addresses; one already there is replaced."""
        ...

    async def unsuppress(self, addresses: Sequence[str]) -> Sequence[str] | StoreFault:
        """Remove addresses and say which of them were there."""
        ...

    async def listed(self, after: str, limit: int) -> Sequence[Suppressed] | StoreFault:
        """List by address, from the first beyond `after` (empty: from the top)."""
        ...


class Holds(Protocol):
    """Scopes stopped by an operator or by the reputation breaker, kept over restarts."""

    async def holds(self, now: datetime) -> Sequence[ScopeHold] | StoreFault:
        """List what is held now."""
        ...

    async def hold(self, hold: ScopeHold) -> StoreFault | None:
        """Stop a scope; a hold already there is replaced."""
        ...

    async def release(self, scope: Scope) -> bool | StoreFault:
        """End a hold; False: there was none."""
        ...


class Verdicts(Protocol):
    """Replies that their client cannot have heard, kept to be given when it asks again."""

    async def keep(self, fingerprint: bytes, reply: Reply, until: datetime) -> StoreFault | None:
        """Remember the reply to the message with this fingerprint of user, envelope and octets."""
        ...

    async def take(self, fingerprint: bytes, now: datetime) -> Reply | StoreFault | None:
        """Give the reply out, once; None: nothing is owed."""
        ...


class History(Protocol):
    """What `trace` and the dashboard can look back on. Lossy by contract: mail never waits for it.

    Found again by `queue_id`, `ses_message_id`, `message_id` and `recipients` among the facts.
    """

    def note(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Remember one event of a message's life; returns at once."""
        ...


class Trace(Protocol):
    """What was noted, read back."""

    async def trace(self, what: str, limit: int) -> Sequence[HistoryEvent] | StoreFault:
        """Give the life of each message known by this id or recipient, in order of time."""
        ...

    async def recent(self, limit: int) -> Sequence[HistoryEvent] | StoreFault:
        """Give the newest events, newest first."""
        ...
