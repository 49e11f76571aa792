"""Mirrors of the SES accounts' suppression lists, in `state.db` beside our own.

They are long and in no hurry: whatever reads them does so at the desk.

Errors: `StoreFault` values.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from relay.model.ports import (
    FROM_ACCOUNT,
    SETTLES,
    SKEW,
    ListCounts,
    Listed,
    ListedReason,
    ListStanding,
    Owed,
    StoreFault,
    Suppressed,
)
from relay.stores.codec import to_number, to_time
from relay.stores.mirrored import entry_of
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database
from relay.stores.sqlite.suppression import SqliteSuppression, learn, look_up, remove

_SETTLES = to_number(to_time(0) + SETTLES)
_SKEW = to_number(to_time(0) + SKEW)


class SqliteMirrors:
    """Implements `relay.model.ports.Mirrors`."""

    def __init__(
        self, database: Database, browsing: Database, suppression: SqliteSuppression, crew: Crew
    ) -> None:
        self._database = database
        self._browsing = browsing
        self._suppression = suppression
        self._crew = crew

    async def take_turn(
        self, name: str, now: datetime, until: datetime
    ) -> ListStanding | StoreFault | None:
        """Begin to work on a list, unless somebody does."""

        def work(connection: sqlite3.Connection) -> ListStanding | None:
            _known(connection, name)
            taken = connection.execute(
                "UPDATE account_lists SET look_at = ? WHERE name = ? AND look_at <= ?",
                (to_number(until), name, to_number(now)),
            ).rowcount
            return _standing(connection, name) if taken else None

        return await self._crew.writer.do(self._database, work)

    async def keep_turn(self, name: str, until: datetime) -> ListStanding | StoreFault:
        """Keep the others off until then."""

        def work(connection: sqlite3.Connection) -> ListStanding:
            _known(connection, name)
            connection.execute(
                "UPDATE account_lists SET look_at = ? WHERE name = ?", (to_number(until), name)
            )
            return _standing(connection, name)

        return await self._crew.writer.do(self._database, work)

    async def stand(self, name: str, standing: ListStanding) -> StoreFault | None:
        """Write down how far the list is known."""
        read, whole = standing.read_at, standing.whole_at

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE account_lists SET read_at = ?, whole_at = ?, pages = ?, put_upto = ?"
                " WHERE name = ?",
                (
                    None if read is None else to_number(read),
                    None if whole is None else to_number(whole),
                    standing.pages,
                    standing.put_upto,
                    name,
                ),
            )

        return await self._crew.writer.do(self._database, work)

    async def take_over(
        self, name: str, listed: Sequence[Listed], begun: datetime
    ) -> Sequence[Suppressed] | StoreFault:
        """Mirror a part of the list, and put on ours what is news."""
        now = self._crew.clock.now()

        def work(connection: sqlite3.Connection) -> list[Suppressed]:
            fresh = [one for one in listed if _mirror(connection, name, one, begun)]
            return list(learn(connection, (entry_of(name, one) for one in fresh), now))

        added = await self._crew.writer.do(self._database, work)
        if added and not isinstance(added, StoreFault):
            self._suppression.look_again()
        return added

    async def counts(self, name: str, begun: datetime) -> ListCounts | StoreFault:
        """Count what is mirrored, and what of it a whole reading did not show."""

        def work(connection: sqlite3.Connection) -> ListCounts:
            known, absent = connection.execute(
                "SELECT count(*),"
                " count(*) FILTER (WHERE seen < ?2 AND (written IS NULL OR written < ?3))"
                " FROM account_listed WHERE list = ?1 AND removed IS NULL",
                (name, to_number(begun), to_number(begun - SETTLES)),
            ).fetchone()
            return ListCounts(known=known, absent=absent)

        return await self._crew.desk.do(self._browsing, work)

    async def absent(
        self, name: str, begun: datetime, after: str, limit: int
    ) -> Sequence[str] | StoreFault:
        """List what a whole reading did not show."""

        def work(connection: sqlite3.Connection) -> list[str]:
            found = connection.execute(
                "SELECT address FROM account_listed WHERE list = ? AND removed IS NULL"
                " AND seen < ? AND (written IS NULL OR written < ?) AND address > ?"
                " ORDER BY address LIMIT ?",
                (name, to_number(begun), to_number(begun - SETTLES), after, limit),
            )
            return [row[0] for row in found]

        return await self._crew.desk.do(self._browsing, work)

    async def drop(
        self, name: str, addresses: Sequence[str], begun: datetime, *, ours_too: bool
    ) -> Sequence[str] | StoreFault:
        """Mirror that addresses are off a list, and take off ours what was there for its sake."""
        now = to_number(self._crew.clock.now())

        def work(connection: sqlite3.Connection) -> list[str]:
            gone = []
            for address in addresses:
                off = connection.execute(
                    "DELETE FROM account_listed WHERE list = ? AND address = ?"
                    " AND removed IS NULL AND seen < ?",
                    (name, address, to_number(begun)),
                ).rowcount
                if off and _unlist(connection, address, now, ours_too=ours_too):
                    gone.append(address)
            return gone

        return await self._crew.writer.do(self._database, work)

    async def forget(self, name: str, begun: datetime) -> StoreFault | None:
        """Let go what was taken off here and is not there any more."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "DELETE FROM account_listed WHERE list = ? AND removed IS NOT NULL"
                " AND seen < ? AND (written IS NULL OR written < ?)",
                (name, to_number(begun), to_number(begun - SETTLES)),
            )

        return await self._crew.writer.do(self._database, work)

    async def to_put(self, name: str, after: int, limit: int) -> Owed | StoreFault:
        """Look at the next changes of our list."""

        def work(connection: sqlite3.Connection) -> Owed:
            found = connection.execute(
                "SELECT ours.seq, ours.address, ours.reason, ours.since, ours.note,"
                " ours.until IS NULL AND ours.reason <> ? AND there.address IS NULL"
                " FROM (SELECT * FROM suppressed WHERE seq > ? ORDER BY seq LIMIT ?) AS ours"
                " LEFT JOIN account_listed AS there"
                " ON there.list = ? AND there.address = ours.address ORDER BY ours.seq",
                (FROM_ACCOUNT, after, limit, name),
            ).fetchall()
            return Owed(
                entries=tuple(
                    Suppressed(address=address, reason=reason, since=to_time(since), note=note)
                    for _, address, reason, since, note, lacking in found
                    if lacking
                ),
                upto=found[-1][0] if found else None,
            )

        return await self._crew.desk.do(self._browsing, work)

    async def to_delete(self, name: str, limit: int) -> Sequence[str] | StoreFault:
        """List what was taken off here and is still there."""

        def work(connection: sqlite3.Connection) -> list[str]:
            found = connection.execute(
                "SELECT address FROM account_listed WHERE list = ? AND removed IS NOT NULL"
                " AND updated > 0"
                " AND (written IS NULL OR written < removed OR seen > written + ?)"
                " ORDER BY removed LIMIT ?",
                (name, _SETTLES, limit),
            )
            return [row[0] for row in found]

        return await self._crew.desk.do(self._browsing, work)

    async def written(
        self, name: str, address: str, reason: ListedReason | None, at: datetime
    ) -> StoreFault | None:
        """Mirror what we put there, or took off."""
        when = to_number(at)

        def work(connection: sqlite3.Connection) -> None:
            if reason is None:
                connection.execute(
                    "UPDATE account_listed SET written = ? WHERE list = ? AND address = ?",
                    (when, name, address),
                )
            else:
                connection.execute(
                    "INSERT OR REPLACE INTO account_listed"
                    " (list, address, reason, updated, seen, removed, written)"
                    " VALUES (?, ?, ?, ?, ?, NULL, ?)",
                    (name, address, reason.value, when, when, when),
                )

        return await self._crew.writer.do(self._database, work)

    async def holders(self, addresses: Sequence[str]) -> Sequence[tuple[str, str]] | StoreFault:
        """Give each address that is on lists, with each list's name."""

        def work(connection: sqlite3.Connection) -> list[tuple[str, str]]:
            return [
                (address, row[0])
                for address in addresses
                for row in connection.execute(
                    "SELECT list FROM account_listed WHERE address = ? AND updated > 0"
                    " ORDER BY list",
                    (address.lower(),),
                )
            ]

        return await self._crew.desk.do(self._browsing, work)


