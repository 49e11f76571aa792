"""The way in, for a relay and for a command: asyncpg is an extra that most relays run without.

Errors: `StoreFault` with the operator's sentence where the database or the library is missing.
"""

import importlib.util
from typing import TYPE_CHECKING

from relay.model.clock import Clock
from relay.model.ports import StoreFault

if TYPE_CHECKING:
    from relay.stores.postgresql.opening import PostgresStores, Shared

_MISSING = StoreFault(
    "PostgreSQL needs the library asyncpg; install it with pip install 'ses-relay[postgres]'"
)


async def open_postgres(url: str, keep: float, clock: Clock) -> "PostgresStores | StoreFault":
    """Open a database for a relay, as one node of those that share it; the schema is made.

    `keep` is how many seconds the history goes back.
    """
    if importlib.util.find_spec("asyncpg") is None:
        return _MISSING
    from relay.stores.postgresql import opening  # noqa: PLC0415 - see above: it may not be there

    return await opening.open_node(url, keep, clock)


async def open_guest(url: str, clock: Clock) -> "Shared | StoreFault":
    """Open a database for a command, beside the relays that work on it; nothing is made."""
    if importlib.util.find_spec("asyncpg") is None:
        return _MISSING
    from relay.stores.postgresql import opening  # noqa: PLC0415 - likewise

    return await opening.open_guest(url, clock)


async def open_postgres_shared(url: str, keep: float, clock: Clock) -> "Shared | StoreFault":
    """Open a database for a supervisor, whose workers are the nodes; the schema is made."""
    if importlib.util.find_spec("asyncpg") is None:
        return _MISSING
    from relay.stores.postgresql import opening  # noqa: PLC0415 - likewise

    return await opening.open_shared(url, keep, clock)
