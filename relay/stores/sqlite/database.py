"""One database file: opened, kept well, and changed by groups of jobs in one transaction.

Whatever the system refuses (full, locked, read-only, gone, malformed) becomes a `StoreFault` for
the jobs it hit. The connection is closed then, and the next group opens it again: that is the whole
recovery. What was written before a fault is moved out of the write-ahead log first, because after
a failed sync nobody can trust the log's pages in memory (Linux marks them clean).

SQLite facts: in WAL mode a commit under synchronous=FULL syncs the log before it returns; a
database file that was unlinked can still be written to without any error.

Errors: `StoreFault` to the jobs; a job that raises anything else gets it back, alone.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from relay.model.ports import StoreFault
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.schema import Schema

PATIENCE = 5.0  # seconds to wait for another process's lock


class Role(Enum):
    """What a process may do to the file."""

    OWNER = "owner"  # creates it, brings its schema up to date
    GUEST = "guest"  # works on what is there, of exactly this schema
    READER = "reader"  # likewise, and changes nothing


class Sync(Enum):
    """How much a commit promises."""

    FULL = "FULL"  # on stable storage
    LATE = "NORMAL"  # with the operating system; what others have synced in this file stays sound
    RELAXED = "OFF"  # with the operating system; a power cut may take it


class Job(Protocol):
    """Something to do within a transaction. It may be performed again after a rollback."""

    def perform(self, connection: sqlite3.Connection) -> None:
        """Do it; nothing counts before `committed`."""
        ...

    def committed(self) -> None:
        """Learn that it is done for good."""
        ...

    def failed(self, problem: StoreFault | Exception) -> None:
        """Learn that nothing was done."""
        ...


class UnfitError(Exception):
    """The file is not what it should be; the text says what and what to do."""


@dataclass(frozen=True, slots=True)
class _Culprit:
    job: Job
    problem: StoreFault | Exception


class Guard:
    """Says whether this process may still write. This one always says yes."""

    def check(self) -> None:
        """Raise `UnfitError` when it may not."""


class Database:
    """One file. All its methods belong to one thread at a time."""

    def __init__(
        self, path: Path, schema: Schema, files: Files, role: Role, sync: Sync = Sync.FULL
    ) -> None:
        self.path = path
        self.guard = Guard()
        self.patience = PATIENCE
        self.openings = 0
        self._schema = schema
        self._files = files
        self._role = role
        self._sync = sync
        self._connection: sqlite3.Connection | None = None
        self._identity = (0, 0)
        self._known = role is not Role.OWNER  # whether the file must be there already
        self._suspect = False

    def open(self) -> StoreFault | None:
        """Open the file now, to hear at once what is wrong with it."""
        try:
            self._opened()
        except (sqlite3.Error, OSError, UnfitError) as error:
            return self._fault(error)
        return None

    def run(self, jobs: Sequence[Job]) -> None:
        """Do the jobs in one transaction; each of them learns what became of it."""
        left = list(jobs)
        while left:
            match self._transact(left):
                case None:
                    for job in left:
                        job.committed()
                    return
                case _Culprit(job, problem):
                    job.failed(problem)
                    left.remove(job)
                case StoreFault() as fault:
                    for job in left:
                        job.failed(fault)
                    return

    def close(self) -> None:
        """Close the file; the next job would open it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _transact(self, jobs: Sequence[Job]) -> _Culprit | StoreFault | None:
        try:
            connection = self._opened()
            self._check()
            connection.execute("BEGIN" if self._role is Role.READER else "BEGIN IMMEDIATE")
            for job in jobs:
                try:
                    job.perform(connection)
                except sqlite3.OperationalError:
                    raise
                except Exception as error:  # noqa: BLE001 - one job's bug must not hurt the others; its caller gets it
                    connection.execute("ROLLBACK")
                    return _Culprit(job, self._blame(error))
            self._files.commit(connection)
            self._check()
        except (sqlite3.Error, OSError, UnfitError) as error:
            return self._fault(error)
        return None

    def _blame(self, error: Exception) -> StoreFault | Exception:
        """Tell a malformed page, which is the disk's fault, from a bug of ours."""
        ours = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, ours):
            return StoreFault(f"{self.path.name}: {error}")
        return error

    def _fault(self, error: Exception) -> StoreFault:
        self._suspect = True
        self.close()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return StoreFault(f"{self.path.name}: {reason}")

    def _check(self) -> None:
        self.guard.check()
        if self._files.identity(self.path) != self._identity:
            raise UnfitError("another file has taken its place")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = self._files.connect(
                self.path, create=not self._known, patience=self.patience
            )
            try:
                self._prepare(connection)
                self._identity = self._files.identity(self.path)
            except BaseException:
                connection.close()
                raise
            self.openings += 1
            self._known = True
            self._suspect = False
            self._connection = connection
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        self._schema.refuse_others(connection)
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise UnfitError(f"this file system does not allow a write-ahead log ({mode})")
        connection.execute(f"PRAGMA synchronous = {self._sync.value}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -16384")  # KiB
        connection.execute("PRAGMA journal_size_limit = 67108864")
        if self._suspect and self._role is not Role.READER:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if busy:
                raise UnfitError("database is locked")
        if self._role is Role.OWNER:
            self._schema.migrate(connection)
        self._schema.require(connection)
        if self._role is Role.READER:
            connection.execute("PRAGMA query_only = ON")
