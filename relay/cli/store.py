"""The store as the verbs use it: opened beside the relay that may be running on it.

Errors: what cannot be opened or done ends the command: exit 2 where the configuration has no such
store, exit 1 where the store has a fault.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar, assert_never

from relay.cli.output import failure
from relay.model.clock import Clock
from relay.model.ports import StoreFault
from relay.model.settings import NoStore, PostgresStore, Settings, SqliteStore
from relay.stores.postgresql import extra as postgresql
from relay.stores.shared import Shared
from relay.stores.sqlite import opening as sqlite
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.slot import Places

T = TypeVar("T")


def with_store(settings: Settings, clock: Clock, work: Callable[[Shared], Awaitable[T]]) -> T:
    """Open the store, do the work, close the store."""
    store = settings.queue.store
    if isinstance(store, NoStore):
        raise failure(
            "queue.store: none keeps nothing; write sqlite:///FOLDER or postgresql://… to use "
            "this verb",
            2,
        )

    async def beside_the_relay() -> T:
        shared = sound(await opened(store, clock))
        try:
            return await work(shared)
        finally:
            await shared.close()

    return asyncio.run(beside_the_relay())


def sound(answer: T | StoreFault) -> T:
    """Give what the store answered, or end the command with its fault."""
    if isinstance(answer, StoreFault):
        raise failure(
            f"queue.store: {answer.reason}; if it is not yours to use, run this as the relay's user"
        )
    return answer


async def opened(store: SqliteStore | PostgresStore, clock: Clock) -> Shared | StoreFault:
    """Open a store beside the relay that may be running on it."""
    match store:
        case SqliteStore(folder=folder):
            if not Places(folder).state.exists():
                raise failure(
                    f"queue.store: no relay has kept anything in {folder} yet; start `ses-relay "
                    "serve`, or name its configuration with --config"
                )
            return await sqlite.open_guest(folder, Crew.inline(Files(), clock))
        case PostgresStore(url=url):
            return await postgresql.open_guest(url.reveal(), clock)
        case _:
            assert_never(store)
