"""What SES's events have taught, in `state.db`: each event is taken in once, in one transaction.

Errors: `StoreFault` values.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from relay.model.ports import (
    FROM_ACCOUNT,
    FullMailboxes,
    Learned,
    Lesson,
    StoreFault,
    Suppressed,
    Tally,
    Waiting,
)
from relay.stores.codec import to_number, to_time
from relay.stores.full_mailbox import WINDOW, too_full
from relay.stores.sqlite import tallies as counts
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database
from relay.stores.sqlite.suppression import SqliteSuppression, learn

# A queue holds an event 14 days, and its dead-letter queue as long again.
_REMEMBERED = timedelta(days=30)


class SqliteLessons:
    """Implements `relay.model.ports.Lessons`."""

    def __init__(
        self, database: Database, reading: Database, suppression: SqliteSuppression, crew: Crew
    ) -> None:
        self._database = database
        self._reading = reading
        self._suppression = suppression
        self._crew = crew

    async def learn(self, lesson: Lesson) -> Learned | StoreFault:
        """Take a lesson in, once."""

        def work(connection: sqlite3.Connection) -> Learned:
            return _learn(connection, lesson)

        learned = await self._crew.writer.do(self._database, work)
        if isinstance(learned, Learned) and learned.suppressed:
            self._suppression.look_again()
        return learned

    async def waiting(self, now: datetime, limit: int) -> Sequence[Waiting] | StoreFault:
        """List what is due."""

        def work(connection: sqlite3.Connection) -> list[Waiting]:
            found = connection.execute(
                "SELECT key, event, first_seen, look_at, looks, counted FROM waiting"
                " WHERE look_at <= ? ORDER BY look_at LIMIT ?",
                (to_number(now), limit),
            )
            return [
                Waiting(
                    key=key,
                    event=event,
                    first_seen=to_time(first_seen),
                    look_at=to_time(look_at),
                    looks=looks,
                    counted=bool(counted),
                )
                for key, event, first_seen, look_at, looks, counted in found
            ]

        return await self._crew.reader.do(self._reading, work)

    async def put_off(self, key: str, look_at: datetime) -> StoreFault | None:
        """Look at it later."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE waiting SET look_at = ?, looks = looks + 1 WHERE key = ?",
                (to_number(look_at), key),
            )

        return await self._crew.writer.do(self._database, work)

    async def settle(self, key: str, tallies: Sequence[Tally] = ()) -> bool | StoreFault:
        """Let it go and count it."""

        def work(connection: sqlite3.Connection) -> bool:
            gone = connection.execute("DELETE FROM waiting WHERE key = ?", (key,)).rowcount
            if gone:
                counts.add(connection, tallies)
            return bool(gone)

        return await self._crew.writer.do(self._database, work)


def _learn(connection: sqlite3.Connection, lesson: Lesson) -> Learned:
    connection.execute("DELETE FROM learned WHERE at < ?", (to_number(lesson.at - _REMEMBERED),))
    fresh = connection.execute(
        "INSERT OR IGNORE INTO learned (key, at) VALUES (?, ?)", (lesson.key, to_number(lesson.at))
    ).rowcount
    if not fresh:
        return Learned(fresh=False)
    entries = [one for one in lesson.suppress if not _taken_off(connection, one)]
    if lesson.full is not None:
        entries += _too_full(connection, lesson.key, lesson.full)
    counts.add(connection, lesson.tallies)
    if (kept := lesson.waiting) is not None:
        connection.execute(
            "INSERT INTO waiting (key, event, first_seen, look_at, looks, counted)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                kept.key,
                kept.event,
                to_number(kept.first_seen),
                to_number(kept.look_at),
                kept.looks,
                int(kept.counted),
            ),
        )
    return Learned(fresh=True, suppressed=tuple(learn(connection, entries, lesson.at)))


def _taken_off(connection: sqlite3.Connection, entry: Suppressed) -> bool:
    """Tell an echo of an account's list: of what was taken off here, and not yet there."""
    marked = "SELECT 1 FROM account_listed WHERE address = ? AND removed IS NOT NULL LIMIT 1"
    return entry.reason == FROM_ACCOUNT and bool(
        connection.execute(marked, (entry.address.lower(),)).fetchone()
    )


def _too_full(
    connection: sqlite3.Connection, key: str, full: FullMailboxes
) -> Iterable[Suppressed]:
    """Remember full mailboxes; give those that were it too often within any 30 days."""
    connection.execute(
        "DELETE FROM full_mailboxes WHERE at < ?", (to_number(full.at - 2 * WINDOW),)
    )
    for address in full.addresses:
        connection.execute(
            "INSERT OR IGNORE INTO full_mailboxes (address, at, key) VALUES (?, ?, ?)",
            (address.lower(), to_number(full.at), key),
        )
        found = connection.execute(
            "SELECT at FROM full_mailboxes WHERE address = ? ORDER BY at", (address.lower(),)
        )
        times = [to_time(row[0]) for row in found]
        found_full = too_full(address, times, full.limit)
        if found_full is not None:
            yield found_full
