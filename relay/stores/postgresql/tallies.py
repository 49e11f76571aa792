"""Counts of what was sent and came back, by the time the mail was sent; of all nodes together.

Errors: `StoreFault` values.
"""

from collections.abc import Sequence
from datetime import datetime

from relay.model.ports import StoreFault, Subject, Tally
from relay.stores.codec import to_number, to_time
from relay.stores.postgresql.database import Connection, Database, keepable


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
                "SELECT subject, name, slot, relayed, bounced, complained FROM ses_relay.tallies"
                " WHERE slot >= $1 ORDER BY slot, subject, name",
                start,
            )
            return [
                Tally(
                    subject=Subject(subject),
                    name=name,
                    slot=to_time(slot),
                    relayed=relayed,
                    bounced=bounced,
                    complained=complained,
                )
                for subject, name, slot, relayed, bounced, complained in found
            ]

        return await self._database.ask(work)


async def add(connection: Connection, tallies: Sequence[Tally]) -> None:
    """Add counts within a transaction, in one order, so that no two nodes block each other."""
    rows = [
        (
            to_number(one.slot),
            one.subject.value,
            keepable(one.name),
            one.relayed,
            one.bounced,
            one.complained,
        )
        for one in tallies
    ]
    await connection.executemany(
        "INSERT INTO ses_relay.tallies AS t (slot, subject, name, relayed, bounced, complained)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (slot, subject, name) DO UPDATE SET"
        " relayed = t.relayed + excluded.relayed, bounced = t.bounced + excluded.bounced,"
        " complained = t.complained + excluded.complained",
        sorted(rows),
    )
