"""The requests that SES took, read back from `history.db` by SES's id.

Errors: `StoreFault` values.
"""

import sqlite3

from relay.model.ports import Sent, StoreFault
from relay.stores.codec import to_time
from relay.stores.plain import from_json
from relay.stores.sent import sent_of
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database


class SqliteSendings:
    """Implements `relay.model.ports.Sendings`."""

    def __init__(self, reading: Database, crew: Crew) -> None:
        self._reading = reading
        self._crew = crew

    async def sent(self, ses_message_id: str) -> Sent | StoreFault | None:
        """Find the request with this id."""
        wanted = ses_message_id.lower().encode(errors="replace").decode()

        def work(connection: sqlite3.Connection) -> Sent | None:
            # A large message has many requests; the id among the facts tells them apart.
            found = connection.execute(
                "SELECT events.at, facts FROM names JOIN events USING (message)"
                " WHERE name = ? AND event = 'message.relayed'"
                " AND json_extract(CAST(facts AS TEXT), '$.ses_message_id') = ?"
                " ORDER BY events.seq LIMIT 1",
                (wanted, ses_message_id.encode(errors="replace").decode()),
            ).fetchone()
            if found is None:
                return None
            facts = from_json(found[1])
            return sent_of(to_time(found[0]), facts) if isinstance(facts, dict) else None

        return await self._crew.reader.do(self._reading, work)
