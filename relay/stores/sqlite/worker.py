"""The thread that touches the database files, so that the event loop never waits for a disk.

Everything that waits when the thread comes round is done in one transaction and synced once: the
slower the disk, the larger the group. What one turn of the event loop asks for comes as one group,
because each hand-over between threads costs more than a row. Notes, which nobody waits for, are
written after half a second, one behind each group.

Errors: those of `relay.stores.sqlite.database`, returned or raised to whoever asked.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from relay.model.ports import StoreFault
from relay.stores.sqlite.database import Database

T = TypeVar("T")

CLOSED = StoreFault("the store is closed")
TOO_MANY = StoreFault("too many notes wait to be written")
_GROUP = 512  # jobs in one transaction
_NOTE_WAIT = 0.5  # seconds
_NOTES = 200  # beyond, notes are lost and counted


class Task(Generic[T]):
    """One piece of work on a database and what became of it."""

    __slots__ = ("_after", "_problem", "_value", "_work", "database", "loop", "waiter")

    def __init__(
        self,
        database: Database,
        work: Callable[[sqlite3.Connection], T],
        after: Callable[[T], None] | None,
    ) -> None:
        self.database = database
        self.loop: asyncio.AbstractEventLoop | None = None
        self.waiter: asyncio.Future[T | StoreFault] | None = None
        self._work = work
        self._after = after
        self._value: list[T] = []
        self._problem: StoreFault | Exception | None = None

    def perform(self, connection: sqlite3.Connection) -> None:
        """Do the work; a second time after a rollback."""
        self._value = [self._work(connection)]

    def committed(self) -> None:
        """Do what may only be done after the commit."""
        if self._after is None:
            return
        try:
            self._after(self._value[0])
        except Exception as error:  # noqa: BLE001 - the other tasks of the group are committed too; this one's caller gets it
            self._problem = error

    def failed(self, problem: StoreFault | Exception) -> None:
        """Remember why not."""
        self._problem = problem

    @property
    def problem(self) -> StoreFault | Exception | None:
        """Why nothing was done; None: it was."""
        return self._problem

    def result(self) -> T | StoreFault:
        """Give what the work gave. Raises what it raised."""
        if isinstance(self._problem, Exception):
            raise self._problem
        return self._value[0] if self._problem is None else self._problem

    def tell(self) -> None:
        """Wake who waits, in the loop's thread, unless it has given up."""
        waiter = self.waiter
        if waiter is None or waiter.done():
            return
        if isinstance(self._problem, Exception):
            waiter.set_exception(self._problem)
        else:
            waiter.set_result(self._value[0] if self._problem is None else self._problem)


class Work(Protocol):
    """A `Task` of whatever result."""

    database: Database
    loop: asyncio.AbstractEventLoop | None

    def perform(self, connection: sqlite3.Connection) -> None: ...  # noqa: D102 - see Task
    def committed(self) -> None: ...  # noqa: D102 - see Task
    def failed(self, problem: StoreFault | Exception) -> None: ...  # noqa: D102 - see Task
    def tell(self) -> None: ...  # noqa: D102 - see Task


def run_group(group: Sequence[Work]) -> None:
    """Do the tasks, those of one database in one transaction, in the order they came."""
    by_database: dict[Database, list[Work]] = {}
    for task in group:
        by_database.setdefault(task.database, []).append(task)
    for database, tasks in by_database.items():
        database.run(tasks)


class Note(Protocol):
    """Work that nobody waits for; its length is what is lost if it cannot be done."""

    def __call__(self, connection: sqlite3.Connection, /) -> None: ...  # noqa: D102 - see Note
    def __len__(self) -> int: ...


class Worker(Protocol):
    """Whoever does the work: a thread, or the caller itself."""

    lost: int  # notes that were thrown away
    last_loss: StoreFault | Exception | None  # why the last of them was

    async def do(
        self,
        database: Database,
        work: Callable[[sqlite3.Connection], T],
        after: Callable[[T], None] | None = None,
    ) -> T | StoreFault:
        """Do the work in a transaction; `after` runs where the work ran, once it is committed.

        It is done even if the caller is cancelled meanwhile.
        """
        ...

    def note(self, database: Database, work: "Note") -> bool:
        """Do the work some time soon, if it can be done; False: it is lost already.

        Returns at once.
        """
        ...

    async def close(self) -> None:
        """Do what is left."""
        ...


