"""Senders that SES has taken mail from, shared by all nodes.

Errors: `StoreFault` values.
"""

from collections.abc import Sequence
from datetime import datetime

from relay.model.ports import SENDERS_KEPT, StoreFault
from relay.stores.codec import to_number
from relay.stores.postgresql.database import Connection, Database


class PostgresSenders:
    """Implements `relay.model.ports.Senders`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember(
        self, account: str, names: Sequence[str], now: datetime
    ) -> StoreFault | None:
        """Write down who has sent, and forget who has not for long."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "DELETE FROM ses_relay.senders WHERE at < $1", to_number(now - SENDERS_KEPT)
            )
            # In one order in all nodes, so that none waits for another in a circle.
            await connection.execute(
                "INSERT INTO ses_relay.senders (account, name, at)"
                " SELECT $1, name, $3 FROM unnest($2::text[]) AS n(name) ORDER BY name"
                " ON CONFLICT (account, name) DO UPDATE SET at = excluded.at",
                account,
                list(names),
                to_number(now),
            )

        return await self._database.ask(work)

    async def remembered(self, account: str, names: Sequence[str]) -> frozenset[str] | StoreFault:
        """Say who of them has sent."""

        async def work(connection: Connection) -> frozenset[str]:
            found = await connection.fetch(
                "SELECT name FROM ses_relay.senders WHERE account = $1 AND name = ANY($2::text[])",
                account,
                list(names),
            )
            return frozenset(row[0] for row in found)

        return await self._database.ask(work)
