"""`store: none`: the relay never takes responsibility.

Every message is SES's or the client's, so a kept message cannot exist here, and a client whose
message SES did not take hears the deferral's own 451 and tries again (RFC 5321 §4.2.5).

Errors: `StoreFault` for everything that would need a memory.
"""

# ruff: noqa: ARG002 - the signatures are the Protocols'; there is nothing to use the arguments on

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from relay.model.address import Address
from relay.model.custody import Changed, HistoryEvent, QueueCount, QueueUsage, ScopeHold, Selection
from relay.model.entry import Held, QueueEntry
from relay.model.outcome import Scope
from relay.model.ports import (
    Corrupt,
    KeyBacklog,
    Learned,
    Lesson,
    NewEntry,
    NoCustody,
    QueueKey,
    Stale,
    StoreFault,
    Subject,
    Suppressed,
    Tally,
    Waiting,
)
from relay.model.reply import Reply

NO_STORE = StoreFault("the configuration says `store: none`: nothing is kept")


class NoQueue:
    """A queue that takes nothing and therefore never has anything."""

    @property
    def usage(self) -> QueueUsage:
        """Always empty."""
        return QueueUsage(messages=0, octets=0)

    async def recover(self, amend: Callable[[QueueEntry], QueueEntry]) -> int:
        """Find nothing."""
        return 0

    async def put(self, new: Sequence[NewEntry]) -> NoCustody:
        """Take nothing: it stays the client's."""
        return NoCustody()

    async def claim(
        self,
        wanted: Mapping[QueueKey, int],
        now: datetime,
        lease_until: datetime,
    ) -> Sequence[QueueEntry | Corrupt]:
        """Give nothing."""
        return ()

    async def content(self, queue_id: str) -> StoreFault:
        """Refuse: there is no such entry."""
        return NO_STORE

    async def begin(self, entry: QueueEntry) -> StoreFault:
        """Refuse: there is no such entry."""
        return NO_STORE

    async def record(
        self,
        entry: QueueEntry,
        spawn: Sequence[NewEntry] = (),
    ) -> QueueEntry | Stale | StoreFault:
        """Refuse: there is no such entry."""
        return NO_STORE

    async def backlog(self) -> Sequence[KeyBacklog]:
        """Count nothing."""
        return ()

    async def changed(self) -> None:
        """Wait for ever: nobody can change what is not there."""
        await asyncio.get_running_loop().create_future()


class NoCustodyAtAll:
    """What flow hears where there is no queue; implements `relay.model.ports.Custody`."""

    async def put(self, new: Sequence[NewEntry]) -> NoCustody:
        """Take nothing: it stays the client's."""
        return NoCustody()

    async def record(self, entry: QueueEntry, spawn: Sequence[NewEntry] = ()) -> QueueEntry | Stale:
        """Give the entry back: what was never kept has nothing to record."""
        return entry


class NoControl:
    """An operator's hands on an empty queue."""

    async def find(self, queue_id: str) -> None:
        """Find nothing."""

    async def content(self, queue_id: str) -> StoreFault:
        """Refuse: there is no such entry."""
        return NO_STORE

    async def select(
        self,
        chosen: Selection,
        now: datetime,
        limit: int,
    ) -> Sequence[QueueEntry | Corrupt]:
        """List nothing."""
        return ()

    async def hold(self, chosen: Selection, held: Held, now: datetime) -> Changed:
        """Change nothing."""
        return Changed(ids=())

    async def release(self, chosen: Selection, now: datetime) -> Changed:
        """Change nothing."""
        return Changed(ids=())

    async def retry(self, chosen: Selection, now: datetime) -> Changed:
        """Change nothing."""
        return Changed(ids=())

    async def drop(self, chosen: Selection, now: datetime) -> Changed:
        """Change nothing."""
        return Changed(ids=())

    async def summary(self, now: datetime) -> Sequence[QueueCount]:
        """Count nothing."""
        return ()

    async def oldest(self) -> None:
        """Know nothing old."""


class NoSuppression:
    """An empty suppression list that nothing can be added to; SES's own lists still hold."""

    def surely_absent(self, address: Address) -> bool:
        """Know nothing against anybody."""
        return True

    async def suppressed(self, address: Address, now: datetime) -> None:
        """Know nothing against anybody."""

    async def suppress(self, entries: Sequence[Suppressed]) -> StoreFault | None:
        """Refuse: it would be forgotten."""
        return NO_STORE if entries else None

    async def unsuppress(self, addresses: Sequence[str]) -> Sequence[str]:
        """Say that none was there."""
        return ()

    async def listed(self, after: str, limit: int) -> Sequence[Suppressed]:
        """List nothing."""
        return ()


class NoHolds:
    """No scope is held, and none can be: the hold would end with the process unseen."""

    async def holds(self, now: datetime) -> Sequence[ScopeHold]:
        """List nothing."""
        return ()

    async def hold(self, hold: ScopeHold) -> StoreFault:
        """Refuse."""
        return NO_STORE

    async def release(self, scope: Scope) -> bool:
        """Say that there was none."""
        return False


class NoVerdicts:
    """No reply is remembered: a client that did not hear one sends again (RFC 1047)."""

    async def keep(self, fingerprint: bytes, reply: Reply, until: datetime) -> None:
        """Let it go: the operator chose a relay without a memory."""

    def surely_none(self, fingerprint: bytes) -> bool:
        """Say so of every message."""
        return True

    async def take(self, fingerprint: bytes, now: datetime) -> None:
        """Owe nothing."""


class NoSenders:
    """Who has sent is known until the process ends."""

    async def remember(self, account: str, names: Sequence[str], now: datetime) -> None:
        """Let it go."""

    async def remembered(self, account: str, names: Sequence[str]) -> frozenset[str]:
        """Know nobody."""
        return frozenset()


class NoHistory:
    """Every note is let go, and nothing can be read back."""

    def note(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Let it go, as the contract of `History` allows."""

    async def trace(self, what: str, limit: int) -> Sequence[HistoryEvent]:
        """Find nothing."""
        return ()

    async def recent(self, limit: int) -> Sequence[HistoryEvent]:
        """Find nothing."""
        return ()

    async def forget(self, now: datetime) -> int:
        """Have nothing to remove."""
        return 0


class NoSendings:
    """No request is remembered: an event is attributed by the request's tags alone."""

    async def sent(self, ses_message_id: str) -> None:
        """Know nothing."""


class NoTallies:
    """Nothing is counted over restarts; what this process counts it has in memory."""

    async def add(self, tallies: Sequence[Tally]) -> None:
        """Let it go."""

    async def tallied(self, since: datetime) -> Sequence[Tally]:
        """Give nothing."""
        return ()

    async def summed(self, subject: Subject, since: datetime) -> Sequence[Tally]:
        """Sum up nothing."""
        return ()


class NoLessons:
    """Each event is news: it is told and counted, and then forgotten."""

    async def learn(self, lesson: Lesson) -> Learned:
        """Take it in without keeping anything."""
        return Learned(fresh=True, kept=False)

    async def waiting(self, now: datetime, limit: int) -> Sequence[Waiting]:
        """List nothing."""
        return ()

    async def put_off(self, key: str, look_at: datetime) -> None:
        """Have nothing to put off."""

    async def settle(self, key: str, tallies: Sequence[Tally] = ()) -> bool:
        """Have nothing to settle."""
        return False