class InlineWorker:
    """Does the work at once in the caller's thread: for tests in fake time, and for commands."""

    def __init__(self) -> None:
        self.lost = 0
        self.last_loss: StoreFault | Exception | None = None

    async def do(
        self,
        database: Database,
        work: Callable[[sqlite3.Connection], T],
        after: Callable[[T], None] | None = None,
    ) -> T | StoreFault:
        """Do it now."""
        task = Task(database, work, after)
        run_group([task])
        return task.result()

    def note(self, database: Database, work: "Note") -> bool:
        """Do it now."""
        task = Task(database, work, None)
        run_group([task])
        if task.problem is not None:
            self.lost += len(work)
            self.last_loss = task.problem
        return task.problem is None

    async def close(self) -> None:
        """Leave nothing: there never is anything left."""


class ThreadWorker:
    """Does the work in one thread of its own, group by group."""

    def __init__(self, name: str) -> None:
        self.lost = 0
        self.last_loss: StoreFault | Exception | None = None
        self._tasks: queue.SimpleQueue[list[Work]] = queue.SimpleQueue()
        self._arrived: list[Work] = []  # in this turn of the event loop
        self._notes: deque[tuple[float, Database, Note]] = deque()  # with the time they are due
        self._lock = threading.Lock()  # over _notes and _closing
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def do(
        self,
        database: Database,
        work: Callable[[sqlite3.Connection], T],
        after: Callable[[T], None] | None = None,
    ) -> T | StoreFault:
        """Put it in line and wait for the commit."""
        if self._closing:
            return CLOSED
        task = Task(database, work, after)
        task.loop = asyncio.get_running_loop()
        task.waiter = task.loop.create_future()
        if not self._arrived:
            task.loop.call_soon(self._hand_over)
        self._arrived.append(task)
        return await task.waiter

    def _hand_over(self) -> None:
        """Pass on what this turn of the event loop has asked for."""
        if self._arrived:
            self._tasks.put(self._arrived)
            self._arrived = []

    def note(self, database: Database, work: Note) -> bool:
        """Leave it for half a second."""
        with self._lock:
            if self._closing or len(self._notes) >= _NOTES:
                self._lose(work, CLOSED if self._closing else TOO_MANY)
                return False
            self._notes.append((time.monotonic() + _NOTE_WAIT, database, work))
            if len(self._notes) == 1:
                self._tasks.put([])  # the thread must know until when to wait
        return True

    def _lose(self, work: Note, why: StoreFault | Exception) -> None:
        self.lost += len(work)
        self.last_loss = why

    async def close(self) -> None:
        """Wait for what is in line."""
        self._hand_over()
        with self._lock:
            self._closing = True
            self._tasks.put([])
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        while not self._finished():
            group = self._next_group()
            if group:
                _perform(group)
                self._tell(group)
            if (due := self._due_note()) is not None:
                database, work = due
                note = Task(database, work, None)
                _perform([note])
                if note.problem is not None:
                    self._lose(work, note.problem)

    def _finished(self) -> bool:
        with self._lock:
            return self._closing and self._tasks.empty() and not self._notes

    def _next_group(self) -> list[Work]:
        """Take all that waits; nothing when a note is due before something comes."""
        with self._lock:
            due = None if not self._notes else self._notes[0][0] - time.monotonic()
            if self._closing:
                due = 0.0
        try:
            group = self._tasks.get(timeout=None if due is None else max(due, 0.0))
        except queue.Empty:
            return []
        while len(group) < _GROUP and not self._tasks.empty():
            group += self._tasks.get()
        return group

    def _due_note(self) -> tuple[Database, Note] | None:
        with self._lock:
            if self._notes and (self._closing or self._notes[0][0] <= time.monotonic()):
                return self._notes.popleft()[1:]
        return None

    def _tell(self, group: Sequence[Work]) -> None:
        """Wake all of them with one call into each loop."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Work]] = {}
        for task in group:
            if task.loop is not None:
                by_loop.setdefault(task.loop, []).append(task)
        for loop, tasks in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_tell_all, tasks)


def _perform(group: Sequence[Work]) -> None:
    try:
        run_group(group)
    except Exception as error:  # noqa: BLE001 - the thread must live; whoever asked gets the bug
        for task in group:
            task.failed(error)


def _tell_all(tasks: Sequence[Work]) -> None:
    for task in tasks:
        task.tell()
