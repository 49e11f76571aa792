"""Opening a store's folder: for the relay, which owns a slot of it, and for a command.

Errors: `StoreFault` with the operator's sentence where the folder cannot be used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from relay.model.ports import StoreFault
from relay.stores.sqlite.bodies import Bodies
from relay.stores.sqlite.control import SqliteControl
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database, Role, Sync
from relay.stores.sqlite.history import SqliteHistory
from relay.stores.sqlite.lessons import SqliteLessons
from relay.stores.sqlite.members import SqliteMembers
from relay.stores.sqlite.mirrors import SqliteMirrors
from relay.stores.sqlite.queue import Shelf, SqliteQueue
from relay.stores.sqlite.schema import HISTORY, QUEUE, STATE
from relay.stores.sqlite.senders import SqliteSenders
from relay.stores.sqlite.sendings import SqliteSendings
from relay.stores.sqlite.slot import Places, Slot
from relay.stores.sqlite.state import SqliteHolds, SqliteVerdicts
from relay.stores.sqlite.suppression import SqliteSuppression
from relay.stores.sqlite.tallies import SqliteTallies


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all slots of a folder share, and an operator's hands on all of them."""

    control: SqliteControl
    suppression: SqliteSuppression
    holds: SqliteHolds
    verdicts: SqliteVerdicts
    senders: SqliteSenders
    history: SqliteHistory
    sendings: SqliteSendings
    lessons: SqliteLessons
    tallies: SqliteTallies
    mirrors: SqliteMirrors
    crew: Crew
    databases: Sequence[Database]

    async def close(self) -> None:
        """Finish what is under way, then close the files."""
        await self.crew.close([*self.databases, *self.control.databases()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """One slot's queue, owned by this process."""

    queue: SqliteQueue
    slot: Slot
    databases: Sequence[Database]

    def close(self) -> None:
        """Close the files and give the slot up, once nothing of it is under way any more."""
        for database in self.databases:
            database.close()
        self.slot.release()


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteStores:
    """Everything one relay process keeps, in one folder."""

    queue: SqliteQueue
    members: SqliteMembers
    shared: Shared
    owned: Owned

    async def close(self) -> None:
        """Finish what is under way, then give the slot up."""
        await self.queue.close()
        await self.shared.close()
        self.owned.close()


async def open_sqlite(
    folder: Path, number: int, crew: Crew, keep: float
) -> SqliteStores | StoreFault:
    """Open a folder for the relay as the owner of slot `number`, making both if need be.

    `keep` is how many seconds the history goes back. On a fault everything is closed again.
    """
    shared = await open_shared(folder, crew, keep)
    if isinstance(shared, StoreFault):
        return shared
    owned = await open_slot(folder, number, crew)
    if isinstance(owned, StoreFault):
        await shared.close()
        return owned
    late = Database(Places(folder).state, STATE, crew.files, Role.GUEST, Sync.LATE)
    return SqliteStores(
        queue=owned.queue,
        members=SqliteMembers(late, crew, f"slot-{number}"),
        shared=shared,
        owned=replace(owned, databases=(*owned.databases, late)),
    )


async def open_shared(folder: Path, crew: Crew, keep: float) -> Shared | StoreFault:
    """Open what all slots of a folder share, making it if need be; see `open_sqlite`."""
    fault = await crew.aside(partial(_make, folder, crew))
    shared = fault or await _open_shared(folder, crew, keep, Role.OWNER)
    if isinstance(shared, StoreFault):
        await crew.close(())
        return shared
    fault = await shared.suppression.open()
    if fault is not None:
        await shared.close()
        return fault
    return shared


async def open_guest(folder: Path, crew: Crew) -> Shared | StoreFault:
    """Open a folder for a command, beside the relay that may be running on it; nothing is made."""
    shared = await _open_shared(folder, crew, 0.0, Role.GUEST)
    if isinstance(shared, StoreFault):
        await crew.close(())
    return shared


async def open_slot(folder: Path, number: int, crew: Crew) -> Owned | StoreFault:
    """Become the owner of a slot and open its queue; on a fault it is given up again."""
    places = Places(folder)
    slot = await crew.aside(partial(Slot.take, places, number, crew.files))
    if isinstance(slot, StoreFault):
        return slot
    bodies = Bodies(places.bodies(number), crew.files)
    database = Database(places.queue(number), QUEUE, crew.files, Role.OWNER)
    reading = Database(places.queue(number), QUEUE, crew.files, Role.READER)
    database.guard = slot
    queue = SqliteQueue(Shelf(database, reading, bodies), crew)
    owned = Owned(queue=queue, slot=slot, databases=(database, reading))
    fault = await queue.open() or await crew.aside(partial(_prepare, bodies)) or await queue.sweep()
    if fault is None:
        return owned
    owned.close()
    return fault


async def _open_shared(folder: Path, crew: Crew, keep: float, role: Role) -> Shared | StoreFault:
    places, files = Places(folder), crew.files
    state = Database(places.state, STATE, files, role)
    past = Database(places.history, HISTORY, files, role, Sync.RELAXED)
    fault = await crew.aside(state.open) or await crew.aside(past.open)
    if fault is not None:
        state.close()
        return fault
    reading = Database(places.state, STATE, files, Role.READER)
    # One for each thread that reads it.
    finding = Database(places.history, HISTORY, files, Role.READER)
    browsing = Database(places.state, STATE, files, Role.READER)
    looking = Database(places.history, HISTORY, files, Role.READER)
    suppression = SqliteSuppression(state, reading, crew)
    return Shared(
        control=SqliteControl(places, crew),
        suppression=suppression,
        holds=SqliteHolds(state, reading, crew),
        verdicts=SqliteVerdicts(state, reading, crew),
        senders=SqliteSenders(state, reading, crew),
        history=SqliteHistory(past, looking, crew, keep),
        sendings=SqliteSendings(finding, crew),
        lessons=SqliteLessons(state, reading, suppression, crew),
        tallies=SqliteTallies(state, reading, crew),
        mirrors=SqliteMirrors(state, browsing, suppression, crew),
        crew=crew,
        databases=(state, past, reading, finding, browsing, looking),
    )


def _make(folder: Path, crew: Crew) -> StoreFault | None:
    """Make the folder and what leads to it; their names are durable before any mail is."""
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        crew.files.make_folder(folder)
        for path in missing:
            crew.files.sync_folder(path.parent)
    except OSError as error:
        return StoreFault(f"{folder}: {error.strerror}")
    return None


def _prepare(bodies: Bodies) -> StoreFault | None:
    """Make the names of the slot's files durable, those of the database included."""
    try:
        bodies.prepare()
    except OSError as error:
        return StoreFault(f"{bodies.folder}: {error.strerror}")
    return None
