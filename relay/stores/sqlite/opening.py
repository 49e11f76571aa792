"""Opening a store's folder for the relay, and closing it again.

Errors: `StoreFault` with the operator's sentence where the folder cannot be used.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from relay.model.ports import StoreFault
from relay.stores.sqlite.bodies import Bodies
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database, Role
from relay.stores.sqlite.queue import Shelf, SqliteQueue
from relay.stores.sqlite.schema import QUEUE
from relay.stores.sqlite.slot import Places, Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteStores:
    """One process's stores in a folder: its own slot's queue, and what all slots share."""

    queue: SqliteQueue
    crew: Crew
    slot: Slot
    databases: tuple[Database, ...]

    async def close(self) -> None:
        """Finish what is under way, then give the slot up."""
        await self.queue.close()
        await self.crew.close(self.databases)
        self.slot.release()


async def open_stores(folder: Path, number: int, crew: Crew) -> SqliteStores | StoreFault:
    """Take slot `number` of the folder and open everything; `crew` is closed on a fault."""
    places = Places(folder)
    taken = await crew.aside(partial(Slot.take, places, number, crew.files))
    if isinstance(taken, StoreFault):
        await crew.close(())
        return taken
    bodies = Bodies(places.bodies(number), crew.files)
    database = Database(places.queue(number), QUEUE, crew.files, Role.OWNER)
    reading = Database(places.queue(number), QUEUE, crew.files, Role.READER)
    database.guard = taken
    stores = SqliteStores(
        queue=SqliteQueue(Shelf(database, reading, bodies), crew),
        crew=crew,
        slot=taken,
        databases=(database, reading),
    )
    fault = await crew.aside(partial(_prepare, bodies)) or await stores.queue.open()
    if fault is None:
        return stores
    await stores.close()
    return fault


def _prepare(bodies: Bodies) -> StoreFault | None:
    try:
        bodies.prepare()
    except OSError as error:
        return StoreFault(f"{bodies.folder}: {error.strerror}")
    return None
