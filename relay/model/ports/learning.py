"""Feedback → stores: what SES's events have taught, each event once.

The same event comes again, in any order, and sometimes before our own record of the request; a
store takes each in once, whole, and keeps what has to wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from relay.model.address import Address
from relay.model.envelope import Recipient, Ret
from relay.model.ports.keeping import StoreFault
from relay.model.ports.remembering import Suppressed

# Reasons that only events give; entries with another one are an operator's.
LEARNED_REASONS = frozenset(
    {"bounce", "complaint", "ses_global_list", "ses_account_list", "mailbox_full"}
)

TALLY_SLOT = timedelta(minutes=10)
TALLIES_KEPT = timedelta(days=30)


def slot_of(at: datetime) -> datetime:
    """Give the slot that a time falls into."""
    seconds = TALLY_SLOT.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request that SES took, as our own history knows it."""

    ses_message_id: str
    queue_id: str
    session_id: str
    user: str
    route: str
    sender: Address | None  # None: the null reverse-path
    recipients: tuple[Recipient, ...]
    at: datetime
    ret: Ret | None = None
    envid: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)  # the operator's, without our own


class Sendings(Protocol):
    """The requests that SES took, found by the id it gave them."""

    async def sent(self, ses_message_id: str) -> Sent | StoreFault | None:
        """Find one; None: not known, or not known yet."""
        ...


class Subject(StrEnum):
    """Whose reputation is counted."""

    USER = "user"
    ROUTE = "route"
    TAG = "tag"  # named `tag=value`
    # A user who was held: mail of that slot and before is no reason to hold it again.
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Recipients of mail sent in the time that begins at `slot`, and what became of them later."""

    subject: Subject
    name: str
    slot: datetime
    messages: int = 0  # by their first request
    relayed: int = 0
    bounced: int = 0
    complained: int = 0
    simulated: int = 0  # recipients at SES's mailbox simulator, which it bills and never counts


class Tallies(Protocol):
    """What reputations are made of, kept over restarts."""

    async def add(self, tallies: Sequence[Tally]) -> StoreFault | None:
        """Add to what was counted so far."""
        ...

    async def tallied(self, since: datetime) -> Sequence[Tally] | StoreFault:
        """Give what was counted, from the slot of that time on; older slots may be forgotten."""
        ...

    async def summed(self, subject: Subject, since: datetime) -> Sequence[Tally] | StoreFault:
        """Sum up each name's slots from that time on, by name; `slot` is the oldest of them.

        Nothing is forgotten by it.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FullMailboxes:
    """Addresses whose mailbox was full, and how often within 30 days is too often."""

    addresses: tuple[str, ...]
    at: datetime
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An event that still owes something: our own record of its request, or a report."""

    key: str
    event: str  # as SES wrote it
    first_seen: datetime
    look_at: datetime
    looks: int = 0
    counted: bool = False  # only the report is still owed


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Everything one event changes, in one go."""

    key: str  # the same for each delivery of the event
    at: datetime  # when it was learned
    suppress: tuple[Suppressed, ...] = ()
    full: FullMailboxes | None = None
    tallies: tuple[Tally, ...] = ()
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a lesson did. `suppressed`: addresses that got mail until now."""

    fresh: bool  # False: it was known, nothing was changed
    suppressed: tuple[Suppressed, ...] = ()
    kept: bool = True  # False: there is no store, so that nothing can wait


class Lessons(Protocol):
    """Takes each event in once; durable when `learn` returns."""

    async def learn(self, lesson: Lesson) -> Learned | StoreFault:
        """Take a lesson in.

        An address on the list already keeps the stronger of both entries: for good before for a
        time, an operator's before an event's, one's own before an account's list's, the older one.
        So no order gives another list. That an account's list has an address is no news while the
        address is marked as taken off here: see `relay.model.ports.Mirrors`.
        """
        ...

    async def waiting(self, now: datetime, limit: int) -> Sequence[Waiting] | StoreFault:
        """List events that are to be looked at again, longest due first."""
        ...

    async def put_off(self, key: str, look_at: datetime) -> StoreFault | None:
        """Look at a waiting event later."""
        ...

    async def settle(self, key: str, tallies: Sequence[Tally] = ()) -> bool | StoreFault:
        """Let a waiting event go and count it; False: somebody did, and nothing was counted."""
        ...
