"""Counts of what was sent and came back, by the time the mail was sent; of all nodes together.

Errors: `StoreFault` values.
"""

from collections.abc import Sequence
from datetime import datetime

from relay.model.ports import StoreFault, Subject, Tally
from relay.stores.codec import to_number
from relay.stores.postgresql.database import Connection, Database, keepable
from relay.stores.tallied import tally_of


class PostgresTallies:
    """Implements `relay.model.ports.Tallies`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tallies: Sequence[Tally]) -> StoreFault | None:
        """Add to what was counted so far."""

        async def work(connection: Connection) -> None:
            await add(connection, tallies)

        return await self._database.run(work)

    async def tallied(self, since: datetime) -> Sequence[Tally] | StoreFault:
        """Give what was counted from then on, oldest first, and forget what is older."""
        start = to_number(since)

        async def work(connection: Connection) -> list[Tally]:
            await connection.execute("DELETE FROM ses_relay.tallies WHERE slot < $1", start)
            found = await connection.fetch(
                "SELECT subject, name, slot, messages, relayed, bounced, complained, simulated"
                " FROM ses_relay.tallies WHERE slot >= $1 ORDER BY slot, subject, name",
                start,
            )
            return [tally_of(row) for row in found]

        return await self._database.ask(work)

    async def summed(self, subject: Subject, since: datetime) -> Sequence[Tally] | StoreFault:
        """Sum up each name's slots from that time on."""

        async def work(connection: Connection) -> list[Tally]:
            found = await connection.fetch(
                # A sum of bigint is numeric, which would come back as a Decimal. The order is
                # SQLite's, whatever the database's locale.
                "SELECT subject, name, min(slot), sum(messages)::bigint, sum(relayed)::bigint,"
                " sum(bounced)::bigint, sum(complained)::bigint, sum(simulated)::bigint"
                " FROM ses_relay.tallies WHERE subject = $1 AND slot >= $2 GROUP BY subject, name"
                ' ORDER BY name COLLATE "C"',
                subject.value,
                to_number(since),
            )
            return [tally_of(row) for row in found]

        return await self._database.ask(work)


async def add(connection: Connection, tallies: Sequence[Tally]) -> None:
    """Add counts within a transaction, in one order, so that no two nodes block each other."""
    rows = [
        (
            to_number(one.slot),
            one.subject.value,
            keepable(one.name),
            one.messages,
            one.relayed,
            one.bounced,
            one.complained,
            one.simulated,
        )
        for one in tallies
    ]
    await connection.executemany(
        "INSERT INTO ses_relay.tallies AS t"
        " (slot, subject, name, messages, relayed, bounced, complained, simulated)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (slot, subject, name) DO UPDATE SET"
        " messages = t.messages + excluded.messages, relayed = t.relayed + excluded.relayed,"
        " bounced = t.bounced + excluded.bounced,"
        " complained = t.complained + excluded.complained,"
        " simulated = t.simulated + excluded.simulated",
        sorted(rows),
    )
