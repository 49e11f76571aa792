"""The stores of one process, as the configuration wants them.

Errors: `Unusable` with the store's own sentence when it cannot be opened.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, assert_never

from relay.model.clock import Clock
from relay.model.ports import (
    History,
    Holds,
    Lessons,
    Members,
    Mirrors,
    Queue,
    QueueControl,
    Senders,
    Sendings,
    StoreFault,
    Suppression,
    Tallies,
    Trace,
    Verdicts,
)
from relay.model.settings import NoStore, PostgresStore, SqliteStore, Store
from relay.service.seat import Seat
from relay.service.snapshot import Unusable
from relay.stores.none import (
    NoControl,
    NoHistory,
    NoHolds,
    NoLessons,
    NoQueue,
    NoSenders,
    NoSendings,
    NoSuppression,
    NoTallies,
    NoVerdicts,
)
from relay.stores.postgresql.extra import open_postgres, open_postgres_shared
from relay.stores.shared import Shared
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_shared, open_sqlite
from relay.stores.sqlite.slot import Places
from relay.stores.sqlite.slots import SqliteSlots

T = TypeVar("T")

_ALONE = Seat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Everything that remembers."""

    keeps: bool  # False: `store: none`, the relay never takes responsibility
    queue: Queue
    control: QueueControl
    holds: Holds
    suppression: Suppression
    verdicts: Verdicts
    senders: Senders
    history: History
    trace: Trace
    sendings: Sendings
    lessons: Lessons
    tallies: Tallies
    members: Members | None = None  # None: nobody here has a part of the rates
    mirrors: Mirrors | None = None  # None: there is no suppression list here
    folder: Path | None = None  # on this machine's disk, where there is one
    slots: SqliteSlots | None = None  # where each worker has a part of the store
    faults: Sequence[StoreFault] = ()  # slots without a worker that could not be taken in


@asynccontextmanager
async def opened(
    store: Store, history: float, clock: Clock, seat: Seat = _ALONE
) -> AsyncIterator[Stores]:
    """Open the stores of a configuration for one worker, and close them in the end.

    `history` is how many seconds of it are kept.
    """
    match store:
        case NoStore():
            yield _NOTHING
        case SqliteStore(folder=folder):
            crew = Crew.threads(Files(), clock)
            stores = _sound(await open_sqlite(folder, seat.number, crew, history))
            slots = SqliteSlots(stores.queue, Places(folder), crew)
            try:
                left_over = seat.share(slots.beyond(seat.workers))
                adopted = [await slots.adopt(number) for number in left_over]
                yield replace(
                    _stores(slots, stores.shared),
                    members=stores.members,
                    folder=folder,
                    slots=slots,
                    faults=[fault for fault in adopted if fault is not None],
                )
            finally:
                await slots.close()
                await stores.close()
                slots.release()
        case PostgresStore(url=url):
            node = _sound(await open_postgres(url.reveal(), history, clock))
            try:
                yield replace(_stores(node.queue, node.shared), members=node.members)
            finally:
                await node.close()
        case _:
            assert_never(store)


@asynccontextmanager
async def opened_beside(store: Store, history: float, clock: Clock) -> AsyncIterator[Stores]:
    """Open the stores for a process that has workers, and no part of the queue itself."""
    shared: Shared
    match store:
        case NoStore():
            yield _NOTHING
            return
        case SqliteStore(folder=folder):
            crew = Crew.threads(Files(), clock)
            shared = _sound(await open_shared(folder, crew, history))
        case PostgresStore(url=url):
            shared = _sound(await open_postgres_shared(url.reveal(), history, clock))
        case _:
            assert_never(store)
    try:
        yield _stores(NoQueue(), shared)
    finally:
        await shared.close()


_NOTHING = Stores(
    keeps=False,
    queue=NoQueue(),
    control=NoControl(),
    holds=NoHolds(),
    suppression=NoSuppression(),
    verdicts=NoVerdicts(),
    senders=NoSenders(),
    history=NoHistory(),
    trace=NoHistory(),
    sendings=NoSendings(),
    lessons=NoLessons(),
    tallies=NoTallies(),
)


def _stores(queue: Queue, shared: Shared) -> Stores:
    return Stores(
        keeps=True,
        queue=queue,
        control=shared.control,
        holds=shared.holds,
        suppression=shared.suppression,
        verdicts=shared.verdicts,
        senders=shared.senders,
        history=shared.history,
        trace=shared.history,
        sendings=shared.sendings,
        lessons=shared.lessons,
        tallies=shared.tallies,
        mirrors=shared.mirrors,
    )


def _sound(opened: T | StoreFault) -> T:
    if isinstance(opened, StoreFault):
        raise Unusable(f"queue.store: {opened.reason}")
    return opened
