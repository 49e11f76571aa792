"""The stores of one process, as the configuration wants them.

Errors: `Unusable` with the store's own sentence when it cannot be opened.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from relay.model.clock import Clock
from relay.model.ports import (
    History,
    Holds,
    Lessons,
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
from relay.stores.postgresql.extra import open_postgres
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite
from relay.stores.sqlite.slot import Places
from relay.stores.sqlite.slots import SqliteSlots

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
            yield Stores(
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
        case SqliteStore(folder=folder):
            crew = Crew.threads(Files(), clock)
            stores = await open_sqlite(folder, seat.number, crew, history)
            if isinstance(stores, StoreFault):
                raise Unusable(f"queue.store: {stores.reason}")
            slots = SqliteSlots(stores.queue, Places(folder), crew)
            try:
                left_over = seat.share(slots.beyond(seat.workers))
                adopted = [await slots.adopt(number) for number in left_over]
                yield Stores(
                    keeps=True,
                    queue=slots,
                    control=stores.shared.control,
                    holds=stores.shared.holds,
                    suppression=stores.shared.suppression,
                    verdicts=stores.shared.verdicts,
                    senders=stores.shared.senders,
                    history=stores.shared.history,
                    trace=stores.shared.history,
                    sendings=stores.shared.sendings,
                    lessons=stores.shared.lessons,
                    tallies=stores.shared.tallies,
                    mirrors=stores.shared.mirrors,
                    folder=folder,
                    slots=slots,
                    faults=[fault for fault in adopted if fault is not None],
                )
            finally:
                await slots.close()
                await stores.close()
                slots.release()
        case PostgresStore(url=url):
            node = await open_postgres(url.reveal(), history, clock)
            if isinstance(node, StoreFault):
                raise Unusable(f"queue.store: {node.reason}")
            try:
                yield Stores(
                    keeps=True,
                    queue=node.queue,
                    control=node.shared.control,
                    holds=node.shared.holds,
                    suppression=node.shared.suppression,
                    verdicts=node.shared.verdicts,
                    senders=node.shared.senders,
                    history=node.shared.history,
                    trace=node.shared.history,
                    sendings=node.shared.sendings,
                    lessons=node.shared.lessons,
                    tallies=node.shared.tallies,
                    mirrors=node.shared.mirrors,
                )
            finally:
                await node.close()
        case _:
            assert_never(store)
