"""The queue of one slot, in the hands of the one process that owns it.

A lease is written, so that an operator's command in another process sees it, and it is also
remembered here on the monotonic clock: if the wall clock jumps forward, an attempt under way is
not started a second time.

Errors: `StoreFault`, `Stale` and `Corrupt` values.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from relay.model.content import Content
from relay.model.custody import QueueUsage
from relay.model.entry import QueueEntry, RequestState
from relay.model.ports import Begun, Corrupt, KeyBacklog, NewEntry, QueueKey, Stale, StoreFault
from relay.stores.codec import to_number, to_time
from relay.stores.sqlite import counts, rows
from relay.stores.sqlite.bodies import Bodies
from relay.stores.sqlite.books import Books, Done
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database
from relay.stores.sqlite.fetch import InFile, content_in, fetch_content, from_file
from relay.stores.sqlite.incoming import Incoming, is_large, small_rows
from relay.stores.sqlite.rows import NewRow, Place

T = TypeVar("T")

POLL = 1.0  # seconds between two looks for another process's changes
RECORD_AGAIN = 60.0  # seconds within which somebody tries again to record what could not be
LOOK_AGAIN = timedelta(seconds=1)  # at an entry that seems free and is remembered as leased


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where one slot's entries are."""

    database: Database
    reading: Database
    bodies: Bodies


