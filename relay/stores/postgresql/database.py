"""The one module that knows asyncpg: connections, transactions, and faults as values.

A statement may lose its connection at any moment. It is answered with a `StoreFault` then, the
connection is thrown away, and the next statement opens another: that is the whole recovery. A
fault in the commit leaves open whether it was done (see `StoreFault`).

PostgreSQL facts: with `synchronous_commit` off a commit returns before it is on stable storage, so
a role or database that is set up like that is overruled here; every other setting of it syncs, and
is the operator's choice among synchronous standbys.

Errors: `StoreFault`; broken constraints and unfit values are bugs of ours, and are raised.
"""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

import asyncpg

from relay.model.ports import StoreFault

T = TypeVar("T")

CONNECTIONS = 6  # of one node, beside the one it listens on
PATIENCE = 10.0  # seconds for a statement, and for a connection to become free
CONNECT = 5.0  # seconds
_SETTINGS = {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"}
_OURS = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)
_THEIRS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

Row = Sequence[Any]  # columns have the types of the statement; whoever reads them names those


class Connection(Protocol):
    """What this package needs of an asyncpg connection."""

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement, or several without arguments."""
        ...

    async def executemany(self, command: str, args: Sequence[Sequence[object]]) -> None:
        """Run a statement for each row of arguments, all or none."""
        ...

    async def fetch(self, query: str, *args: object) -> Sequence[Row]:
        """Run a statement and give its rows."""
        ...

    def cursor(self, query: str, *args: object, prefetch: int) -> AsyncIterable[Row]:
        """Read a statement's rows a few at a time, within a transaction."""
        ...

    async def fetchrow(self, query: str, *args: object) -> Row | None:
        """Run a statement and give its first row."""
        ...


class _PlainConnection(asyncpg.Connection):  # type: ignore[misc] # asyncpg has no types
    """Goes back into the pool without a round trip: nobody here leaves anything behind on it."""

    __slots__ = ()

    def get_reset_query(self) -> str:
        return ""


class Database:
    """A pool of connections, opened when they are needed."""

    def __init__(self, url: str) -> None:
        self.name = "ses-relay"  # shown to the database's administrator
        self._url = url
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def connect(self) -> "asyncpg.Connection | StoreFault":
        """Open a connection of its own, outside the pool."""
        try:
            connection = await asyncpg.connect(
                self._url, timeout=CONNECT, command_timeout=PATIENCE, server_settings=_SETTINGS
            )
        except ValueError as error:  # asyncpg's word for a URL that it cannot read
            return StoreFault(f"the URL cannot be used: {error}")
        except _THEIRS as error:
            return fault_of(error)
        return await self.settled(connection, self._prepare)

    async def settled(
        self, connection: "asyncpg.Connection", make_ready: Callable[[Connection], Awaitable[None]]
    ) -> "asyncpg.Connection | StoreFault":
        """Make a new connection ready, or cut it, whatever stops that."""
        ready = False
        try:
            fault = await self.guarded(lambda: make_ready(connection))
            ready = fault is None
        finally:
            if not ready:
                connection.terminate()
        return connection if fault is None else fault

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T | StoreFault:
        """Do the work in one transaction."""

        async def within(connection: Connection) -> T:
            async with connection.transaction():  # type: ignore[attr-defined] # asyncpg's alone
                return await work(connection)

        return await self.ask(within)

    async def ask(self, work: Callable[[Connection], Awaitable[T]]) -> T | StoreFault:
        """Do the work, each of its statements by itself."""

        async def in_turn() -> T:
            async with (await self._opened()).acquire(timeout=PATIENCE) as connection:
                return await work(connection)

        return await self.guarded(in_turn)

    async def guarded(self, work: Callable[[], Awaitable[T]]) -> T | StoreFault:
        """Do work on any connection, and give its faults as values."""
        try:
            return await work()
        except _OURS:
            raise
        except _THEIRS as error:
            if isinstance(error, ValueError):  # an argument that does not fit: ours too
                raise
            return fault_of(error)

    async def _opened(self) -> "asyncpg.Pool":
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self._url,
                min_size=0,
                max_size=CONNECTIONS,
                timeout=CONNECT,
                command_timeout=PATIENCE,
                connection_class=_PlainConnection,
                init=self._prepare,
                server_settings=_SETTINGS,
            )
        pool = self._pool
        async with self._opening:  # a pool is opened once, and opening it twice at a time is a bug
            await pool
        return pool

    async def close(self) -> None:
        """Close all connections, cutting what does not end in time."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(CONNECT):
                await pool.close()
        except _THEIRS:
            pool.terminate()

    async def _prepare(self, connection: Connection) -> None:
        await connection.fetchrow(
            "SELECT set_config('application_name', $1, false), set_config('synchronous_commit',"
            " CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
            " ELSE current_setting('synchronous_commit') END, false)",
            self.name,
        )


def fault_of(error: BaseException) -> StoreFault:
    """Say what went wrong in words for the log."""
    if isinstance(error, OSError) and error.strerror:
        return StoreFault(f"PostgreSQL cannot be reached: {error.strerror}")
    return StoreFault(f"PostgreSQL: {error or type(error).__name__}")


def keepable(text: str) -> str:
    """Give a text as PostgreSQL can keep it: no lone surrogates, no NUL."""
    return text.encode(errors="replace").decode().replace("\0", "?")
