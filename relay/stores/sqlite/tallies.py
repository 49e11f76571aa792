"""Counts of what was sent and came back, in `state.db`, by the time the mail was sent.

Errors: `StoreFault` values.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from relay.model.ports import StoreFault, Subject, Tally
from relay.stores.codec import to_number
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database
from relay.stores.tallied import tally_of


class SqliteTallies:
    """Implements `relay.model.ports.Tallies`."""

    def __init__(self, database: Database, reading: Database, crew: Crew) -> None:
        self._database = database
        self._reading = reading
        self._crew = crew

    async def add(self, tallies: Sequence[Tally]) -> StoreFault | None:
        """Add to what was counted so far."""
        return await self._crew.writer.do(self._database, lambda file: add(file, tallies))

    async def tallied(self, since: datetime) -> Sequence[Tally] | StoreFault:
        """Give what was counted from then on, oldest first, and forget what is older."""
        start = to_number(since)

        def forget(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM tallies WHERE slot < ?", (start,))

        def work(connection: sqlite3.Connection) -> list[Tally]:
            found = connection.execute(
                "SELECT subject, name, slot, messages, relayed, bounced, complained, simulated"
                " FROM tallies WHERE slot >= ? ORDER BY slot, subject, name",
                (start,),
            )
            return [tally_of(row) for row in found]

        fault = await self._crew.writer.do(self._database, forget)
        if fault is not None:
            return fault
        return await self._crew.reader.do(self._reading, work)

    async def summed(self, subject: Subject, since: datetime) -> Sequence[Tally] | StoreFault:
        """Sum up each name's slots from that time on."""
        wanted = (subject.value, to_number(since))

        def work(connection: sqlite3.Connection) -> list[Tally]:
            found = connection.execute(
                "SELECT subject, name, min(slot), sum(messages), sum(relayed), sum(bounced),"
                " sum(complained), sum(simulated) FROM tallies WHERE subject = ? AND slot >= ?"
                " GROUP BY name ORDER BY name",
                wanted,
            )
            return [tally_of(row) for row in found]

        return await self._crew.reader.do(self._reading, work)


def add(connection: sqlite3.Connection, tallies: Sequence[Tally]) -> None:
    """Add counts within a transaction."""
    connection.executemany(
        "INSERT INTO tallies"
        " (subject, name, slot, messages, relayed, bounced, complained, simulated)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " messages = messages + excluded.messages, relayed = relayed + excluded.relayed,"
        " bounced = bounced + excluded.bounced, complained = complained + excluded.complained,"
        " simulated = simulated + excluded.simulated",
        [
            (
                one.subject.value,
                one.name,
                to_number(one.slot),
                one.messages,
                one.relayed,
                one.bounced,
                one.complained,
                one.simulated,
            )
            for one in tallies
        ],
    )
