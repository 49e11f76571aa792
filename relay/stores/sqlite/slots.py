"""The queue of one process over several slots: its own, and those that have no worker now.

What is new goes into the own slot. A slot without a worker (there are fewer workers than once, or
its worker does not start) is drained in place: its entries are claimed and recorded where they are,
and never copied.

Errors: `StoreFault`, `Stale` and `Corrupt` values, as of one slot.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from relay.model.content import Content
from relay.model.custody import QueueUsage
from relay.model.entry import QueueEntry
from relay.model.ports import Begun, Corrupt, KeyBacklog, NewEntry, QueueKey, Stale, StoreFault
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.opening import Owned, open_slot
from relay.stores.sqlite.queue import SqliteQueue
from relay.stores.sqlite.slot import Places


@dataclass(slots=True)
class _Adopted:
    """A slot that is drained here."""

    owned: Owned
    recovered: bool = False  # what its last owner left is taken up
    closing: bool = False  # nothing more is claimed
    calls: int = 0  # under way

    @property
    def queue(self) -> SqliteQueue:
        return self.owned.queue

    @property
    def open(self) -> bool:
        """Whether entries may be claimed from it."""
        return self.recovered and not self.closing

    @contextmanager
    def called(self) -> Iterator[SqliteQueue]:
        """Give its queue for one call, until whose end the slot stays."""
        self.calls += 1
        try:
            yield self.queue
        finally:
            self.calls -= 1


class SqliteSlots:
    """Implements `relay.model.ports.Queue`."""

    def __init__(self, own: SqliteQueue, places: Places, crew: Crew) -> None:
        self._own = own
        self._places = places
        self._crew = crew
        self._own_recovered = False
        self._adopted: dict[int, _Adopted] = {}  # by number
        self._from: dict[str, int] = {}  # entries in work, by id → the adopted slot they are in
        self._more = asyncio.Event()

    # --- Slots -----------------------------------------------------------------------------------

    def beyond(self, workers: int) -> list[int]:
        """Give the slots in the folder that no worker of so many has. Raises OSError."""
        return [number for number in self._places.slots() if number >= workers]

    async def adopt(self, number: int) -> StoreFault | None:
        """Take in a slot without a worker; `recover` must follow before anything is claimed."""
        if (known := self._adopted.get(number)) is not None:
            known.closing = False
            return None
        owned = await open_slot(self._places.folder, number, self._crew)
        if isinstance(owned, StoreFault):
            return owned
        self._adopted[number] = _Adopted(owned)
        self._more.set()
        return None

    async def give_back(self, number: int) -> bool:
        """Give a slot up for its worker; False: something of it is in work, ask again later.

        The first time it is always that: who looks at the queue just now may still look there.
        """
        slot = self._adopted.get(number)
        if slot is None:
            return True
        asked_before, slot.closing = slot.closing, True
        self._more.set()
        if not asked_before or slot.calls or number in self._from.values():
            return False
        del self._adopted[number]
        await slot.queue.close()
        await self._crew.finish(slot.owned.databases)
        slot.owned.close()
        return True

    async def close(self) -> None:
        """Wait for the puts and records under way, and close the adopted slots."""
        await self._own.close()
        for slot in self._adopted.values():
            await slot.queue.close()

    def release(self) -> None:
        """Close the adopted slots' files, once nobody works on them any more."""
        for slot in self._adopted.values():
            slot.owned.close()
        self._adopted.clear()

    # --- The queue -------------------------------------------------------------------------------

    @property
    def usage(self) -> QueueUsage:
        """How full all these slots were at their last commits."""
        usages = [queue.usage for queue in self._all()]
        return QueueUsage(
            messages=sum(usage.messages for usage in usages),
            octets=sum(usage.octets for usage in usages),
            corrupt=sum(usage.corrupt for usage in usages),
        )

    async def recover(self, amend: Callable[[QueueEntry], QueueEntry]) -> int | StoreFault:
        """End the last owners' leases, in the slots where that was not done yet."""
        found = 0
        if not self._own_recovered:
            recovered = await self._own.recover(amend)
            if isinstance(recovered, StoreFault):
                return recovered
            self._own_recovered = True
            found += recovered
        for slot in tuple(self._adopted.values()):
            if slot.recovered:
                continue
            with slot.called() as queue:
                recovered = await queue.recover(amend)
            if isinstance(recovered, StoreFault):
                return recovered
            slot.recovered = True
            found += recovered
        return found

    async def put(self, new: Sequence[NewEntry]) -> StoreFault | None:
        """Keep all of them or none, in the own slot."""
        return await self._own.put(new)

    async def claim(
        self, wanted: Mapping[QueueKey, int], now: datetime, lease_until: datetime
    ) -> Sequence[QueueEntry | Corrupt] | StoreFault:
        """Lease up to n due entries for each key; adopted slots, which are older, come first."""
        left = Counter(wanted)
        claimed: list[QueueEntry | Corrupt] = []
        for number, slot in tuple(self._adopted.items()):
            if not slot.open or not left:
                continue
            with slot.called() as queue:
                found = await queue.claim(left, now, lease_until)
            if isinstance(found, StoreFault):
                return claimed or found
            for entry in found:
                if isinstance(entry, QueueEntry):
                    self._from[entry.id] = number
                    left[_key(entry)] -= 1
            left = +left
            claimed += found
        if left:
            found = await self._own.claim(left, now, lease_until)
            if isinstance(found, StoreFault):
                return claimed or found
            claimed += found
        return claimed

    async def content(self, queue_id: str) -> Content | Corrupt | StoreFault:
        """Fetch the shaped octets of an entry in work, or of the own slot."""
        found = await self._queue_of(queue_id).content(queue_id)
        if isinstance(found, Corrupt):  # it is set aside now, and will not be recorded
            self._from.pop(queue_id, None)
        return found

    async def begin(self, entry: QueueEntry) -> Begun | Stale | StoreFault:
        """Record that a request goes into flight, in the entry's own slot, and read its octets."""
        begun = await self._queue_of(entry.id).begin(entry)
        match begun:
            case Begun(content=Corrupt()) | Stale():
                self._from.pop(entry.id, None)
            case _:
                pass  # still in work
        return begun

    async def record(
        self, entry: QueueEntry, spawn: Sequence[NewEntry] = ()
    ) -> QueueEntry | Stale | StoreFault:
        """Replace the entry and add what it causes, in its own slot."""
        recorded = await self._queue_of(entry.id).record(entry, spawn)
        match recorded:
            case QueueEntry(lease_until=datetime(), open_requests=(_, *_)) | StoreFault():
                pass  # still in work
            case _:
                self._from.pop(entry.id, None)
        return recorded

    async def backlog(self) -> Sequence[KeyBacklog] | StoreFault:
        """Count what is kept in all these slots, by key."""
        if not self._adopted:
            return await self._own.backlog()
        lines: dict[QueueKey, KeyBacklog] = {}
        for queue in self._all():
            found = await queue.backlog()
            if isinstance(found, StoreFault):
                return found
            for line in found:
                before = lines.get(line.key)
                lines[line.key] = line if before is None else _sum(before, line)
        return list(lines.values())

    async def changed(self) -> None:
        """Wait until another process has changed one of the files, or a slot was taken in."""
        waits: list[asyncio.Task[object]] = [
            asyncio.create_task(queue.changed()) for queue in self._all()
        ]
        waits.append(asyncio.create_task(self._more.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._more.clear()
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _all(self) -> list[SqliteQueue]:
        opened = [slot.queue for slot in self._adopted.values() if slot.open]
        return [self._own, *opened]

    def _queue_of(self, queue_id: str) -> SqliteQueue:
        number = self._from.get(queue_id)
        return self._own if number is None else self._adopted[number].queue


def _key(entry: QueueEntry) -> QueueKey:
    return QueueKey(entry.message.route, entry.message.lane, entry.message.user)


def _sum(one: KeyBacklog, other: KeyBacklog) -> KeyBacklog:
    times = [line.next_attempt_at for line in (one, other) if line.next_attempt_at is not None]
    return KeyBacklog(
        key=one.key,
        waiting=one.waiting + other.waiting,
        next_attempt_at=min(times, default=None),
        leased=one.leased + other.leased,
        held=one.held + other.held,
    )
