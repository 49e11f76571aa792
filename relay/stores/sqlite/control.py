"""An operator's hands on all slots of a folder, from the relay itself or from another process.

Entries that are leased are left alone: their attempt is under way, and its outcome could not be
recorded any more if they changed meanwhile.

Errors: `StoreFault` and `Corrupt` values.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from relay.model.content import Content
from relay.model.custody import (
    AGE_BANDS,
    Changed,
    EntryState,
    QueueCount,
    Selection,
)
from relay.model.entry import Held, QueueEntry
from relay.model.ports import Corrupt, StoreFault
from relay.model.settings import Lane
from relay.stores.chosen import released, retried
from relay.stores.codec import to_number, to_time
from relay.stores.sqlite import rows, scan
from relay.stores.sqlite.bodies import Bodies
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database, Role
from relay.stores.sqlite.fetch import fetch_content
from relay.stores.sqlite.schema import QUEUE
from relay.stores.sqlite.slot import Places

_LEAST = 50  # entries read at a time; of those the columns cannot tell, some will not fit

Change = Callable[[QueueEntry], QueueEntry | None]  # None: throw it away


@dataclass(frozen=True, slots=True)
class _Slot:
    reading: Database
    changing: Database
    bodies: Bodies


@dataclass(slots=True)
class _Piece:
    """What one transaction found and did."""

    last: int | None = None  # where the next one goes on; None: the end
    ids: list[str] = field(default_factory=list)
    leased: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    found: list[QueueEntry | Corrupt] = field(default_factory=list)


class SqliteControl:
    """Implements `relay.model.ports.QueueControl`."""

    def __init__(self, places: Places, crew: Crew) -> None:
        self._places = places
        self._crew = replace(crew, reader=crew.desk)
        self._slots: dict[int, _Slot] = {}

    def databases(self) -> Iterator[Database]:
        """Give the files opened so far, to be closed."""
        for slot in self._slots.values():
            yield slot.reading
            yield slot.changing

    async def find(self, queue_id: str) -> QueueEntry | Corrupt | StoreFault | None:
        """Fetch one entry from whichever slot has it."""

        def work(connection: sqlite3.Connection) -> QueueEntry | Corrupt | None:
            found = rows.select(connection, "WHERE id = ?", (queue_id,))
            return found[0].entry if found else scan.corrupt_one(connection, queue_id)

        for slot in await self._all():
            answer = await self._crew.reader.do(slot.reading, work)
            if answer is not None:
                return answer
        return None

    async def content(self, queue_id: str) -> Content | Corrupt | StoreFault:
        """Fetch the shaped octets of an entry."""
        for slot in await self._all():
            has = await self._crew.reader.do(slot.reading, partial(_has, queue_id))
            if has:
                return await fetch_content(self._crew, slot.reading, slot.bodies, queue_id)
        return StoreFault(f"{queue_id} is not in the queue")

    async def select(
        self, chosen: Selection, now: datetime, limit: int
    ) -> Sequence[QueueEntry | Corrupt] | StoreFault:
        """List entries, oldest first; corrupt ones come last."""
        entries: list[QueueEntry] = []
        corrupt: list[Corrupt] = []
        for slot in await self._all():
            after: int | None = 0
            room = limit
            while after is not None and room > 0:
                piece = await self._crew.reader.do(
                    slot.reading, partial(_look, chosen, now, (after, room))
                )
                if isinstance(piece, StoreFault):
                    return piece
                after = piece.last
                room -= len(piece.found)
                for one in piece.found:
                    if isinstance(one, QueueEntry):
                        entries.append(one)
                    else:
                        corrupt.append(one)
            if chosen.state in (None, EntryState.CORRUPT):
                aside = await self._crew.reader.do(
                    slot.reading, partial(scan.set_aside_among, chosen, limit)
                )
                if isinstance(aside, StoreFault):
                    return aside
                corrupt += aside
        entries.sort(key=lambda entry: entry.message.received_at)
        listed: list[QueueEntry | Corrupt] = [*entries, *corrupt]
        return listed[:limit]

    async def hold(self, chosen: Selection, held: Held, now: datetime) -> Changed | StoreFault:
        """Stop entries until they are released."""
        return await self._change(chosen, now, lambda entry: replace(entry, held=held))

    async def release(self, chosen: Selection, now: datetime) -> Changed | StoreFault:
        """End the hold of entries; they are due at once."""
        return await self._change(chosen, now, lambda entry: released(entry, now))

    async def retry(self, chosen: Selection, now: datetime) -> Changed | StoreFault:
        """Make waiting entries due at once."""
        return await self._change(chosen, now, lambda entry: retried(entry, now))

    async def drop(self, chosen: Selection, now: datetime) -> Changed | StoreFault:
        """Throw entries away; corrupt ones only when they are named."""
        changed = await self._change(chosen, now, lambda _: None)
        if isinstance(changed, StoreFault) or not chosen.ids:
            return changed
        ids = list(changed.ids)
        for slot in await self._all():
            gone = await self._crew.reader.do(slot.changing, partial(scan.drop_corrupt, chosen.ids))
            if isinstance(gone, StoreFault):
                return gone
            ids += [queue_id for queue_id, _ in gone]
            files = [file for _, file in gone if file is not None]
            await self._crew.aside(partial(slot.bodies.discard, files))
        return replace(changed, ids=tuple(ids))

    async def summary(self, now: datetime) -> Sequence[QueueCount] | StoreFault:
        """Count by age, state and user, in one scan of each slot."""
        cells: dict[tuple[str, str | None, str, int], tuple[int, int]] = {}
        for slot in await self._all():
            answer = await self._crew.reader.do(slot.reading, partial(scan.census, to_number(now)))
            if isinstance(answer, StoreFault):
                return answer
            for user, lane, state, age, messages, octets in answer:
                cell = user, lane, state, age
                before = cells.get(cell, (0, 0))
                cells[cell] = before[0] + messages, before[1] + octets
        return [
            QueueCount(
                user=user,
                lane=None if lane is None else Lane(lane),
                state=EntryState(state),
                age=AGE_BANDS[age],
                messages=messages,
                octets=octets,
            )
            for (user, lane, state, age), (messages, octets) in cells.items()
        ]

    async def oldest(self) -> datetime | StoreFault | None:
        """Say when the oldest entry was received."""
        found: list[int] = []
        for slot in await self._all():
            answer = await self._crew.reader.do(slot.reading, scan.oldest)
            if isinstance(answer, StoreFault):
                return answer
            if answer is not None:
                found.append(answer)
        return to_time(min(found)) if found else None

    async def _all(self) -> list[_Slot]:
        """Give every slot of the folder, also one that a new worker has made since."""
        numbers = await self._crew.aside(self._places.slots)
        for number in numbers:
            if number not in self._slots:
                files = self._crew.files
                self._slots[number] = _Slot(
                    Database(self._places.queue(number), QUEUE, files, Role.READER),
                    Database(self._places.queue(number), QUEUE, files, Role.GUEST),
                    Bodies(self._places.bodies(number), files),
                )
        return [self._slots[number] for number in numbers]

    async def _change(
        self, chosen: Selection, now: datetime, change: Change
    ) -> Changed | StoreFault:
        """Go through the entries meant, piece by piece."""
        ids: list[str] = []
        leased: list[str] = []
        for slot in await self._all():
            after: int | None = 0
            while after is not None:
                piece = await self._crew.reader.do(
                    slot.changing, partial(_alter, chosen, now, after, change)
                )
                if isinstance(piece, StoreFault):
                    return piece
                after = piece.last
                ids += piece.ids
                leased += piece.leased
                await self._crew.aside(partial(slot.bodies.discard, piece.files))
        return Changed(ids=tuple(ids), leased=tuple(leased))


def _has(queue_id: str, connection: sqlite3.Connection) -> bool:
    return rows.place_of(connection, queue_id) is not None


def _look(
    chosen: Selection, now: datetime, place: tuple[int, int], connection: sqlite3.Connection
) -> _Piece:
    after, room = place
    most = min(scan.PIECE, max(room, _LEAST))  # a page is all that is read of a long queue
    found, last = scan.piece_of(chosen, now, after, connection, most)
    return _Piece(last=last, found=[row.entry for row in found[:room]])


def _alter(
    chosen: Selection,
    now: datetime,
    after: int,
    change: Change,
    connection: sqlite3.Connection,
) -> _Piece:
    found, last = scan.piece_of(chosen, now, after, connection)
    piece = _Piece(last=last)
    for row in found:
        entry = row.entry
        if isinstance(entry, Corrupt):  # left for the claim, which sets it aside
            continue
        if EntryState.of(entry, now) is EntryState.LEASED:
            piece.leased.append(entry.id)
            continue
        changed = change(entry)
        if changed is None:
            gone = rows.remove(connection, entry.id, entry.version)
            piece.files += [gone.file] if gone is not None and gone.file is not None else []
        elif changed != entry:
            newer = replace(changed, version=entry.version + 1, lease_until=None)
            rows.rewrite(connection, entry.version, newer)
        else:
            continue
        piece.ids.append(entry.id)
    return piece
