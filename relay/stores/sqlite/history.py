"""What became of each message, in `history.db`: noted without waiting, bounded, pruned.

The file is written without syncs: a power cut may take the last seconds. Attribution survives it,
because every request carries its queue id as a tag.

Errors: `StoreFault` values when reading; a note that cannot be written is lost and counted.
"""

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.model.custody import HistoryEvent
from relay.model.ports import StoreFault
from relay.stores.codec import to_number, to_time
from relay.stores.names import life_of, name_of, names_of
from relay.stores.plain import from_json, to_json
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database

_BATCH = 200  # notes written in one transaction, so that mail never waits long behind them
_ROWS = 100  # of them in one statement
_OLD = 1_000  # events and names removed in one transaction, for which mail waits


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    event: str
    at: int
    message: str
    facts: bytes
    names: tuple[str, ...]


class _Batch:
    """Notes that are written together; open until the writer comes to it."""

    def __init__(self) -> None:
        self._notes: list[_Note] = []
        self._closed = False
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._notes)

    def add(self, note: _Note) -> bool:
        """Take a note in; False: it is too late, or there are enough."""
        with self._lock:
            if self._closed or len(self._notes) >= _BATCH:
                return False
            self._notes.append(note)
        return True

    def __call__(self, connection: sqlite3.Connection) -> None:
        """Write them all."""
        with self._lock:
            self._closed = True
        events = [(note.at, note.event, note.message, note.facts) for note in self._notes]
        names = {(name, note.message): note.at for note in self._notes for name in note.names}
        _insert(connection, "INSERT INTO events (at, event, message, facts)", events)
        _insert(
            connection,
            "INSERT OR IGNORE INTO names (name, message, at)",
            [(*known, at) for known, at in names.items()],
        )


def _insert(connection: sqlite3.Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows, many with each step of the database: between steps the thread must wait."""
    for start in range(0, len(rows), _ROWS):
        some = rows[start : start + _ROWS]
        places = ", ".join([f"({', '.join('?' * len(some[0]))})"] * len(some))
        values = [value for row in some for value in row]
        connection.execute(f"{into} VALUES {places}", values)


class SqliteHistory:
    """Implements `relay.model.ports.History` and `Trace`."""

    def __init__(self, database: Database, reading: Database, crew: Crew, keep: float) -> None:
        self._database = database
        self._reading = reading
        self._crew = crew
        self._keep = timedelta(seconds=keep)
        self._batch = _Batch()

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
        """Remember one event with one of the writer's next commits."""
        note = _Note(
            event=event,
            at=to_number(at),
            message=life_of(facts),
            facts=to_json(dict(facts)),
            names=tuple(dict.fromkeys(names_of(event, facts))),
        )
        if not self._batch.add(note):
            self._batch = _Batch()
            self._batch.add(note)
        if len(self._batch) == 1 and not self._crew.writer.note(self._database, self._batch):
            self._batch = _Batch()  # nobody comes to that one: it must not take in more

    async def trace(self, what: str, limit: int) -> Sequence[HistoryEvent] | StoreFault:
        """Give the lives of the newest messages known by this name, each with its session."""
        name = name_of(what)
        return await self._crew.desk.do(self._reading, lambda at_file: _trace(at_file, name, limit))

    async def recent(self, limit: int) -> Sequence[HistoryEvent] | StoreFault:
        """Give the newest events, newest first."""
        return await self._crew.desk.do(
            self._reading,
            lambda at_file: _events(at_file, "ORDER BY seq DESC LIMIT ?", limit),
        )

    async def forget(self, now: datetime) -> int | StoreFault:
        """Remove a piece of what is too old."""
        if not self._keep:
            return 0
        before = to_number(now - self._keep)
        return await self._crew.writer.do(self._database, lambda at_file: _forget(at_file, before))


def _trace(connection: sqlite3.Connection, name: str, limit: int) -> list[HistoryEvent]:
    # Ids of messages and sessions begin with their time, so that the index has them in its order.
    found = connection.execute(
        "SELECT message FROM names WHERE name = ? ORDER BY message DESC LIMIT ?", (name, limit)
    ).fetchall()
    lives: list[HistoryEvent] = []
    messages: set[str] = set()
    for (message,) in found:
        life = _life(connection, message)
        if lives and len(lives) + len(life) > limit:
            break
        messages.add(message)
        lives += life[:limit]
    sessions = dict.fromkeys(str(event.facts.get("session_id", "")) for event in lives)
    for session in sessions:
        if session and session not in messages:
            lives += _life(connection, session)
    return sorted(lives, key=lambda event: event.at)[:limit]


def _life(connection: sqlite3.Connection, message: str) -> list[HistoryEvent]:
    return _events(connection, "WHERE message = ? ORDER BY seq", message)


def _events(connection: sqlite3.Connection, which: str, value: object) -> list[HistoryEvent]:
    found = connection.execute(f"SELECT event, at, facts FROM events {which}", (value,))  # noqa: S608 - words of ours alone
    return [
        HistoryEvent(event=event, at=to_time(at), facts=known)
        for event, at, facts in found
        if isinstance(known := from_json(facts), dict)
    ]


def _forget(connection: sqlite3.Connection, before: int) -> int:
    """Remove the oldest rows as far as they are old; they came in order of time."""
    return sum(
        connection.execute(
            f"DELETE FROM {table} WHERE at < ?1 AND seq IN"  # noqa: S608 - one of two words of ours
            f" (SELECT seq FROM {table} ORDER BY seq LIMIT {_OLD})",
            (before,),
        ).rowcount
        for table in ("events", "names")
    )
