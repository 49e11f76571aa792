"""The suppression list, shared by all nodes.

Nearly every look-up is about an address that is not on the list; that answer comes from memory, so
that a recipient costs no round trip. What another node adds is known within a second.

Errors: `StoreFault` values.
"""

import asyncio
from array import array
from collections.abc import Iterable, Sequence
from datetime import datetime

from relay.model.address import Address
from relay.model.clock import Clock
from relay.model.ports import LOOKED_AT, StoreFault, Suppressed
from relay.stores.codec import to_number, to_time
from relay.stores.postgresql.database import Connection, Database, Row, keepable
from relay.stores.prints import Prints, print_of
from relay.stores.stronger import in_force, stronger

_FRESH = 1.0  # seconds for which the prints in memory count as complete
_LOCK = 0x5345534C  # advisory: changes of the list
_COLUMNS = "SELECT address, reason, since, until, note FROM ses_relay.suppressed"


class PostgresSuppression:
    """Implements `relay.model.ports.Suppression`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._prints: Prints | None = None  # None: not loaded yet
        self._last = 0  # seq of the newest row among the prints
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()

    async def open(self) -> StoreFault | None:
        """Load the prints."""
        return await self._refresh()

    def surely_absent(self, address: Address) -> bool:
        """Say from memory that an address is not listed."""
        fresh = self._clock.monotonic() - self._looked_at < _FRESH
        known = self._prints
        return fresh and known is not None and not known.may_have(_kept(str(address)))

    async def suppressed(self, address: Address, now: datetime) -> Suppressed | StoreFault | None:
        """Look one address up."""
        text = _kept(str(address))
        fault = await self._refresh()
        if fault is not None:
            return fault
        if self._prints is not None and not self._prints.may_have(text):
            return None

        async def work(connection: Connection) -> Suppressed | None:
            found = await look_up(connection, text)
            ended = found is not None and found.until is not None and found.until <= now
            return None if ended else found

        return await self._database.ask(work)

    async def suppress(self, entries: Sequence[Suppressed]) -> StoreFault | None:
        """Add addresses; one already there is replaced."""

        async def work(connection: Connection) -> None:
            await lock(connection)
            await write(connection, entries)

        fault = await self._database.run(work)
        self.look_again()
        return fault

    def look_again(self) -> None:
        """Know that the list has changed: the next question looks first."""
        self._looked_at = float("-inf")

    async def unsuppress(self, addresses: Sequence[str]) -> Sequence[str] | StoreFault:
        """Remove addresses and say which of them were there."""
        wanted = [_kept(address) for address in addresses]

        now = self._clock.now()

        async def work(connection: Connection) -> list[str]:
            await lock(connection)
            gone = await remove(connection, wanted, to_number(now))
            await connection.execute(
                "INSERT INTO ses_relay.account_listed"
                " (list, address, reason, updated, seen, removed)"
                " SELECT name, address, '', 0, $2, $2"
                " FROM ses_relay.account_lists, unnest($1::text[]) AS address"
                " WHERE look_at > $3 ON CONFLICT DO NOTHING",
                sorted(gone),
                to_number(now),
                to_number(now - LOOKED_AT),
            )
            return [address for address in dict.fromkeys(wanted) if address in gone]

        return await self._database.run(work)

    async def listed(self, after: str, limit: int) -> Sequence[Suppressed] | StoreFault:
        """List by address, from the first beyond `after`."""

        async def work(connection: Connection) -> list[Suppressed]:
            found = await connection.fetch(
                f"{_COLUMNS} WHERE address > $1 ORDER BY address LIMIT $2", _kept(after), limit
            )
            return [_suppressed(row) for row in found]

        return await self._database.ask(work)

    async def _refresh(self) -> StoreFault | None:
        """Bring the prints up to date, once a second at most; others wait for who does it."""
        async with self._looking:
            now = self._clock.monotonic()
            if self._prints is not None and now - self._looked_at < _FRESH:
                return None
            self._looked_at = now  # a store that is ill is asked once a second, no more
            prints, last = self._prints, self._last
            if prints is None or prints.crowded:
                prints, last = Prints(), 0

            async def work(connection: Connection) -> Sequence[Row]:
                return await connection.fetch(
                    "SELECT print, seq FROM ses_relay.suppressed WHERE seq > $1 ORDER BY print",
                    last,
                )

            found = await self._database.ask(work)
            if isinstance(found, StoreFault):
                return found
            prints.add(array("q", [row[0] for row in found]))
            self._prints = prints
            self._last = max([last, *(row[1] for row in found)])
            return None


async def lock(connection: Connection) -> None:
    """Change the list one after the other, so that its numbers become visible in their order."""
    await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")


async def write(connection: Connection, entries: Sequence[Suppressed]) -> None:
    """Put entries on the list, in the place of those that are there; after `lock`."""
    await connection.execute(
        "DELETE FROM ses_relay.account_listed WHERE address = ANY($1::text[])"
        " AND removed IS NOT NULL",
        [_kept(entry.address) for entry in entries],
    )
    await connection.executemany(
        "INSERT INTO ses_relay.suppressed (address, print, reason, since, until, note)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (address) DO UPDATE SET"
        " seq = DEFAULT, reason = excluded.reason, since = excluded.since,"
        " until = excluded.until, note = excluded.note",
        [
            (
                _kept(entry.address),
                print_of(_kept(entry.address)),
                keepable(entry.reason),
                to_number(entry.since),
                None if entry.until is None else to_number(entry.until),
                keepable(entry.note),
            )
            for entry in entries
        ],
    )


async def remove(connection: Connection, addresses: Sequence[str], now: int) -> set[str]:
    """Take addresses off, and remember that of the mirrors; gives those that were on the list."""
    await connection.execute(
        "UPDATE ses_relay.account_listed SET removed = $2 WHERE address = ANY($1::text[])"
        " AND removed IS NULL",
        addresses,
        now,
    )
    found = await connection.fetch(
        "DELETE FROM ses_relay.suppressed WHERE address = ANY($1::text[]) RETURNING address",
        addresses,
    )
    return {row[0] for row in found}


async def learn(
    connection: Connection, entries: Iterable[Suppressed], now: datetime
) -> list[Suppressed]:
    """Put on the list what is stronger, and give what was not in force until now; after `lock`."""
    wanted = [(_kept(entry.address), entry) for entry in entries]
    found = await connection.fetch(
        f"{_COLUMNS} WHERE address = ANY($1::text[])", [address for address, _ in wanted]
    )
    known = {row[0]: _suppressed(row) for row in found}
    news: list[Suppressed] = []
    changed: dict[str, Suppressed] = {}
    for address, entry in wanted:
        before = known.get(address)
        kept = entry if before is None else stronger(before, entry)
        if kept is not before:
            known[address] = changed[address] = kept
        if not in_force(before, now) and in_force(kept, now):
            news.append(kept)
    if changed:
        await write(connection, list(changed.values()))
    return news


async def look_up(connection: Connection, address: str) -> Suppressed | None:
    """Find an entry, also one that has ended."""
    row = await connection.fetchrow(f"{_COLUMNS} WHERE address = $1", _kept(address))
    return None if row is None else _suppressed(row)


def _kept(address: str) -> str:
    return keepable(address.lower())


def _suppressed(row: Row) -> Suppressed:
    address, reason, since, until, note = row
    return Suppressed(
        address=address,
        reason=reason,
        since=to_time(since),
        until=None if until is None else to_time(until),
        note=note,
    )
