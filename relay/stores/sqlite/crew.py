"""Who does the work of a store: a thread that writes, one that reads, some for large files.

Errors: none of its own.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from relay.model.clock import Clock
from relay.stores.sqlite.database import Database
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.worker import InlineWorker, ThreadWorker, Worker

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """The workers, and what they share."""

    writer: Worker
    reader: Worker
    desk: Worker  # for operators, whose long looks must not delay the relay's short ones
    files: Files
    clock: Clock
    pool: Executor | None  # None: large files are read and written by the caller's thread

    @classmethod
    def threads(cls, files: Files, clock: Clock) -> "Crew":
        """Put threads to work, as the relay does."""
        return cls(
            writer=ThreadWorker("store-writer"),
            reader=ThreadWorker("store-reader"),
            desk=ThreadWorker("store-desk"),
            files=files,
            clock=clock,
            pool=ThreadPoolExecutor(4, "store-files"),
        )

    @classmethod
    def inline(cls, files: Files, clock: Clock) -> "Crew":
        """Let the caller's own thread do it all: for tests in fake time, and for commands."""
        worker = InlineWorker()
        return cls(writer=worker, reader=worker, desk=worker, files=files, clock=clock, pool=None)

    async def aside(self, work: Callable[[], T]) -> T:
        """Do slow work on files without stopping the event loop."""
        if self.pool is None:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self.pool, work)

    async def finish(self, databases: Sequence[Database]) -> None:
        """Wait until everything in line for these databases is done."""
        for database in databases:
            for worker in (self.writer, self.reader, self.desk):
                await worker.do(database, _nothing)

    async def close(self, databases: Sequence[Database]) -> None:
        """Let everyone finish what is in line, then close the databases."""
        await self.desk.close()
        await self.reader.close()
        await self.writer.close()
        for database in databases:
            database.close()
        if self.pool is not None:
            self.pool.shutdown()


def _nothing(_connection: object) -> None:
    """Be the last in line."""
