"""The queue that several relays share: any node accepts, any node sends.

What an entry's lease says is told by the database's clock, so nodes need not agree on the time.
A record carries the version it was made on; whoever was too slow hears `Stale`, above all before a
request is written: the record that puts it in flight renews the lease, or is refused.

Errors: `StoreFault`, `Stale` and `Corrupt` values.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from relay.model.clock import Clock
from relay.model.content import Content
from relay.model.custody import QueueUsage
from relay.model.entry import QueueEntry, RequestState
from relay.model.ports import Begun, Corrupt, KeyBacklog, NewEntry, QueueKey, Stale, StoreFault
from relay.stores.postgresql import counts, rows
from relay.stores.postgresql.batches import Batches
from relay.stores.postgresql.contents import fetch_content, is_large, new_rows, small_row
from relay.stores.postgresql.database import Connection, Database
from relay.stores.postgresql.keys import Keys
from relay.stores.postgresql.leases import Leases
from relay.stores.postgresql.node import Node
from relay.stores.postgresql.rows import Change, Claimant, NewRow

T = TypeVar("T")

POLL = 5.0  # seconds between two looks at the queue when nobody says anything
PACE = 1.0  # seconds between two of them however much is said
_PIECE = 500  # entries recovered in one transaction


@dataclass(frozen=True, slots=True)
class _Recovered:
    looked_at: int
    flying: int


class PostgresQueue:
    """Implements `relay.model.ports.Queue`."""

    def __init__(self, database: Database, node: Node, clock: Clock) -> None:
        self._database = database
        self._node = node
        self._clock = clock
        self._keys = Keys(database)
        self._leases = Leases(clock)
        self._usage = QueueUsage(messages=0, octets=0)
        self._claims = 0
        self._lost_claims: list[int] = []  # whose answer never came
        self._looked_at = clock.monotonic()
        self._puts = Batches(self._put_all, id)
        self._records = Batches(self._record_all, lambda change: change.entry.id)
        self._under_way: set[asyncio.Task[object]] = set()

    @property
    def usage(self) -> QueueUsage:
        """How full the queue is, as far as this node knows; what others do shows in seconds."""
        return self._usage

    async def look(self) -> StoreFault | None:
        """Count what is kept."""
        found = await self._database.ask(counts.usage)
        if isinstance(found, StoreFault):
            return found
        self._usage = found.usage
        return await self._database.run(counts.fold) if found.fold else None

    async def close(self) -> None:
        """Wait for the puts and records under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        await self._puts.idle()
        await self._records.idle()

    async def recover(self, amend: Callable[[QueueEntry], QueueEntry]) -> int | StoreFault:
        """End the leases of this node's last life; say how many entries were found in flight."""
        flying, after = 0, 0
        while True:
            piece = await self._recover_piece(amend, after)
            if isinstance(piece, StoreFault):
                return piece
            flying += piece.flying
            after = piece.looked_at
            if not after:
                return flying

    async def _recover_piece(
        self, amend: Callable[[QueueEntry], QueueEntry], after: int
    ) -> _Recovered | StoreFault:
        async def work(connection: Connection) -> tuple[_Recovered, list[Corrupt]]:
            found = await connection.fetch(
                f"{rows.ENTRIES} WHERE e.lease_until IS NOT NULL AND e.lease_node = $1"
                f" AND e.seq > $2 ORDER BY e.seq LIMIT {_PIECE} FOR UPDATE OF e",
                self._node.name,
                after,
            )
            changed: list[QueueEntry] = []
            damaged: list[Corrupt] = []
            flying = 0
            for row in [rows.row_of(one, self._clock.now()) for one in found]:
                if isinstance(row.entry, Corrupt):
                    damaged.append(row.entry)
                    continue
                free = replace(row.entry, lease_until=None)
                if any(request.state is RequestState.IN_FLIGHT for request in free.requests):
                    flying += 1
                    free = amend(free)
                changed.append(free)
            still_open = [Change(entry, None) for entry in changed if entry.open_requests]
            await rows.update(connection, still_open, self._node.name)
            await rows.remove(connection, [one for one in changed if not one.open_requests])
            last = found[-1][0] if len(found) == _PIECE else 0
            return _Recovered(last, flying), damaged

        done = await self._database.run(work)
        if isinstance(done, StoreFault):
            return done
        piece, damaged = done
        for damage in damaged:
            await self._set_aside(damage)
        return await self.look() or piece

    # --- In --------------------------------------------------------------------------------------

    async def put(self, new: Sequence[NewEntry]) -> StoreFault | None:
        """Keep all of them or none. None: durable now."""
        if any(map(is_large, new)):
            return await self._surely(self._put_large(new))
        return await self._puts.ask([small_row(one, self._leases) for one in new])

    async def _put_large(self, new: Sequence[NewEntry]) -> StoreFault | None:
        ready = await new_rows(new, self._leases)
        return (await self._put_all([ready]))[0]

    async def _put_all(self, puts: Sequence[list[NewRow]]) -> list[StoreFault | None]:
        new = [row for put in puts for row in put]
        keys = await self._keys.made({row.key for row in new})
        if isinstance(keys, StoreFault):
            return [keys] * len(puts)

        async def work(connection: Connection) -> None:
            await rows.insert(connection, new, keys, self._node.name)

        # One statement is a transaction by itself and saves two round trips.
        within = self._database.run if any(row.pieces for row in new) else self._database.ask
        fault = await within(work)
        if fault is None:
            self._added(new)
        return [fault] * len(puts)

    def _added(self, new: Sequence[NewRow]) -> None:
        self._book(messages=len(new), octets=sum(row.entry.message.size for row in new))
        for row in new:
            self._leases.remember(row.entry.id, row.entry.lease_until, row.lease_left)
        self._node.touch()

    # --- Out -------------------------------------------------------------------------------------

    async def claim(
        self, wanted: Mapping[QueueKey, int], now: datetime, lease_until: datetime
    ) -> Sequence[QueueEntry | Corrupt] | StoreFault:
        """Lease up to n due entries for each key; those whose lease has ended come first."""
        return await self._surely(self._claim(wanted, (now, lease_until)))

    async def _claim(
        self, wanted: Mapping[QueueKey, int], times: tuple[datetime, datetime]
    ) -> Sequence[QueueEntry | Corrupt] | StoreFault:
        keys = await self._keys.found(wanted.keys())
        if isinstance(keys, StoreFault):
            return keys
        self._claims += 1
        claimant = Claimant(self._node.name, self._claims)
        lost = list(self._lost_claims)

        async def work(connection: Connection) -> list[QueueEntry | Corrupt]:
            if lost:
                await rows.give_back(connection, claimant.node, lost)
                self._lost_claims = [number for number in self._lost_claims if number not in lost]
            by_number = {number: wanted[key] for key, number in keys.items() if wanted[key] > 0}
            return await rows.claim(connection, by_number, times, claimant)

        claimed = await self._database.ask(work)
        if isinstance(claimed, StoreFault):
            self._lost_claims.append(claimant.number)
            return claimed
        now, until = times
        for entry in claimed:
            if isinstance(entry, Corrupt):
                await self._set_aside(entry)
            else:
                self._leases.remember(entry.id, until, round((until - now).total_seconds() * 1e6))
        return claimed

    async def content(self, queue_id: str) -> Content | Corrupt | StoreFault:
        """Fetch the shaped octets of an entry; damaged ones are set aside."""
        found = await fetch_content(self._database, queue_id)
        if not isinstance(found, Corrupt):
            return found
        return await self._set_aside(found) or found

    async def _set_aside(self, damage: Corrupt) -> StoreFault | None:
        """Put a damaged entry where nobody claims it; if that fails, the next claim finds it."""

        async def work(connection: Connection) -> int | None:
            return await rows.set_aside(connection, damage, self._clock.now())

        size = await self._database.ask(work)
        if isinstance(size, StoreFault):
            return size
        if size is not None:
            self._book(messages=-1, octets=-size, corrupt=1)
        return None

    async def begin(self, entry: QueueEntry) -> Begun | Stale | StoreFault:
        """Record an entry of which a request goes into flight, and fetch its octets."""
        recorded = await self.record(entry)
        if not isinstance(recorded, QueueEntry):
            return recorded
        return Begun(recorded, await self.content(entry.id))

    # --- Records ---------------------------------------------------------------------------------

    async def record(
        self, entry: QueueEntry, spawn: Sequence[NewEntry] = ()
    ) -> QueueEntry | Stale | StoreFault:
        """Replace the entry and add what it causes, in one transaction."""
        change = Change(entry, self._leases.left(entry.id, entry.lease_until))
        if spawn:
            return await self._surely(self._record_with(change, spawn))
        return await self._records.ask(change)

    async def _record_with(
        self, change: Change, spawn: Sequence[NewEntry]
    ) -> QueueEntry | Stale | StoreFault:
        new = await new_rows(spawn, self._leases)
        keys = await self._keys.made({row.key for row in new})
        if isinstance(keys, StoreFault):
            return keys

        async def work(connection: Connection) -> Stale | bool:
            """Give True where it is done now, False where it was before."""
            if not await self._apply(connection, [change]):
                return await rows.why_not(connection, change, self._node.name) or False
            await rows.insert(connection, new, keys, self._node.name)
            return True

        done = await self._database.run(work)
        if isinstance(done, StoreFault | Stale):
            return done
        if done:
            self._added(new)
        return self._recorded(change, fresh=done)

    async def _record_all(self, changes: Sequence[Change]) -> list[QueueEntry | Stale | StoreFault]:
        async def work(connection: Connection) -> set[str]:
            return await self._apply(connection, changes)

        both = len({bool(change.entry.open_requests) for change in changes}) > 1
        done = await (self._database.run if both else self._database.ask)(work)
        if isinstance(done, StoreFault):
            return [done] * len(changes)
        return [
            self._recorded(change, fresh=True)
            if change.entry.id in done
            else await self._why_not(change)
            for change in changes
        ]

    async def _apply(self, connection: Connection, changes: Sequence[Change]) -> set[str]:
        """Change or take out, and say which entries had the right version."""
        done: set[str] = set()
        moved = [change for change in changes if change.entry.open_requests]
        over = [change.entry for change in changes if not change.entry.open_requests]
        if moved:
            done |= await rows.update(connection, moved, self._node.name)
        if over:
            done |= await rows.remove(connection, over)
        return done

    async def _why_not(self, change: Change) -> QueueEntry | Stale | StoreFault:
        async def work(connection: Connection) -> Stale | None:
            return await rows.why_not(connection, change, self._node.name)

        return await self._database.ask(work) or self._recorded(change, fresh=False)

    def _recorded(self, change: Change, *, fresh: bool) -> QueueEntry:
        entry = change.entry
        if entry.open_requests:
            self._leases.remember(entry.id, entry.lease_until, change.lease_left)
            if entry.lease_until is None:
                self._node.touch()
        elif fresh:
            self._leases.remember(entry.id, None, None)
            self._book(messages=-1, octets=-entry.message.size)
        return replace(entry, version=entry.version + 1)

    # --- Watching --------------------------------------------------------------------------------

    async def backlog(self) -> Sequence[KeyBacklog] | StoreFault:
        """Count what is kept, by key; a look-up for each key, no scan."""
        now = self._clock.now()

        async def work(connection: Connection) -> list[KeyBacklog]:
            return await counts.backlog(connection, now)

        fault = await self.look()
        return await self._database.ask(work) if fault is None else fault

    async def changed(self) -> None:
        """Wait until somebody has said that something changed, or for `POLL` seconds.

        A fault here is also one for the next put or claim, whose caller is told.
        """
        await self._clock.sleep(self._looked_at + PACE - self._clock.monotonic())
        await self._node.changed(POLL)
        self._looked_at = self._clock.monotonic()
        await self.look()

    def _book(self, messages: int, octets: int, corrupt: int = 0) -> None:
        known = self._usage
        self._usage = QueueUsage(
            messages=known.messages + messages,
            octets=known.octets + octets,
            corrupt=known.corrupt + corrupt,
        )

    async def _surely(self, work: Coroutine[object, object, T]) -> T:
        """Do work of several steps to its end, even if the caller gives up."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)
