"""Opening a database: for a relay, which becomes one of its nodes, and for a command.

Errors: `StoreFault` with the operator's sentence where the database cannot be used.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.model.clock import Clock
from relay.model.ports import StoreFault
from relay.stores.postgresql import schema
from relay.stores.postgresql.control import PostgresControl
from relay.stores.postgresql.database import Connection, Database
from relay.stores.postgresql.history import PostgresHistory
from relay.stores.postgresql.lessons import PostgresLessons
from relay.stores.postgresql.members import PostgresMembers
from relay.stores.postgresql.mirrors import PostgresMirrors
from relay.stores.postgresql.node import Node
from relay.stores.postgresql.queue import PostgresQueue
from relay.stores.postgresql.senders import PostgresSenders
from relay.stores.postgresql.sendings import PostgresSendings
from relay.stores.postgresql.state import PostgresHolds, PostgresVerdicts
from relay.stores.postgresql.suppression import PostgresSuppression
from relay.stores.postgresql.tallies import PostgresTallies

if TYPE_CHECKING:
    import asyncpg


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all nodes share, and an operator's hands on it."""

    control: PostgresControl
    suppression: PostgresSuppression
    holds: PostgresHolds
    verdicts: PostgresVerdicts
    senders: PostgresSenders
    history: PostgresHistory
    sendings: PostgresSendings
    lessons: PostgresLessons
    tallies: PostgresTallies
    mirrors: PostgresMirrors
    database: Database

    async def close(self) -> None:
        """Write the last notes, then close the connections."""
        await self.history.close()
        await self.database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStores:
    """Everything one relay process keeps, as one node of those that share a database."""

    queue: PostgresQueue
    members: PostgresMembers
    shared: Shared
    node: Node

    async def close(self) -> None:
        """Finish what is under way, then give the name up."""
        await self.queue.close()
        await self.shared.history.close()
        await self.node.close()
        await self.shared.database.close()


async def open_node(url: str, keep: float, clock: Clock) -> PostgresStores | StoreFault:
    """Become a node of a database, bringing its schema up to date; see `extra.open_postgres`."""
    database = Database(url)
    connection = await _connected(database, make=True)
    if isinstance(connection, StoreFault):
        return connection
    node = Node(database)
    stores = PostgresStores(
        queue=PostgresQueue(database, node, clock),
        members=PostgresMembers(database, node),
        shared=_shared(database, keep, clock),
        node=node,
    )
    fault = (
        await database.guarded(lambda: node.open(connection))
        or await stores.queue.look()
        or await stores.shared.suppression.open()
    )
    if fault is not None:
        connection.terminate()
        await stores.close()
        return fault
    return stores


async def open_guest(url: str, clock: Clock) -> Shared | StoreFault:
    """Open a database that a relay has made; see `extra.open_guest`."""
    database = Database(url)
    connection = await _connected(database, make=False)
    if isinstance(connection, StoreFault):
        return connection
    connection.terminate()
    return _shared(database, 0.0, clock)


async def open_shared(url: str, keep: float, clock: Clock) -> Shared | StoreFault:
    """Open a database for who has no node of it, making the schema; see `extra`."""
    database = Database(url)
    connection = await _connected(database, make=True)
    if isinstance(connection, StoreFault):
        return connection
    connection.terminate()
    shared = _shared(database, keep, clock)
    fault = await shared.suppression.open()
    if fault is not None:
        await shared.close()
        return fault
    return shared


async def _connected(database: Database, *, make: bool) -> "asyncpg.Connection | StoreFault":
    """Connect, and see to it that the schema is one that this relay can work with."""
    connection = await database.connect()
    if isinstance(connection, StoreFault):
        return connection

    async def fit(_: Connection) -> None:
        async with connection.transaction():
            await (schema.migrate if make else schema.require)(connection)

    try:
        return await database.settled(connection, fit)
    except schema.UnfitError as error:
        return StoreFault(str(error))


def _shared(database: Database, keep: float, clock: Clock) -> Shared:
    suppression = PostgresSuppression(database, clock)
    return Shared(
        control=PostgresControl(database, clock),
        suppression=suppression,
        holds=PostgresHolds(database),
        verdicts=PostgresVerdicts(database, clock),
        senders=PostgresSenders(database),
        history=PostgresHistory(database, keep),
        sendings=PostgresSendings(database),
        lessons=PostgresLessons(database, suppression),
        tallies=PostgresTallies(database),
        mirrors=PostgresMirrors(database, suppression, clock),
        database=database,
    )
