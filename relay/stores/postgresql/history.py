"""What became of each message: noted without waiting, bounded, pruned.

Notes are gathered and committed without a sync: a crash of the server may take the last of them.
Attribution survives it, because every request carries its queue id as a tag.

Errors: `StoreFault` values when reading; a note that cannot be written is lost and counted.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.model.custody import HistoryEvent
from relay.model.ports import StoreFault
from relay.stores.codec import to_number, to_time
from relay.stores.names import life_of, name_of, names_of
from relay.stores.plain import from_json, to_json
from relay.stores.postgresql.database import Connection, Database, Row, keepable

_WAIT = 0.5  # seconds in which notes gather
_NOTES = 20_000  # beyond, notes are lost and counted
_PIECE = 500  # notes written in one transaction
_OLD = 1_000  # events and names removed at a time
_NAME = 512  # characters of a name; an index entry must stay below 2,700 octets

_EVENTS = "SELECT event, at, facts FROM ses_relay.events"
# The newest messages of a name, each with the number of its events and of all newer ones together.
_NEWEST = """
SELECT message, sum(events) OVER (ORDER BY at DESC, message)::bigint
FROM (SELECT message, at,
        (SELECT count(*) FROM ses_relay.events e WHERE e.message = n.message) AS events
    FROM ses_relay.names n WHERE name = $1 ORDER BY at DESC LIMIT $2) AS newest
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    event: str
    at: int
    message: str
    facts: bytes
    names: tuple[str, ...]


class PostgresHistory:
    """Implements `relay.model.ports.History` and `Trace`."""

    def __init__(self, database: Database, keep: float) -> None:
        self.lost = 0  # notes that could not be written
        self.last_loss = ""  # why the last of them was not; empty: none was lost
        self._database = database
        self._keep = timedelta(seconds=keep)
        self._notes: list[_Note] = []
        self._writer: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def note(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Remember one event some time soon; returns at once."""
        if len(self._notes) >= _NOTES:
            self._lose(1, "too many notes wait to be written")
            return
        self._notes.append(
            _Note(
                event=keepable(event),
                at=to_number(at),
                message=keepable(life_of(facts)),
                facts=to_json(dict(facts)),
                names=tuple(dict.fromkeys(map(_name, names_of(event, facts)))),
            )
        )
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="store-history")

    async def close(self) -> None:
        """Write what is left."""
        self._closing.set()
        if self._writer is not None:
            await self._writer

    async def trace(self, what: str, limit: int) -> Sequence[HistoryEvent] | StoreFault:
        """Give the lives of the newest messages known by this name, each with its session."""
        name = _name(name_of(what))

        async def work(connection: Connection) -> list[HistoryEvent]:
            found = await connection.fetch(_NEWEST, name, limit)
            messages = [row[0] for row in found[:1]]
            messages += [message for message, events in found[1:] if events <= limit]
            lives = await _lives(connection, messages)
            sessions = dict.fromkeys(str(one.facts.get("session_id", "")) for one in lives)
            lives += await _lives(connection, [s for s in sessions if s and s not in messages])
            return sorted(lives, key=lambda event: event.at)[:limit]

        return await self._database.ask(work)

    async def recent(self, limit: int) -> Sequence[HistoryEvent] | StoreFault:
        """Give the newest events, newest first."""

        async def work(connection: Connection) -> list[HistoryEvent]:
            return _events(await connection.fetch(f"{_EVENTS} ORDER BY seq DESC LIMIT $1", limit))

        return await self._database.ask(work)

    async def forget(self, now: datetime) -> int | StoreFault:
        """Remove a piece of what is too old; what another node removes is left to it."""
        if not self._keep:
            return 0
        before = to_number(now - self._keep)

        async def work(connection: Connection) -> int:
            return sum([await _forget(connection, table, before) for table in ("events", "names")])

        return await self._database.ask(work)

    async def _write(self) -> None:
        """Let notes gather, write them, and end when there are no more."""
        while self._notes:
            if len(self._notes) < _PIECE and not self._closing.is_set():
                await self._gather()
            notes, self._notes = self._notes[:_PIECE], self._notes[_PIECE:]

            async def work(connection: Connection, notes: list[_Note] = notes) -> None:
                await connection.execute("SET LOCAL synchronous_commit = off")
                await _insert(connection, notes)

            fault = await self._database.run(work)
            if fault is not None:
                self._lose(len(notes), fault.reason)

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(_WAIT):
                await self._closing.wait()
        except TimeoutError:
            return

    def _lose(self, count: int, reason: str) -> None:
        self.lost += count
        self.last_loss = reason


def _name(text: str) -> str:
    return keepable(text)[:_NAME]


async def _insert(connection: Connection, notes: Sequence[_Note]) -> None:
    await connection.execute(
        "INSERT INTO ses_relay.events (at, event, message, facts) SELECT at, event, message, facts"
        " FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[]) WITH ORDINALITY"
        " AS s(at, event, message, facts, place) ORDER BY place",
        [note.at for note in notes],
        [note.event for note in notes],
        [note.message for note in notes],
        [note.facts for note in notes],
    )
    # In one order, so that two nodes that note the same names never wait for each other.
    named = sorted({(name, note.message): note.at for note in notes for name in note.names}.items())
    await connection.execute(
        "INSERT INTO ses_relay.names (name, message, at)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) ON CONFLICT DO NOTHING",
        [name for (name, _), _ in named],
        [message for (_, message), _ in named],
        [at for _, at in named],
    )


async def _forget(connection: Connection, table: str, before: int) -> int:
    said = await connection.execute(
        f"DELETE FROM ses_relay.{table} WHERE ctid = ANY(ARRAY(SELECT ctid"  # noqa: S608 - one of two words of ours
        f" FROM ses_relay.{table} WHERE at < $1 ORDER BY at LIMIT {_OLD} FOR UPDATE SKIP LOCKED))",
        before,
    )
    return int(said.removeprefix("DELETE "))


async def _lives(connection: Connection, messages: Sequence[str]) -> list[HistoryEvent]:
    return _events(
        await connection.fetch(
            f"{_EVENTS} WHERE message = ANY($1::text[]) ORDER BY seq", [*messages]
        )
    )


def _events(found: Sequence[Row]) -> list[HistoryEvent]:
    return [
        HistoryEvent(event=event, at=to_time(at), facts=known)
        for event, at, facts in found
        if isinstance(known := from_json(facts), dict)
    ]
