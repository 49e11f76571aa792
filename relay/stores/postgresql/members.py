"""Shares of the accounts' rates, for all nodes of a database. Times are the server's.

All renewals take turns by one advisory lock, so that each sees what the last one wrote. They take
a few round trips each; how often a member renews is its own affair, and less the more there are.

Errors: `StoreFault` values.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from relay.model.ports import Lease, Pool, Renewal, StoreFault
from relay.stores.pools import DAY, FORGOTTEN, SLOT, read_seen, read_slowed, write_state
from relay.stores.postgresql.database import Connection, Database, Row
from relay.stores.postgresql.node import Node

_LOCK = 0x53455252  # advisory: renewals

Renewed = Mapping[str, tuple[Pool, Renewal]]


class PostgresMembers:
    """Implements `relay.model.ports.Members`."""

    def __init__(self, database: Database, node: Node) -> None:
        self._database = database
        self._node = node

    @property
    def name(self) -> str:
        """The node's own, which is held by a lock."""
        return self._node.name

    async def renew(
        self, accounts: Mapping[str, str], decide: Callable[[str, Pool], Renewal]
    ) -> Renewed | StoreFault:
        """Read, decide and write in one transaction."""

        async def work(connection: Connection) -> Renewed:
            await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
            pools = await _pools(connection, sorted(set(accounts.values())))
            renewed = {}
            for member, account in accounts.items():
                pool = pools[account]
                renewal = decide(member, pool)
                pools[account] = pool.after(renewal)
                renewed[member] = pool, renewal
            await _write(connection, [(accounts[one], made[1]) for one, made in renewed.items()])
            return renewed

        return await self._database.run(work)

    async def leave(self, members: Collection[str]) -> StoreFault | None:
        """Give the leases back."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "DELETE FROM ses_relay.members WHERE member = ANY($1)", list(members)
            )

        return await self._database.ask(work)


async def _pools(connection: Connection, accounts: list[str]) -> dict[str, Pool]:
    leases = await connection.fetch(
        "SELECT account, member, bound, floor, want, counted,"
        " (ends_at - ses_relay.clock()) / 1e6::float8 FROM ses_relay.members"
        " WHERE account = ANY($1) AND ends_at > ses_relay.clock() - $2",
        accounts,
        FORGOTTEN,
    )
    known = await connection.fetch(
        "SELECT r.account, (SELECT coalesce(sum(d.recipients), 0)::bigint FROM ses_relay.days d"
        " WHERE d.account = r.account AND d.slot > ses_relay.clock() - $2), a.peak,"
        " (ses_relay.clock() - a.slowed_at) / 1e6::float8, a.state,"
        " (ses_relay.clock() - a.seen_at) / 1e6::float8"
        " FROM unnest($1::text[]) AS r(account) LEFT JOIN ses_relay.accounts a USING (account)",
        accounts,
        DAY + SLOT,
    )
    return {
        account: Pool(
            leases=tuple(_lease(row) for row in leases if row[0] == account),
            day=day,
            slowed=read_slowed(peak, slowed_ago),
            seen=read_seen(state, seen_ago),
        )
        for account, day, peak, slowed_ago, state, seen_ago in known
    }


def _lease(row: Row) -> Lease:
    _, member, bound, floor, want, counted, left = row
    return Lease(member=member, bound=bound, floor=floor, want=want, counted=counted, left=left)


async def _write(connection: Connection, renewals: Sequence[tuple[str, Renewal]]) -> None:
    rows = [
        (account, lease.member, lease.bound, lease.floor, lease.want, lease.counted, lease.left)
        for account, lease in ((account, renewal.lease) for account, renewal in renewals)
    ]
    await connection.execute(
        "INSERT INTO ses_relay.members"
        " SELECT account, member, bound, floor, want, counted,"
        " ses_relay.clock() + (lives * 1000000)::bigint"
        " FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::float8[],"
        " $6::bigint[], $7::float8[]) AS s(account, member, bound, floor, want, counted, lives)"
        " ON CONFLICT (account, member) DO UPDATE SET bound = excluded.bound,"
        " floor = excluded.floor, want = excluded.want, counted = excluded.counted,"
        " ends_at = excluded.ends_at",
        *(list(column) for column in zip(*rows, strict=True)),
    )
    for account, renewal in renewals:
        if renewal.sent:
            await _add(connection, account, renewal.sent)
        if renewal.slowed is not None:
            await connection.execute(
                "INSERT INTO ses_relay.accounts (account, peak, slowed_at)"
                " VALUES ($1, $2, ses_relay.clock() - $3) ON CONFLICT (account)"
                " DO UPDATE SET peak = excluded.peak, slowed_at = excluded.slowed_at",
                account,
                renewal.slowed.peak,
                round(renewal.slowed.age * 1e6),
            )
        if renewal.seen is not None:
            await connection.execute(
                "INSERT INTO ses_relay.accounts (account, state, seen_at)"
                " VALUES ($1, $2, ses_relay.clock() - $3) ON CONFLICT (account)"
                " DO UPDATE SET state = excluded.state, seen_at = excluded.seen_at",
                account,
                write_state(renewal.seen.state),
                round(renewal.seen.age * 1e6),
            )


async def _add(connection: Connection, account: str, recipients: int) -> None:
    """Add to the day; a new slot is when what is too old is thrown away."""
    added = await connection.fetch(
        "INSERT INTO ses_relay.days (account, slot, recipients)"
        " VALUES ($1, ses_relay.clock() / $3 * $3, $2) ON CONFLICT (account, slot)"
        " DO UPDATE SET recipients = ses_relay.days.recipients + excluded.recipients"
        " RETURNING recipients = $2",
        account,
        recipients,
        SLOT,
    )
    if added[0][0]:
        await connection.execute(
            "DELETE FROM ses_relay.days WHERE slot <= ses_relay.clock() - $1", DAY + SLOT
        )
        await connection.execute(
            "DELETE FROM ses_relay.members WHERE ends_at <= ses_relay.clock() - $1", FORGOTTEN
        )
