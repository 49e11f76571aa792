"""Senders that SES has taken mail from, in `state.db`.

Errors: `StoreFault` values.
"""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from relay.model.ports import SENDERS_KEPT, StoreFault
from relay.stores.codec import to_number
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database


class SqliteSenders:
    """Implements `relay.model.ports.Senders`."""

    def __init__(self, database: Database, reading: Database, crew: Crew) -> None:
        self._database = database
        self._reading = reading
        self._crew = crew

    async def remember(
        self, account: str, names: Sequence[str], now: datetime
    ) -> StoreFault | None:
        """Write down who has sent, and forget who has not for long."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM senders WHERE at < ?", (to_number(now - SENDERS_KEPT),))
            connection.executemany(
                "INSERT OR REPLACE INTO senders (account, name, at) VALUES (?, ?, ?)",
                [(account, name, to_number(now)) for name in names],
            )

        return await self._crew.writer.do(self._database, work)

    async def remembered(self, account: str, names: Sequence[str]) -> frozenset[str] | StoreFault:
        """Say who of them has sent."""

        def work(connection: sqlite3.Connection) -> frozenset[str]:
            found = connection.execute(
                "SELECT name FROM senders WHERE account = ?"
                " AND name IN (SELECT value FROM json_each(?))",
                (account, json.dumps(list(names))),
            )
            return frozenset(name for (name,) in found)

        return await self._crew.reader.do(self._reading, work)
