"""The queue of one slot, in the hands of the one process that owns it.

A lease is written, so that an operator's command in another process sees it, and it is also
remembered here on the monotonic clock: if the wall clock jumps forward, an attempt under way is
not started a second time.

Errors: `StoreFault`, `Stale` and `Corrupt` values.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from relay.model.content import Content
from relay.model.custody import QueueUsage
from relay.model.entry import QueueEntry, RequestState
from relay.model.ports import Corrupt, KeyBacklog, NewEntry, QueueKey, Stale, StoreFault
from relay.stores.codec import to_number, to_time
from relay.stores.contents import encode_content
from relay.stores.sqlite import rows
from relay.stores.sqlite.bodies import LARGE, Bodies
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database
from relay.stores.sqlite.fetch import fetch_content
from relay.stores.sqlite.rows import NewRow, Place

POLL = 1.0  # seconds between two looks for another process's changes


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where one slot's entries are."""

    database: Database
    reading: Database
    bodies: Bodies


@dataclass(slots=True)
class _Done:
    """What a transaction changed outside the database's own tables, once it is committed."""

    messages: int = 0
    octets: int = 0
    corrupt: int = 0
    files: list[str] = field(default_factory=list)
    leases: dict[str, datetime | None] = field(default_factory=dict)


class SqliteQueue:
    """Implements `relay.model.ports.Queue`."""

    def __init__(self, shelf: Shelf, crew: Crew) -> None:
        self._database = shelf.database
        self._shelf = shelf
        self._crew = crew
        self._usage = QueueUsage(messages=0, octets=0)
        self._leases: dict[str, float] = {}  # id → monotonic end; the writer's thread alone
        self._left_behind: list[str] = []  # files that could not be removed yet; likewise
        self._seen = (0, 0)  # opening of the file, and SQLite's count of others' commits since
        self._tasks: set[asyncio.Task[StoreFault | None]] = set()

    @property
    def usage(self) -> QueueUsage:
        """How full the queue was at the last commit."""
        return self._usage

    async def open(self) -> StoreFault | None:
        """Open the file and count."""
        return await self._crew.writer.do(self._database, self._count)

    async def sweep(self) -> StoreFault | None:
        """Remove the bodies that a crash has left without a row, before the first put."""
        return await self._crew.writer.do(self._database, self._sweep)

    async def close(self) -> None:
        """Wait for the puts under way."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def recover(self, amend: Callable[[QueueEntry], QueueEntry]) -> int | StoreFault:
        """End the last owner's leases; say how many entries were found in flight."""

        def work(connection: sqlite3.Connection) -> tuple[int, _Done]:
            done, found = _Done(), 0
            for row in rows.select(connection, "WHERE busy", ()):
                entry = row.entry
                if isinstance(entry, Corrupt):
                    self._set_aside(connection, row.place, entry, done)
                    continue
                free = replace(entry, lease_until=None)
                if any(request.state is RequestState.IN_FLIGHT for request in entry.requests):
                    found += 1
                    free = amend(free)
                free = replace(free, version=entry.version + 1)
                self._replace(connection, row.place, free, done)
            return found, done

        answer = await self._crew.writer.do(
            self._database, work, lambda made: self._settle(made[1])
        )
        return answer if isinstance(answer, StoreFault) else answer[0]

    # --- In --------------------------------------------------------------------------------------

    async def put(self, new: Sequence[NewEntry]) -> StoreFault | None:
        """Keep all of them or none. None: durable now."""
        if all(one.content.size <= LARGE for one in new):
            return await self._insert([_inline_row(one) for one in new])
        task = asyncio.create_task(self._put_large(new))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _put_large(self, new: Sequence[NewEntry]) -> StoreFault | None:
        ready = await self._rows_of(new)
        if isinstance(ready, StoreFault):
            return ready
        fault = await self._insert(ready)
        if fault is not None:
            await self._forget(ready)
        return fault

    async def _insert(self, new: Sequence[NewRow]) -> StoreFault | None:
        def work(connection: sqlite3.Connection) -> _Done:
            rows.insert(connection, new)
            return _added(new)

        answer = await self._crew.writer.do(self._database, work, self._settle)
        return answer if isinstance(answer, StoreFault) else None

    async def _rows_of(self, new: Sequence[NewEntry]) -> list[NewRow] | StoreFault:
        """Encode entries; large bodies are durable when this returns."""
        ready: list[NewRow] = []
        for one in new:
            if one.content.size <= LARGE:
                ready.append(_inline_row(one))
                continue
            file = await self._crew.aside(partial(_keep, self._shelf.bodies, one))
            if isinstance(file, StoreFault):
                await self._forget(ready)
                return file
            ready.append(NewRow.of(one.entry, None, file))
        return ready

    async def _forget(self, new: Sequence[NewRow]) -> None:
        """Remove the bodies of a put that failed, unless a row names them after all."""
        files = [row.file for row in new if row.file is not None]

        def work(connection: sqlite3.Connection) -> list[str]:
            return [name for name in files if not rows.names_file(connection, name)]

        orphans = await self._crew.reader.do(self._shelf.reading, work)
        if not isinstance(orphans, StoreFault):  # else they stay for the sweep at the next start
            await self._crew.aside(partial(self._shelf.bodies.discard, orphans))

    # --- Out -------------------------------------------------------------------------------------

    async def claim(
        self, wanted: Mapping[QueueKey, int], now: datetime, lease_until: datetime
    ) -> Sequence[QueueEntry | Corrupt] | StoreFault:
        """Lease up to n due entries for each key, longest due first."""

        def work(connection: sqlite3.Connection) -> tuple[list[QueueEntry | Corrupt], _Done]:
            done = _Done()
            claimed: list[QueueEntry | Corrupt] = []
            for key, count in wanted.items():
                known = rows.key_number(connection, key)
                if known is not None:
                    claimed += self._claim_key(connection, (known, count), (now, lease_until), done)
            return claimed, done

        answer = await self._crew.writer.do(
            self._database, work, lambda made: self._settle(made[1])
        )
        return answer if isinstance(answer, StoreFault) else answer[0]

    def _claim_key(
        self,
        connection: sqlite3.Connection,
        wanted: tuple[int, int],
        times: tuple[datetime, datetime],
        done: _Done,
    ) -> list[QueueEntry | Corrupt]:
        key, missing = wanted
        now, lease_until = times
        claimed: list[QueueEntry | Corrupt] = []
        while missing > 0:
            found = rows.due(connection, key, to_number(now), missing)
            fresh: list[tuple[Place, QueueEntry]] = []
            postponed = 0
            for row in found:
                entry = row.entry
                if isinstance(entry, Corrupt):
                    self._set_aside(connection, row.place, entry, done)
                    claimed.append(entry)
                elif (left := self._still_leased(entry.id)) > 0:  # the wall clock has jumped
                    later = now + timedelta(seconds=left)
                    rows.postpone(connection, row.place, to_number(later))
                    postponed += 1
                else:
                    leased = replace(entry, version=entry.version + 1, lease_until=lease_until)
                    fresh.append((row.place, leased))
                    claimed.append(leased)
                    done.leases[entry.id] = lease_until
            rows.lease(connection, fresh, to_number(lease_until))
            missing = postponed if len(found) == missing else 0
        return claimed

    def _still_leased(self, queue_id: str) -> float:
        """Say how many seconds a lease given by this process still has; 0: none."""
        return self._leases.get(queue_id, 0.0) - self._crew.clock.monotonic()

    async def content(self, queue_id: str) -> Content | Corrupt | StoreFault:
        """Fetch the shaped octets of an entry; damaged ones are set aside."""
        found = await fetch_content(self._crew, self._shelf.reading, self._shelf.bodies, queue_id)
        if not isinstance(found, Corrupt):
            return found
        damage = found

        def work(connection: sqlite3.Connection) -> _Done:
            done = _Done()
            place = rows.place_of(connection, queue_id)
            if place is not None:
                self._set_aside(connection, place, damage, done)
            return done

        answer = await self._crew.writer.do(self._database, work, self._settle)
        return answer if isinstance(answer, StoreFault) else damage

    async def record(
        self, entry: QueueEntry, spawn: Sequence[NewEntry] = ()
    ) -> QueueEntry | Stale | StoreFault:
        """Replace the entry and add what it causes, in one transaction."""
        if any(one.content.size > LARGE for one in spawn):
            ready = await self._rows_of(spawn)
            if isinstance(ready, StoreFault):
                return ready
        else:
            ready = [_inline_row(one) for one in spawn]

        def work(connection: sqlite3.Connection) -> tuple[QueueEntry | Stale, _Done]:
            place = rows.place_of(connection, entry.id)
            newer = replace(entry, version=entry.version + 1)
            if place is None or place.version != entry.version:
                # A fault while committing leaves open what happened; who asks again must not
                # take its own record for somebody else's.
                if place is not None and rows.is_recorded(connection, place, newer):
                    return newer, _Done()
                return Stale(place.version if place else 0), _Done()
            done = _added(ready)
            self._replace(connection, place, newer, done)
            rows.insert(connection, ready)
            return newer, done

        answer = await self._crew.writer.do(
            self._database, work, lambda made: self._settle(made[1])
        )
        if isinstance(answer, StoreFault) or isinstance(answer[0], Stale):
            await self._forget(ready)
        return answer if isinstance(answer, StoreFault) else answer[0]

    async def backlog(self) -> Sequence[KeyBacklog] | StoreFault:
        """Count what is kept, by key; a look-up for each key, no scan."""
        answer = await self._crew.reader.do(self._shelf.reading, rows.backlog)
        if isinstance(answer, StoreFault):
            return answer
        return [
            KeyBacklog(
                key=key,
                waiting=waiting,
                next_attempt_at=None if at is None else to_time(at),
                leased=leased,
                held=held,
            )
            for key, waiting, leased, held, at in answer
        ]

    async def changed(self) -> None:
        """Wait until another connection has changed the file."""
        while True:
            await self._crew.clock.sleep(POLL)
            before = self._seen
            await self._crew.writer.do(self._database, self._count)
            if self._seen != before:
                return

    # --- In the writer's thread ------------------------------------------------------------------

    def _count(self, connection: sqlite3.Connection) -> None:
        """Take the counts from the file, where somebody else has changed it."""
        commits = connection.execute("PRAGMA data_version").fetchone()[0]
        seen = self._database.openings, commits
        if seen != self._seen:
            messages, octets, corrupt = rows.usage(connection)
            self._usage = QueueUsage(messages=messages, octets=octets, corrupt=corrupt)
            self._seen = seen

    def _sweep(self, connection: sqlite3.Connection) -> StoreFault | None:
        bodies = self._shelf.bodies
        try:
            self._left_behind = bodies.discard(bodies.orphans(connection))
        except OSError as error:
            return StoreFault(f"{bodies.folder.name}: {error.strerror}")
        return None

    def _set_aside(
        self, connection: sqlite3.Connection, place: Place, damage: Corrupt, done: _Done
    ) -> None:
        size = rows.set_aside(connection, place, damage, self._crew.clock.now())
        done.messages -= 1
        done.octets -= size
        done.corrupt += 1
        done.leases[damage.id] = None

    def _replace(
        self, connection: sqlite3.Connection, place: Place, entry: QueueEntry, done: _Done
    ) -> None:
        if entry.open_requests:
            rows.rewrite(connection, place, entry)
            done.leases[entry.id] = entry.lease_until
            return
        size, file = rows.remove(connection, place)
        done.messages -= 1
        done.octets -= size
        done.leases[entry.id] = None
        if file is not None:
            done.files.append(file)

    def _settle(self, done: _Done) -> None:
        """Take over what is committed now: counts, leases, files without a row."""
        usage = self._usage
        self._usage = QueueUsage(
            messages=usage.messages + done.messages,
            octets=usage.octets + done.octets,
            corrupt=usage.corrupt + done.corrupt,
        )
        clock = self._crew.clock
        for queue_id, until in done.leases.items():
            if until is None:
                self._leases.pop(queue_id, None)
            else:
                self._leases[queue_id] = clock.monotonic() + (until - clock.now()).total_seconds()
        if done.files:
            files = [*self._left_behind, *done.files]
            self._left_behind = self._shelf.bodies.discard(files)


def _inline_row(one: NewEntry) -> NewRow:
    return NewRow.of(one.entry, b"".join(encode_content(one.content)), None)


def _keep(bodies: Bodies, one: NewEntry) -> str | StoreFault:
    return bodies.keep(one.entry.id, encode_content(one.content))


def _added(new: Sequence[NewRow]) -> _Done:
    return _Done(
        messages=len(new),
        octets=sum(row.entry.message.size for row in new),
        leases={row.entry.id: row.entry.lease_until for row in new if row.entry.lease_until},
    )