def _known(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("INSERT OR IGNORE INTO account_lists (name) VALUES (?)", (name,))


def _standing(connection: sqlite3.Connection, name: str) -> ListStanding:
    read, whole, pages, put_upto = connection.execute(
        "SELECT read_at, whole_at, pages, put_upto FROM account_lists WHERE name = ?", (name,)
    ).fetchone()
    return ListStanding(
        read_at=None if read is None else to_time(read),
        whole_at=None if whole is None else to_time(whole),
        pages=pages,
        put_upto=put_upto,
    )


def _mirror(connection: sqlite3.Connection, name: str, one: Listed, begun: datetime) -> bool:
    """Bring one address of the mirror up to date, and say if it is news."""
    row = {
        "list": name,
        "address": one.address.lower(),
        "reason": one.reason.value,
        "updated": to_number(one.updated),
        "begun": to_number(begun),
        "skew": _SKEW,
    }
    known = connection.execute(
        "SELECT removed IS NULL OR removed + :skew >= :updated FROM account_listed"
        " WHERE list = :list AND address = :address",
        row,
    ).fetchone()
    news = known is None or not known[0]
    connection.execute(
        "INSERT INTO account_listed (list, address, reason, updated, seen)"
        " VALUES (:list, :address, :reason, :updated, :begun)"
        " ON CONFLICT (list, address) DO UPDATE SET reason = :reason, updated = :updated,"
        " seen = max(seen, :begun),"
        " removed = CASE WHEN removed + :skew >= :updated THEN removed END",
        row,
    )
    return news


def _unlist(connection: sqlite3.Connection, address: str, now: int, *, ours_too: bool) -> bool:
    """Take off our list what is on no other account's, or is ours to take off."""
    known = look_up(connection, address)
    if known is None:
        return False
    if known.reason == FROM_ACCOUNT:
        others = "SELECT 1 FROM account_listed WHERE address = ? AND removed IS NULL LIMIT 1"
        goes = connection.execute(others, (address,)).fetchone() is None
    else:
        goes = ours_too
    return goes and remove(connection, address, now)
