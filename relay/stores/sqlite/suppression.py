"""The suppression list in `state.db`, shared by all processes of a folder.

Nearly every look-up is about an address that is not on the list; that answer comes from memory, so
that a recipient costs no thread and no disk. What another process adds is known within a second.

Errors: `StoreFault` values.
"""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from relay.model.address import Address
from relay.model.ports import LOOKED_AT, StoreFault, Suppressed
from relay.stores.codec import to_number, to_time
from relay.stores.prints import Prints, print_of
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database
from relay.stores.stronger import in_force, stronger

_FRESH = 1.0  # seconds for which the prints in memory count as complete

_Row = tuple[str, str, int, int | None, str]
_COLUMNS = "SELECT address, reason, since, until, note FROM suppressed"


class SqliteSuppression:
    """Implements `relay.model.ports.Suppression`."""

    def __init__(self, database: Database, reading: Database, crew: Crew) -> None:
        self._database = database
        self._reading = reading
        self._crew = crew
        self._prints: Prints | None = None  # None: not loaded yet
        self._last = 0  # seq of the newest row among the prints
        self._looked_at = float("-inf")

    def surely_absent(self, address: Address) -> bool:
        """Say from memory that an address is not listed."""
        return not (self._stale() or self._prints is None) and not self._prints.may_have(
            str(address).lower()
        )

    def _stale(self) -> bool:
        return self._crew.clock.monotonic() - self._looked_at >= _FRESH

    async def suppressed(self, address: Address, now: datetime) -> Suppressed | StoreFault | None:
        """Look one address up."""
        text = str(address).lower()
        if self._prints is None or self._stale():
            # A store that is ill is asked once a second, no more.
            self._looked_at = self._crew.clock.monotonic()
            fault = await self._crew.reader.do(self._reading, self._load)
            if fault is not None:
                return fault
        if self._prints is not None and not self._prints.may_have(text):
            return None
        return await self._crew.reader.do(self._reading, lambda at: _find(at, text, now))

    async def suppress(self, entries: Sequence[Suppressed]) -> StoreFault | None:
        """Add addresses; one already there is replaced."""

        def work(connection: sqlite3.Connection) -> None:
            write(connection, entries)

        fault = await self._crew.writer.do(self._database, work)
        self.look_again()
        return fault

    def look_again(self) -> None:
        """Know that the list has changed: the next question looks at the file first."""
        self._looked_at = float("-inf")

    async def unsuppress(self, addresses: Sequence[str]) -> Sequence[str] | StoreFault:
        """Remove addresses and say which of them were there."""
        wanted = [address.lower() for address in addresses]
        now = self._crew.clock.now()
        number, looked_at = to_number(now), to_number(now - LOOKED_AT)

        def work(connection: sqlite3.Connection) -> list[str]:
            gone = [address for address in wanted if remove(connection, address, number)]
            connection.executemany(
                "INSERT OR IGNORE INTO account_listed"
                " (list, address, reason, updated, seen, removed)"
                " SELECT name, ?1, '', 0, ?2, ?2 FROM account_lists WHERE look_at > ?3",
                [(address, number, looked_at) for address in gone],
            )
            return gone

        return await self._crew.writer.do(self._database, work)

    async def listed(self, after: str, limit: int) -> Sequence[Suppressed] | StoreFault:
        """List by address, from the first beyond `after`."""

        def work(connection: sqlite3.Connection) -> list[Suppressed]:
            found = connection.execute(
                f"{_COLUMNS} WHERE address > ? ORDER BY address LIMIT ?", (after.lower(), limit)
            )
            return [_suppressed(row) for row in found]

        return await self._crew.reader.do(self._reading, work)

    async def open(self) -> StoreFault | None:
        """Load the prints."""
        return await self._crew.reader.do(self._reading, self._load)

    def _load(self, connection: sqlite3.Connection) -> None:
        """Bring the prints up to date; in the reader's thread."""
        newest = connection.execute("SELECT max(seq) FROM suppressed").fetchone()[0] or 0
        prints, last = self._prints, self._last
        if prints is not None and newest <= last:
            return
        if prints is None or prints.crowded:
            prints, last = Prints(), 0
        found = connection.execute(
            "SELECT print FROM suppressed WHERE seq > ? ORDER BY print", (last,)
        )
        prints.add(array("q", (row[0] for row in found)))
        self._prints, self._last = prints, newest


def write(connection: sqlite3.Connection, entries: Sequence[Suppressed]) -> None:
    """Put entries on the list, in the place of those that are there."""
    connection.executemany(
        "DELETE FROM account_listed WHERE address = ? AND removed IS NOT NULL",
        [(entry.address.lower(),) for entry in entries],
    )
    connection.executemany(
        "INSERT OR REPLACE INTO suppressed (address, print, reason, since, until, note)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                entry.address.lower(),
                print_of(entry.address.lower()),
                entry.reason,
                to_number(entry.since),
                None if entry.until is None else to_number(entry.until),
                entry.note,
            )
            for entry in entries
        ],
    )


def remove(connection: sqlite3.Connection, address: str, now: int) -> bool:
    """Take an address off, and remember that of the mirrors; False: it was not on the list."""
    connection.execute(
        "UPDATE account_listed SET removed = ? WHERE address = ? AND removed IS NULL",
        (now, address),
    )
    return bool(connection.execute("DELETE FROM suppressed WHERE address = ?", (address,)).rowcount)


def learn(
    connection: sqlite3.Connection, entries: Iterable[Suppressed], now: datetime
) -> Iterator[Suppressed]:
    """Put on the list what is stronger, and give what was not in force until now."""
    for entry in entries:
        known = look_up(connection, entry.address.lower())
        kept = entry if known is None else stronger(known, entry)
        if kept is not known:
            write(connection, [kept])
        if not in_force(known, now) and in_force(kept, now):
            yield kept


def look_up(connection: sqlite3.Connection, address: str) -> Suppressed | None:
    """Find an entry by the address in lower case, also one that has ended."""
    row = connection.execute(f"{_COLUMNS} WHERE address = ?", (address,)).fetchone()
    return None if row is None else _suppressed(row)


def _find(connection: sqlite3.Connection, address: str, now: datetime) -> Suppressed | None:
    row = connection.execute(
        f"{_COLUMNS} WHERE address = ? AND (until IS NULL OR until > ?)", (address, to_number(now))
    ).fetchone()
    return None if row is None else _suppressed(row)


def _suppressed(row: _Row) -> Suppressed:
    address, reason, since, until, note = row
    return Suppressed(
        address=address,
        reason=reason,
        since=to_time(since),
        until=None if until is None else to_time(until),
        note=note,
    )
