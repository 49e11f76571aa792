"""The requests that SES took, read back from the history by SES's id.

Errors: `StoreFault` values.
"""

from relay.model.ports import Sent, StoreFault
from relay.stores.codec import to_time
from relay.stores.names import name_of
from relay.stores.plain import from_json
from relay.stores.postgresql.database import Connection, Database, keepable
from relay.stores.sent import sent_of


class PostgresSendings:
    """Implements `relay.model.ports.Sendings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sent(self, ses_message_id: str) -> Sent | StoreFault | None:
        """Find the request with this id."""
        wanted = keepable(name_of(ses_message_id))

        async def work(connection: Connection) -> Sent | None:
            found = await connection.fetch(
                "SELECT e.at, e.facts FROM ses_relay.names n JOIN ses_relay.events e"
                " USING (message) WHERE n.name = $1 AND e.event = 'message.relayed' ORDER BY e.seq",
                wanted,
            )
            # A large message has many requests; the id among the facts tells them apart.
            for at, octets in found:
                facts = from_json(octets)
                if isinstance(facts, dict) and facts.get("ses_message_id") == ses_message_id:
                    return sent_of(to_time(at), facts)
            return None

        return await self._database.ask(work)