class SqliteQueue:
    """Implements `relay.model.ports.Queue`."""

    def __init__(self, shelf: Shelf, crew: Crew) -> None:
        self._shelf = shelf
        self._crew = crew
        self._books = Books(shelf.bodies, crew.clock)
        self._incoming = Incoming(shelf.bodies, shelf.reading, crew)
        self._seen = (0, 0)  # opening of the file, and SQLite's count of others' commits since
        self._under_way: set[asyncio.Task[object]] = set()

    @property
    def usage(self) -> QueueUsage:
        """How full the queue was at the last commit."""
        return self._books.usage

    async def open(self) -> StoreFault | None:
        """Open the file and count."""
        return await self._crew.writer.do(self._shelf.database, self._look)

    async def sweep(self) -> StoreFault | None:
        """Remove the bodies that a crash has left without a row, before the first put."""
        try:
            return await self._crew.writer.do(self._shelf.database, self._books.sweep)
        except OSError as error:
            return StoreFault(f"{self._shelf.bodies.folder.name}: {error.strerror}")

    async def close(self) -> None:
        """Wait for the puts and records under way."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def recover(self, amend: Callable[[QueueEntry], QueueEntry]) -> int | StoreFault:
        """End the last owner's leases; say how many entries were found in flight."""

        def work(connection: sqlite3.Connection, done: Done) -> int:
            found = 0
            for row in rows.select(connection, "WHERE busy", ()):
                entry = row.entry
                if isinstance(entry, Corrupt):
                    done.set_aside(connection, row.place, entry, self._crew.clock.now())
                    continue
                free = replace(entry, lease_until=None)
                if any(request.state is RequestState.IN_FLIGHT for request in entry.requests):
                    found += 1
                    free = amend(free)
                newer = replace(free, version=entry.version + 1)
                done.replace(connection, entry.version, newer)
            return found

        return await self._write(work)

    # --- In --------------------------------------------------------------------------------------

    async def put(self, new: Sequence[NewEntry]) -> StoreFault | None:
        """Keep all of them or none. None: durable now."""
        if any(map(is_large, new)):
            return await self._surely(self._put_large(new))
        return await self._insert(small_rows(new))

    async def _put_large(self, new: Sequence[NewEntry]) -> StoreFault | None:
        ready = await self._incoming.rows(new)
        if isinstance(ready, StoreFault):
            return ready
        fault = await self._insert(ready)
        if fault is not None:
            await self._incoming.forget(ready)
        return fault

    async def _insert(self, new: list[NewRow]) -> StoreFault | None:
        return await self._write(lambda connection, done: done.insert(connection, new))

    # --- Out -------------------------------------------------------------------------------------

    async def claim(
        self, wanted: Mapping[QueueKey, int], now: datetime, lease_until: datetime
    ) -> Sequence[QueueEntry | Corrupt] | StoreFault:
        """Lease up to n due entries for each key, longest due first."""

        def work(connection: sqlite3.Connection, done: Done) -> list[QueueEntry | Corrupt]:
            claimed: list[QueueEntry | Corrupt] = []
            for key, count in wanted.items():
                number = counts.key_number(connection, key)
                left = 0 if number is None else count
                while number is not None and left > 0:
                    found = rows.due(connection, number, to_number(now), left)
                    taken = self._lease(connection, found, (now, lease_until), done)
                    claimed += taken
                    left = len(found) - len(taken) if len(found) == left else 0
            return claimed

        return await self._write(work)

    def _lease(
        self,
        connection: sqlite3.Connection,
        found: Sequence[rows.Row],
        times: tuple[datetime, datetime],
        done: Done,
    ) -> list[QueueEntry | Corrupt]:
        """Lease what was found due, but for what the jump of a clock alone has made due."""
        now, lease_until = times
        taken: list[QueueEntry | Corrupt] = []
        fresh: list[tuple[Place, QueueEntry]] = []
        for row in found:
            entry = row.entry
            if isinstance(entry, Corrupt):
                done.set_aside(connection, row.place, entry, self._crew.clock.now())
                taken.append(entry)
            elif self._books.still_leased(entry.id) > 0:
                # Perhaps it was given back earlier in this very transaction, and is not booked yet;
                # the pause must be one, or the claim would find it again and again.
                rows.postpone(connection, row.place, to_number(now + LOOK_AGAIN))
            else:
                leased = replace(entry, version=entry.version + 1, lease_until=lease_until)
                fresh.append((row.place, leased))
                taken.append(leased)
                done.leases[entry.id] = lease_until
        rows.lease(connection, fresh, to_number(lease_until))
        return taken

    async def content(self, queue_id: str) -> Content | Corrupt | StoreFault:
        """Fetch the shaped octets of an entry; damaged ones are set aside."""
        shelf = self._shelf
        found = await fetch_content(self._crew, shelf.reading, shelf.bodies, queue_id)
        if not isinstance(found, Corrupt):
            return found
        return await self._set_aside(found) or found

    async def _set_aside(self, damage: Corrupt) -> StoreFault | None:
        """Put a damaged entry where nobody claims it; if that fails, the next claim finds it."""
        return await self._write(partial(self._move_aside, damage))

    def _move_aside(self, damage: Corrupt, connection: sqlite3.Connection, done: Done) -> None:
        place = rows.place_of(connection, damage.id)
        if place is not None:
            done.set_aside(connection, place, damage, self._crew.clock.now())

    async def begin(self, entry: QueueEntry) -> Begun | Stale | StoreFault:
        """Record that a request goes into flight, and read the octets in the same transaction."""
        newer = replace(entry, version=entry.version + 1)

        def work(
            connection: sqlite3.Connection, done: Done
        ) -> Content | Corrupt | StoreFault | InFile | Stale:
            if not done.replace(connection, entry.version, newer) and (
                stale := _stale(connection, newer)
            ):
                return stale
            found = content_in(entry.id, connection)
            if isinstance(found, Corrupt):
                self._move_aside(found, connection, done)
            return found

        found = await self._write(work)
        match found:
            case Stale():
                return found
            case StoreFault():
                self._books.prolong(entry.id, RECORD_AGAIN)
                return found
            case InFile():
                content = await from_file(self._crew, self._shelf.bodies, found)
                if isinstance(content, Corrupt):
                    content = await self._set_aside(content) or content
                return Begun(newer, content)
            case _:
                return Begun(newer, found)

    async def record(
        self, entry: QueueEntry, spawn: Sequence[NewEntry] = ()
    ) -> QueueEntry | Stale | StoreFault:
        """Replace the entry and add what it causes, in one transaction."""
        if any(map(is_large, spawn)):
            recorded = await self._surely(self._record_large(entry, spawn))
        else:
            recorded = await self._replace(entry, small_rows(spawn))
        if isinstance(recorded, StoreFault):
            self._books.prolong(entry.id, RECORD_AGAIN)
        return recorded

    async def _record_large(
        self, entry: QueueEntry, spawn: Sequence[NewEntry]
    ) -> QueueEntry | Stale | StoreFault:
        ready = await self._incoming.rows(spawn)
        if isinstance(ready, StoreFault):
            return ready
        recorded = await self._replace(entry, ready)
        await self._incoming.forget(ready)  # all of them, or those of a record made before: none
        return recorded

    async def _replace(
        self, entry: QueueEntry, spawn: list[NewRow]
    ) -> QueueEntry | Stale | StoreFault:
        newer = replace(entry, version=entry.version + 1)

        def work(connection: sqlite3.Connection, done: Done) -> QueueEntry | Stale:
            if not done.replace(connection, entry.version, newer):
                return _stale(connection, newer) or newer
            done.insert(connection, spawn)
            return newer

        return await self._write(work)

    async def backlog(self) -> Sequence[KeyBacklog] | StoreFault:
        """Count what is kept, by key; a look-up for each key, no scan."""
        look = partial(counts.backlog, to_number(self._crew.clock.now()))
        answer = await self._crew.reader.do(self._shelf.reading, look)
        if isinstance(answer, StoreFault):
            return answer
        return [
            KeyBacklog(
                key=count.key,
                waiting=count.waiting,
                next_attempt_at=None if count.next_at is None else to_time(count.next_at),
                leased=count.leased,
                held=count.held,
            )
            for count in answer
        ]

    async def changed(self) -> None:
        """Wait until another connection has changed the file.

        A fault here is also one for the next put or claim, whose caller is told.
        """
        before = self._seen
        while self._seen == before:
            await self._crew.clock.sleep(POLL)
            await self._crew.writer.do(self._shelf.database, self._look)

    def _look(self, connection: sqlite3.Connection) -> None:
        """Count again where somebody else has changed the file; in the writer's thread."""
        commits = connection.execute("PRAGMA data_version").fetchone()[0]
        seen = self._shelf.database.openings, commits
        if seen != self._seen:
            self._books.count(connection)
            self._seen = seen

    async def _write(self, work: Callable[[sqlite3.Connection, Done], T]) -> T | StoreFault:
        """Do work in the writer's next transaction, and book it when that is committed."""

        def run(connection: sqlite3.Connection) -> tuple[T, Done]:
            done = (
                self._books.begin()
            )  # a new one each time: after a rollback the work is done again
            return work(connection, done), done

        answer = await self._crew.writer.do(
            self._shelf.database, run, lambda made: self._books.settle(made[1])
        )
        return answer if isinstance(answer, StoreFault) else answer[0]

    async def _surely(self, work: Coroutine[object, object, T]) -> T:
        """Do work of several steps to its end, even if the caller gives up."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)


def _stale(connection: sqlite3.Connection, newer: QueueEntry) -> Stale | None:
    """Say what stands in the place of the version that was to be replaced; None: `newer` itself.

    A fault while committing leaves open what happened; who asks again must not take its own record
    for somebody else's.
    """
    place = rows.place_of(connection, newer.id)
    if place is None:
        return Stale(0)
    return None if rows.is_recorded(connection, place, newer) else Stale(place.version)
