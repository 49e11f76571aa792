"""What became of each message, in `history.db`: noted without waiting, bounded, pruned.

The file is written without syncs: a power cut may take the last seconds. Attribution survives it,
because every request carries its queue id as a tag.

Errors: `StoreFault` values when reading; a note that cannot be written is lost and counted.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.model.custody import HistoryEvent
from relay.model.ports import StoreFault
from relay.stores.codec import to_number, to_time
from relay.stores.names import name_of, names_of
from relay.stores.plain import from_json, to_json
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database

_PRUNE = 100  # notes between two looks for old events
_OLD = 500  # events and names removed at a time: more than come in between

_Row = tuple[str, int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    event: str
    at: int
    message: str
    facts: bytes
    names: tuple[str, ...]


class SqliteHistory:
    """Implements `relay.model.ports.History` and `Trace`."""

    def __init__(self, database: Database, reading: Database, crew: Crew, keep: float) -> None:
        self._database = database
        self._reading = reading
        self._crew = crew
        self._keep = timedelta(seconds=keep)
        self._noted = 0

    @property
    def lost(self) -> int:
        """Notes that could not be written."""
        return self._crew.writer.lost

    @property
    def last_loss(self) -> str:
        """Why the last of them was not; empty: none was lost."""
        problem = self._crew.writer.last_loss
        if problem is None:
            return ""
        return problem.reason if isinstance(problem, StoreFault) else repr(problem)

    def note(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Remember one event with the writer's next commit."""
        note = _Note(
            event=event,
            at=to_number(at),
            message=str(facts.get("queue_id") or facts.get("session_id") or ""),
            facts=to_json(dict(facts)),
            names=tuple(dict.fromkeys(names_of(facts))),
        )
        self._noted += 1
        self._crew.writer.note(self._database, lambda at_file: _insert(at_file, note))
        if self._noted % _PRUNE == 1 and self._keep:
            before = to_number(at - self._keep)
            self._crew.writer.note(self._database, lambda at_file: _prune(at_file, before))

    async def trace(self, what: str, limit: int) -> Sequence[HistoryEvent] | StoreFault:
        """Give the newest messages known by this name, each with its session, in order of time."""
        name = name_of(what)

        def work(connection: sqlite3.Connection) -> list[_Row]:
            found = connection.execute(
                "SELECT message FROM names WHERE name = ? ORDER BY seq DESC LIMIT ?", (name, limit)
            )
            messages = dict.fromkeys(row[0] for row in found)
            lives = [row for message in messages for row in _life(connection, message)]
            sessions = dict.fromkeys(_session(row) for row in lives)
            for session in sessions:
                if session and session not in messages:
                    lives += _life(connection, session)
            return sorted(lives, key=lambda row: row[1])[:limit]

        return _events(await self._crew.reader.do(self._reading, work))

    async def recent(self, limit: int) -> Sequence[HistoryEvent] | StoreFault:
        """Give the newest events, newest first."""

        def work(connection: sqlite3.Connection) -> list[_Row]:
            return connection.execute(
                "SELECT event, at, facts FROM events ORDER BY seq DESC LIMIT ?", (limit,)
            ).fetchall()

        return _events(await self._crew.reader.do(self._reading, work))


def _life(connection: sqlite3.Connection, message: str) -> list[_Row]:
    return connection.execute(
        "SELECT event, at, facts FROM events WHERE message = ? ORDER BY seq", (message,)
    ).fetchall()


def _session(row: _Row) -> str:
    facts = from_json(row[2])
    return str(facts.get("session_id", "")) if isinstance(facts, dict) else ""


def _insert(connection: sqlite3.Connection, note: _Note) -> None:
    connection.execute(
        "INSERT INTO events (at, event, message, facts) VALUES (?, ?, ?, ?)",
        (note.at, note.event, note.message, note.facts),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO names (name, message, at) VALUES (?, ?, ?)",
        [(name, note.message, note.at) for name in note.names],
    )


def _prune(connection: sqlite3.Connection, before: int) -> None:
    """Remove the oldest rows as far as they are old; they came in order of time."""
    for table in ("events", "names"):
        connection.execute(
            f"DELETE FROM {table} WHERE at < ?1 AND seq IN"  # noqa: S608 - one of two words of ours
            f" (SELECT seq FROM {table} ORDER BY seq LIMIT {_OLD})",
            (before,),
        )


def _events(found: list[_Row] | StoreFault) -> Sequence[HistoryEvent] | StoreFault:
    if isinstance(found, StoreFault):
        return found
    return [
        HistoryEvent(event=event, at=to_time(at), facts=known)
        for event, at, facts in found
        if isinstance(known := from_json(facts), dict)
    ]
