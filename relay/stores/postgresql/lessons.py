"""What SES's events have taught: each event is taken in once, in one transaction, by any node.

Errors: `StoreFault` values.
"""

from collections.abc import Sequence
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
from relay.stores.postgresql import tallies as counts
from relay.stores.postgresql.database import Connection, Database, keepable
from relay.stores.postgresql.suppression import PostgresSuppression, learn, lock

# A queue holds an event 14 days, and its dead-letter queue as long again.
_REMEMBERED = timedelta(days=30)


class PostgresLessons:
    """Implements `relay.model.ports.Lessons`."""

    def __init__(self, database: Database, suppression: PostgresSuppression) -> None:
        self._database = database
        self._suppression = suppression

    async def learn(self, lesson: Lesson) -> Learned | StoreFault:
        """Take a lesson in, once."""

        async def work(connection: Connection) -> Learned:
            return await _learn(connection, lesson)

        learned = await self._database.run(work)
        if isinstance(learned, Learned) and learned.suppressed:
            self._suppression.look_again()
        return learned

    async def waiting(self, now: datetime, limit: int) -> Sequence[Waiting] | StoreFault:
        """List what is due."""

        async def work(connection: Connection) -> list[Waiting]:
            found = await connection.fetch(
                "SELECT key, event, first_seen, look_at, looks, counted FROM ses_relay.waiting"
                " WHERE look_at <= $1 ORDER BY look_at LIMIT $2",
                to_number(now),
                limit,
            )
            return [
                Waiting(
                    key=key,
                    event=event,
                    first_seen=to_time(first_seen),
                    look_at=to_time(look_at),
                    looks=looks,
                    counted=counted,
                )
                for key, event, first_seen, look_at, looks, counted in found
            ]

        return await self._database.ask(work)

    async def put_off(self, key: str, look_at: datetime) -> StoreFault | None:
        """Look at it later."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE ses_relay.waiting SET look_at = $2, looks = looks + 1 WHERE key = $1",
                keepable(key),
                to_number(look_at),
            )

        return await self._database.ask(work)

    async def settle(self, key: str, tallies: Sequence[Tally] = ()) -> bool | StoreFault:
        """Let it go and count it."""

        async def work(connection: Connection) -> bool:
            gone = await connection.fetch(
                "DELETE FROM ses_relay.waiting WHERE key = $1 RETURNING key", keepable(key)
            )
            if gone:
                await counts.add(connection, tallies)
            return bool(gone)

        return await self._database.run(work)


async def _learn(connection: Connection, lesson: Lesson) -> Learned:
    at = to_number(lesson.at)
    await connection.execute(
        "DELETE FROM ses_relay.learned WHERE key = ANY(ARRAY(SELECT key FROM ses_relay.learned"
        " WHERE at < $1 FOR UPDATE SKIP LOCKED))",
        to_number(lesson.at - _REMEMBERED),
    )
    # Where another node is taking the same event in, this waits for its end.
    fresh = await connection.fetch(
        "INSERT INTO ses_relay.learned (key, at) VALUES ($1, $2) ON CONFLICT DO NOTHING"
        " RETURNING key",
        keepable(lesson.key),
        at,
    )
    if not fresh:
        return Learned(fresh=False)
    suppressed: list[Suppressed] = []
    if lesson.suppress or lesson.full is not None:
        await lock(connection)
        entries = [one for one in lesson.suppress if not await _taken_off(connection, one)]
        if lesson.full is not None:
            entries += await _too_full(connection, lesson.key, lesson.full)
        suppressed = await learn(connection, entries, lesson.at)
    await counts.add(connection, lesson.tallies)
    if (kept := lesson.waiting) is not None:
        await connection.execute(
            "INSERT INTO ses_relay.waiting (key, event, first_seen, look_at, looks, counted)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            keepable(kept.key),
            keepable(kept.event),
            to_number(kept.first_seen),
            to_number(kept.look_at),
            kept.looks,
            kept.counted,
        )
    return Learned(fresh=True, suppressed=tuple(suppressed))


async def _taken_off(connection: Connection, entry: Suppressed) -> bool:
    """Tell an echo of an account's list: of what was taken off here, and not yet there."""
    if entry.reason != FROM_ACCOUNT:
        return False
    found = await connection.fetch(
        "SELECT 1 FROM ses_relay.account_listed WHERE address = $1 AND removed IS NOT NULL LIMIT 1",
        keepable(entry.address.lower()),
    )
    return bool(found)


async def _too_full(connection: Connection, key: str, full: FullMailboxes) -> list[Suppressed]:
    """Remember full mailboxes; give those that were it too often."""
    await connection.execute(
        "DELETE FROM ses_relay.full_mailboxes WHERE at < $1", to_number(full.at - 2 * WINDOW)
    )
    found_full: list[Suppressed] = []
    for address in full.addresses:
        kept = keepable(address.lower())
        await connection.execute(
            "INSERT INTO ses_relay.full_mailboxes (address, at, key) VALUES ($1, $2, $3)"
            " ON CONFLICT DO NOTHING",
            kept,
            to_number(full.at),
            keepable(key),
        )
        found = await connection.fetch(
            "SELECT at FROM ses_relay.full_mailboxes WHERE address = $1 ORDER BY at", kept
        )
        entry = too_full(address, [to_time(row[0]) for row in found], full.limit)
        if entry is not None:
            found_full.append(entry)
    return found_full
