"""An operator's hands on everything kept, from a relay or from a command beside it.

Entries that are leased are left alone: their attempt is under way, and its outcome could not be
recorded any more if they changed meanwhile.

Errors: `StoreFault` and `Corrupt` values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from relay.model.clock import Clock
from relay.model.content import Content
from relay.model.custody import Changed, EntryState, QueueCount, Selection
from relay.model.entry import Held, QueueEntry
from relay.model.ports import Corrupt, StoreFault
from relay.stores.chosen import released, retried
from relay.stores.codec import to_time
from relay.stores.postgresql import rows, scan
from relay.stores.postgresql.contents import fetch_content
from relay.stores.postgresql.database import Connection, Database, keepable
from relay.stores.postgresql.node import tell
from relay.stores.postgresql.rows import Change

_NOBODY = ""  # a word from here wakes every node, this process's own as well


@dataclass(slots=True)
class _Piece:
    """What one transaction found and did."""

    last: int = 0  # where the next one goes on; 0: the end
    ids: list[str] = field(default_factory=list)
    leased: list[str] = field(default_factory=list)


class PostgresControl:
    """Implements `relay.model.ports.QueueControl`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def find(self, queue_id: str) -> QueueEntry | Corrupt | StoreFault | None:
        """Fetch one entry."""
        now, wanted = self._clock.now(), keepable(queue_id)

        async def work(connection: Connection) -> QueueEntry | Corrupt | None:
            found = await connection.fetchrow(f"{rows.ENTRIES} WHERE e.id = $1", wanted)
            if found is not None:
                return rows.row_of(found, now).entry
            aside = await connection.fetchrow(
                "SELECT reason FROM ses_relay.corrupt WHERE id = $1 ORDER BY seq DESC LIMIT 1",
                wanted,
            )
            return None if aside is None else Corrupt(queue_id, aside[0])

        return await self._database.ask(work)

    async def content(self, queue_id: str) -> Content | Corrupt | StoreFault:
        """Fetch the shaped octets of an entry."""
        return await fetch_content(self._database, keepable(queue_id))

    async def select(
        self, chosen: Selection, now: datetime, limit: int
    ) -> Sequence[QueueEntry | Corrupt] | StoreFault:
        """List entries, oldest first; those set aside come last."""

        async def work(connection: Connection) -> list[QueueEntry | Corrupt]:
            found = await scan.oldest_first(connection, chosen, now, limit)
            if chosen.state in (None, EntryState.CORRUPT) and len(found) < limit:
                found += await scan.set_aside_among(connection, chosen, limit - len(found))
            return found

        return await self._database.run(work)

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
        """Throw entries away; those set aside only when they are named."""
        changed = await self._change(chosen, now, lambda _: None)
        if isinstance(changed, StoreFault) or not chosen.ids:
            return changed

        async def work(connection: Connection) -> list[str]:
            return await scan.drop_corrupt(connection, sorted(chosen.ids))

        gone = await self._database.ask(work)
        if isinstance(gone, StoreFault):
            return gone
        return replace(changed, ids=(*changed.ids, *gone))

    async def summary(self, now: datetime) -> Sequence[QueueCount] | StoreFault:
        """Count by age, state and user."""

        async def work(connection: Connection) -> list[QueueCount]:
            return await scan.census(connection, now)

        return await self._database.ask(work)

    async def oldest(self) -> datetime | StoreFault | None:
        """Say when the entry that came first was received."""

        async def work(connection: Connection) -> datetime | None:
            found = await connection.fetchrow(
                "SELECT received_at FROM ses_relay.entries ORDER BY seq LIMIT 1"
            )
            return None if found is None else to_time(found[0])

        return await self._database.ask(work)

    async def _change(
        self, chosen: Selection, now: datetime, change: Callable[[QueueEntry], QueueEntry | None]
    ) -> Changed | StoreFault:
        """Go through the entries meant, piece by piece; None from `change`: throw it away."""
        ids: list[str] = []
        leased: list[str] = []
        after = 0
        while True:
            start = after

            async def work(connection: Connection, start: int = start) -> _Piece:
                return await _alter(connection, (chosen, now, start), change)

            piece = await self._database.run(work)
            if isinstance(piece, StoreFault):
                return piece
            ids += piece.ids
            leased += piece.leased
            after = piece.last
            if not after:
                break
        if ids:
            await tell(self._database, _NOBODY)  # who does not hear it looks within seconds
        return Changed(ids=tuple(ids), leased=tuple(leased))


async def _alter(
    connection: Connection,
    where: tuple[Selection, datetime, int],
    change: Callable[[QueueEntry], QueueEntry | None],
) -> _Piece:
    chosen, now, after = where
    found, last = await scan.piece_to_change(connection, chosen, now, after)
    piece = _Piece(last=last)
    changes: list[Change] = []
    gone: list[QueueEntry] = []
    for row in found:
        entry = row.entry
        if isinstance(entry, Corrupt):  # left for the claim, which sets it aside
            continue
        if EntryState.of(entry, now) is EntryState.LEASED:
            piece.leased.append(entry.id)
            continue
        changed = change(entry)
        if changed is None:
            gone.append(entry)
        elif changed != entry:
            changes.append(Change(replace(changed, lease_until=None), None))
        else:
            continue
        piece.ids.append(entry.id)
    await rows.update(connection, changes, _NOBODY)
    await rows.remove(connection, gone)
    return piece
