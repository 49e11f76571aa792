"""Mirrors of the SES accounts' suppression lists, shared by all nodes.

Errors: `StoreFault` values.
"""

from collections.abc import Sequence
from datetime import datetime

from relay.model.clock import Clock
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
from relay.stores.postgresql.database import Connection, Database, Row, keepable
from relay.stores.postgresql.suppression import PostgresSuppression, learn, lock, remove

_SETTLES = to_number(to_time(0) + SETTLES)
_SKEW = to_number(to_time(0) + SKEW)


class PostgresMirrors:
    """Implements `relay.model.ports.Mirrors`."""

    def __init__(self, database: Database, suppression: PostgresSuppression, clock: Clock) -> None:
        self._database = database
        self._suppression = suppression
        self._clock = clock

    async def take_turn(
        self, name: str, now: datetime, until: datetime
    ) -> ListStanding | StoreFault | None:
        """Begin to work on a list, unless some node does."""

        async def work(connection: Connection) -> ListStanding | None:
            row = await connection.fetchrow(
                "INSERT INTO ses_relay.account_lists AS known (name, look_at) VALUES ($1, $2)"
                " ON CONFLICT (name) DO UPDATE SET look_at = $2 WHERE known.look_at <= $3"
                " RETURNING read_at, whole_at, pages, put_upto",
                name,
                to_number(until),
                to_number(now),
            )
            return None if row is None else _standing(row)

        return await self._database.ask(work)

    async def keep_turn(self, name: str, until: datetime) -> ListStanding | StoreFault:
        """Keep the others off until then."""

        async def work(connection: Connection) -> ListStanding:
            [row] = await connection.fetch(
                "INSERT INTO ses_relay.account_lists (name, look_at) VALUES ($1, $2)"
                " ON CONFLICT (name) DO UPDATE SET look_at = $2"
                " RETURNING read_at, whole_at, pages, put_upto",
                name,
                to_number(until),
            )
            return _standing(row)

        return await self._database.ask(work)

    async def stand(self, name: str, standing: ListStanding) -> StoreFault | None:
        """Write down how far the list is known."""
        read, whole = standing.read_at, standing.whole_at

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE ses_relay.account_lists SET read_at = $2, whole_at = $3, pages = $4,"
                " put_upto = $5 WHERE name = $1",
                name,
                None if read is None else to_number(read),
                None if whole is None else to_number(whole),
                standing.pages,
                standing.put_upto,
            )

        return await self._database.ask(work)

    async def take_over(
        self, name: str, listed: Sequence[Listed], begun: datetime
    ) -> Sequence[Suppressed] | StoreFault:
        """Mirror a part of the list, and put on ours what is news."""
        now = self._clock.now()
        by_address = {_kept(one.address): one for one in listed}

        async def work(connection: Connection) -> list[Suppressed]:
            await lock(connection)
            news = await _mirror(connection, name, by_address, to_number(begun))
            return await learn(connection, [entry_of(name, by_address[one]) for one in news], now)

        added = await self._database.run(work)
        if added and not isinstance(added, StoreFault):
            self._suppression.look_again()
        return added

    async def counts(self, name: str, begun: datetime) -> ListCounts | StoreFault:
        """Count what is mirrored, and what of it a whole reading did not show."""

        async def work(connection: Connection) -> ListCounts:
            [row] = await connection.fetch(
                "SELECT count(*), count(*) FILTER"
                " (WHERE seen < $2 AND (written IS NULL OR written < $3))"
                " FROM ses_relay.account_listed WHERE list = $1 AND removed IS NULL",
                name,
                to_number(begun),
                to_number(begun - SETTLES),
            )
            return ListCounts(known=row[0], absent=row[1])

        return await self._database.ask(work)

    async def absent(
        self, name: str, begun: datetime, after: str, limit: int
    ) -> Sequence[str] | StoreFault:
        """List what a whole reading did not show."""

        async def work(connection: Connection) -> list[str]:
            found = await connection.fetch(
                "SELECT address FROM ses_relay.account_listed WHERE list = $1 AND removed IS NULL"
                " AND seen < $2 AND (written IS NULL OR written < $3) AND address > $4"
                " ORDER BY address LIMIT $5",
                name,
                to_number(begun),
                to_number(begun - SETTLES),
                after,
                limit,
            )
            return [row[0] for row in found]

        return await self._database.ask(work)

    async def drop(
        self, name: str, addresses: Sequence[str], begun: datetime, *, ours_too: bool
    ) -> Sequence[str] | StoreFault:
        """Mirror that addresses are off a list, and take off ours what was there for its sake."""
        now = to_number(self._clock.now())

        async def work(connection: Connection) -> list[str]:
            await lock(connection)
            off = await connection.fetch(
                "DELETE FROM ses_relay.account_listed WHERE list = $1"
                " AND address = ANY($2::text[]) AND removed IS NULL AND seen < $3"
                " RETURNING address",
                name,
                [_kept(address) for address in addresses],
                to_number(begun),
            )
            goes = await connection.fetch(
                "SELECT address FROM ses_relay.suppressed AS ours"
                " WHERE address = ANY($1::text[]) AND CASE WHEN reason = $2 THEN NOT EXISTS"
                " (SELECT 1 FROM ses_relay.account_listed AS there"
                " WHERE there.address = ours.address AND removed IS NULL) ELSE $3 END"
                " ORDER BY address",
                [row[0] for row in off],
                FROM_ACCOUNT,
                ours_too,
            )
            gone = [row[0] for row in goes]
            await remove(connection, gone, now)
            return gone

        return await self._database.run(work)

    async def forget(self, name: str, begun: datetime) -> StoreFault | None:
        """Let go what was taken off here and is not there any more."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "DELETE FROM ses_relay.account_listed WHERE list = $1 AND removed IS NOT NULL"
                " AND seen < $2 AND (written IS NULL OR written < $3)",
                name,
                to_number(begun),
                to_number(begun - SETTLES),
            )

        return await self._database.ask(work)

    async def to_put(self, name: str, after: int, limit: int) -> Owed | StoreFault:
        """Look at the next changes of our list."""

        async def work(connection: Connection) -> Owed:
            found = await connection.fetch(
                "SELECT ours.seq, ours.address, ours.reason, ours.since, ours.note,"
                " ours.until IS NULL AND ours.reason <> $4 AND there.address IS NULL"
                " FROM (SELECT * FROM ses_relay.suppressed WHERE seq > $2 ORDER BY seq LIMIT $3)"
                " AS ours LEFT JOIN ses_relay.account_listed AS there"
                " ON there.list = $1 AND there.address = ours.address ORDER BY ours.seq",
                name,
                after,
                limit,
                FROM_ACCOUNT,
            )
            return Owed(
                entries=tuple(
                    Suppressed(address=address, reason=reason, since=to_time(since), note=note)
                    for _, address, reason, since, note, lacking in found
                    if lacking
                ),
                upto=found[-1][0] if found else None,
            )

        return await self._database.ask(work)

    async def to_delete(self, name: str, limit: int) -> Sequence[str] | StoreFault:
        """List what was taken off here and is still there."""

        async def work(connection: Connection) -> list[str]:
            found = await connection.fetch(
                "SELECT address FROM ses_relay.account_listed WHERE list = $1"
                " AND removed IS NOT NULL AND updated > 0"
                " AND (written IS NULL OR written < removed OR seen > written + $3)"
                " ORDER BY removed LIMIT $2",
                name,
                limit,
                _SETTLES,
            )
            return [row[0] for row in found]

        return await self._database.ask(work)

    async def written(
        self, name: str, address: str, reason: ListedReason | None, at: datetime
    ) -> StoreFault | None:
        """Mirror what we put there, or took off."""

        async def work(connection: Connection) -> None:
            if reason is None:
                await connection.execute(
                    "UPDATE ses_relay.account_listed SET written = $3"
                    " WHERE list = $1 AND address = $2",
                    name,
                    _kept(address),
                    to_number(at),
                )
            else:
                await connection.execute(
                    "INSERT INTO ses_relay.account_listed"
                    " (list, address, reason, updated, seen, written)"
                    " VALUES ($1, $2, $3, $4, $4, $4) ON CONFLICT (list, address) DO UPDATE SET"
                    " reason = $3, updated = $4, seen = $4, removed = NULL, written = $4",
                    name,
                    _kept(address),
                    reason.value,
                    to_number(at),
                )

        return await self._database.ask(work)

    async def holders(self, addresses: Sequence[str]) -> Sequence[tuple[str, str]] | StoreFault:
        """Give each address that is on lists, with each list's name."""

        async def work(connection: Connection) -> list[tuple[str, str]]:
            found = await connection.fetch(
                "SELECT address, list FROM ses_relay.account_listed"
                " WHERE address = ANY($1::text[]) AND updated > 0 ORDER BY address, list",
                [_kept(address) for address in addresses],
            )
            return [(row[0], row[1]) for row in found]

        return await self._database.ask(work)


