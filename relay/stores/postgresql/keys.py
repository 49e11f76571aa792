"""The numbers under which the database knows keys. They never change, so each is asked for once.

Errors: `StoreFault` values.
"""

from collections.abc import Collection, Mapping

from relay.model.ports import QueueKey, StoreFault
from relay.stores.postgresql.database import Connection, Database

_FIND = (
    'SELECT k.key, k.route, k.lane, k."user" FROM ses_relay.keys k'
    ' JOIN unnest($1::text[], $2::text[], $3::text[]) AS s(route, lane, "user")'
    ' USING (route, lane, "user")'
)
_MAKE = (
    'INSERT INTO ses_relay.keys (route, lane, "user")'
    " SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING"
)


class Keys:
    """Looks keys up, and makes those that are new."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers: dict[tuple[str, str, str], int] = {}

    async def found(self, keys: Collection[QueueKey]) -> Mapping[QueueKey, int] | StoreFault:
        """Give the numbers of the keys that anything was ever kept under."""
        fault = await self._learn(keys, make=False)
        return fault or {
            key: self._numbers[_row(key)] for key in keys if _row(key) in self._numbers
        }

    async def made(self, keys: Collection[QueueKey]) -> Mapping[QueueKey, int] | StoreFault:
        """Give the numbers of all the keys; new ones are committed before anything uses them."""
        fault = await self._learn(keys, make=True)
        return fault or {key: self._numbers[_row(key)] for key in keys}

    async def _learn(self, keys: Collection[QueueKey], *, make: bool) -> StoreFault | None:
        rows = {_row(key) for key in keys} - self._numbers.keys()
        if not rows:
            return None
        columns = [list(column) for column in zip(*sorted(rows), strict=True)]

        async def work(connection: Connection) -> None:
            if make:
                await connection.execute(_MAKE, *columns)
            for number, route, lane, user in await connection.fetch(_FIND, *columns):
                self._numbers[route, lane, user] = number

        return await self._database.ask(work)


def _row(key: QueueKey) -> tuple[str, str, str]:
    return key.route, key.lane.value, key.user
