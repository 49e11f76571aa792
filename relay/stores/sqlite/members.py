"""Shares of the accounts' rates, in `state.db`, for all processes of a folder.

Leases end by the machine's monotonic clock, which all processes have alike and nobody can set. It
begins anew with the machine: what was written later than now is of its last life.

A commit here promises nothing for a power cut, which would end all members anyway; so a renewal
costs no sync. What others have committed to the file in full stays as safe as it was (SQLite,
"PRAGMA synchronous": NORMAL syncs at checkpoints).

Errors: `StoreFault` values.
"""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from relay.model.ports import Lease, Pool, Renewal, StoreFault
from relay.stores.codec import to_number
from relay.stores.pools import DAY, FORGOTTEN, SLOT, read_seen, read_slowed, write_state
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database

Renewed = Mapping[str, tuple[Pool, Renewal]]


class SqliteMembers:
    """Implements `relay.model.ports.Members`. `database` syncs late."""

    def __init__(self, database: Database, crew: Crew, name: str) -> None:
        self.name = name
        self._database = database
        self._crew = crew

    async def renew(
        self, accounts: Mapping[str, str], decide: Callable[[str, Pool], Renewal]
    ) -> Renewed | StoreFault:
        """Read, decide and write in one transaction."""

        def work(connection: sqlite3.Connection) -> Renewed:
            # Looked at inside: the transaction may have waited for another process.
            now, ticks = to_number(self._crew.clock.now()), self._ticks()
            connection.execute(
                "DELETE FROM members WHERE ends_at <= ? OR renewed_at > ?",
                (ticks - FORGOTTEN, ticks),
            )
            renewed = {}
            for member, account in accounts.items():
                pool = _pool(connection, account, now, ticks)
                renewal = decide(member, pool)
                _write(connection, account, renewal, now, ticks)
                renewed[member] = pool, renewal
            return renewed

        return await self._crew.writer.do(self._database, work)

    async def leave(self, members: Collection[str]) -> StoreFault | None:
        """Give the leases back."""
        return await self._crew.writer.do(self._database, partial(_leave, tuple(members)))

    def _ticks(self) -> int:
        return round(self._crew.clock.monotonic() * 1e6)


def _leave(members: Sequence[str], connection: sqlite3.Connection) -> None:
    connection.executemany("DELETE FROM members WHERE member = ?", [(one,) for one in members])


def _pool(connection: sqlite3.Connection, account: str, now: int, ticks: int) -> Pool:
    leases = connection.execute(
        "SELECT member, bound, floor, want, counted, ends_at FROM members WHERE account = ?",
        (account,),
    )
    [day] = connection.execute(
        "SELECT coalesce(sum(recipients), 0) FROM days WHERE account = ? AND slot > ?",
        (account, now - DAY - SLOT),
    ).fetchone()
    known = connection.execute(
        "SELECT peak, slowed_at, state, seen_at FROM accounts WHERE account = ?", (account,)
    ).fetchone()
    peak, slowed_at, state, seen_at = known or (None, None, None, None)
    return Pool(
        leases=tuple(
            Lease(
                member=member,
                bound=bound,
                floor=floor,
                want=want,
                counted=counted,
                left=(ends_at - ticks) / 1e6,
            )
            for member, bound, floor, want, counted, ends_at in leases
        ),
        day=day,
        slowed=read_slowed(peak, _age(slowed_at, now)),
        seen=read_seen(state, _age(seen_at, now)),
    )


def _age(at: int | None, now: int) -> float | None:
    return None if at is None else (now - at) / 1e6


def _write(
    connection: sqlite3.Connection, account: str, renewal: Renewal, now: int, ticks: int
) -> None:
    lease = renewal.lease
    connection.execute(
        "INSERT OR REPLACE INTO members"
        " (account, member, bound, floor, want, counted, renewed_at, ends_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(account, lease.member, lease.bound, lease.floor, lease.want, lease.counted),
            *(ticks, ticks + round(lease.left * 1e6)),
        ),
    )
    if renewal.sent:
        connection.execute("DELETE FROM days WHERE slot <= ?", (now - DAY - SLOT,))
        connection.execute(
            "INSERT INTO days (account, slot, recipients) VALUES (?, ?, ?)"
            " ON CONFLICT (account, slot)"
            " DO UPDATE SET recipients = recipients + excluded.recipients",
            (account, now // SLOT * SLOT, renewal.sent),
        )
    if renewal.slowed is not None:
        connection.execute(
            "INSERT INTO accounts (account, peak, slowed_at) VALUES (?, ?, ?) ON CONFLICT (account)"
            " DO UPDATE SET peak = excluded.peak, slowed_at = excluded.slowed_at",
            (account, renewal.slowed.peak, now - round(renewal.slowed.age * 1e6)),
        )
    if renewal.seen is not None:
        connection.execute(
            "INSERT INTO accounts (account, state, seen_at) VALUES (?, ?, ?) ON CONFLICT (account)"
            " DO UPDATE SET state = excluded.state, seen_at = excluded.seen_at",
            (account, write_state(renewal.seen.state), now - round(renewal.seen.age * 1e6)),
        )