async def _mirror(
    connection: Connection, name: str, listed: dict[str, Listed], begun: int
) -> list[str]:
    """Bring a part of the mirror up to date, and give what is news."""
    found = await connection.fetch(
        "SELECT address, removed FROM ses_relay.account_listed"
        " WHERE list = $1 AND address = ANY($2::text[])",
        name,
        list(listed),
    )
    known = {row[0]: row[1] for row in found}
    news, rows = [], []
    for address, one in listed.items():
        updated, removed = to_number(one.updated), known.get(address)
        lifted = removed is not None and removed + _SKEW < updated
        if address not in known or lifted:
            news.append(address)
        removed = None if lifted else removed
        rows.append((name, address, one.reason.value, updated, begun, removed))
    await connection.executemany(
        "INSERT INTO ses_relay.account_listed AS known"
        " (list, address, reason, updated, seen, removed) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (list, address) DO UPDATE SET reason = $3, updated = $4,"
        " seen = greatest(known.seen, $5), removed = $6",
        rows,
    )
    return news


def _standing(row: Row) -> ListStanding:
    read, whole, pages, put_upto = row
    return ListStanding(
        read_at=None if read is None else to_time(read),
        whole_at=None if whole is None else to_time(whole),
        pages=pages,
        put_upto=put_upto,
    )


def _kept(address: str) -> str:
    return keepable(address.lower())
