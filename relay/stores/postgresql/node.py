"""Who this relay is among those that share a database, and how they wake each other.

A node has a name, machine and number, so that after a crash the same machine ends the leases of its
last life at once. While it lives it holds the name by an advisory lock on a connection of its own.
The server drops that lock when it restarts or the connection is cut, with the node alive behind it;
so a name is taken over only when its last owner said goodbye, or when the same server has seen the
owner's every connection go. Otherwise the next number is taken, and the leases of the old name end
by themselves.

NOTIFY makes commits wait for each other, so no put or record does it: a node that has changed
something says so at most twice a second.

Errors: `StoreFault` when no name can be had; later a lost connection is opened again.
"""

import asyncio
import logging
import socket
from typing import TYPE_CHECKING

from relay.model.ports import StoreFault
from relay.stores.postgresql.database import CONNECT, Connection, Database, keepable

if TYPE_CHECKING:
    import asyncpg

_CHANNEL = "ses_relay"
_NUMBERS = 1_000
_TELL = 0.5  # seconds between two words to the others
_AGAIN = 1.0  # seconds between two tries to connect
_PING = 30.0  # seconds of silence after which the connection is tried
_log = logging.getLogger(__name__)


class Node:
    """One relay's place among its peers."""

    def __init__(self, database: Database) -> None:
        self.name = ""
        self._database = database
        self._connection: asyncpg.Connection | None = None
        self._lost = asyncio.Event()
        self._woken = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._teller: asyncio.Task[None] | None = None

    async def open(self, connection: "asyncpg.Connection") -> StoreFault | None:
        """Take a name and listen, on a connection that is the node's from now on."""
        host = keepable(socket.gethostname())[:40]
        self._connection = connection
        for number in range(_NUMBERS):
            if await self._take(connection, f"{host}-{number}"):
                self.name = f"{host}-{number}"
                break
        else:
            return StoreFault(f"{_NUMBERS} relays of {host} are at work on this database")
        self._database.name = _shown(self.name)
        await self._listen(connection)
        self._keeper = asyncio.create_task(self._keep(), name="store-node")
        return None

    async def changed(self, patience: float) -> None:
        """Wait until somebody else says that something has changed, or `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()

    def touch(self) -> None:
        """Let the others know soon that something has changed."""
        if self._teller is None or self._teller.done():
            self._teller = asyncio.create_task(self._tell(), name="store-teller")

    async def close(self) -> None:
        """Say goodbye, so that the name is free at once."""
        tasks = [task for task in (self._keeper, self._teller) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        connection, self._connection = self._connection, None
        if self.name:
            await self._database.ask(lambda at: _goodbye(at, self.name))
        if connection is not None:
            await _close(connection)

    async def _take(self, connection: Connection, name: str) -> bool:
        """Take a name that is nobody's."""
        lock = await connection.fetchrow(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", _shown(name)
        )
        if lock is None or not lock[0]:
            return False
        free = await connection.fetchrow(
            "SELECT coalesce(bool_and(n.released OR (n.server_started ="
            " extract(epoch FROM pg_postmaster_start_time())::float8 AND NOT EXISTS (SELECT 1"
            " FROM pg_stat_activity a WHERE a.application_name = $2))), true)"
            " FROM ses_relay.nodes n WHERE n.name = $1",
            name,
            _shown(name),
        )
        if free is None or not free[0]:
            await connection.fetchrow(
                "SELECT pg_advisory_unlock(hashtextextended($1, 0))", _shown(name)
            )
            return False
        await _sign(connection, name)
        return True

    async def _listen(self, connection: "asyncpg.Connection") -> None:
        self._lost.clear()
        connection.add_termination_listener(lambda _: self._lost.set())
        await connection.add_listener(_CHANNEL, self._heard)
        await connection.execute(f"SET application_name = '{_quoted(_shown(self.name))}'")

    def _heard(self, _connection: object, _pid: int, _channel: str, who: object) -> None:
        if who != self.name:
            self._woken.set()

    async def _keep(self) -> None:
        """Keep a connection to listen on, whatever cuts it."""
        while True:
            try:
                async with asyncio.timeout(_PING):
                    await self._lost.wait()
            except TimeoutError:
                if self._connection is not None and await _answers(self._connection):
                    continue
            await self._connect_again()
            self._woken.set()  # whatever was said meanwhile was not heard

    async def _connect_again(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
        while True:
            fault = await self._try_to_connect()
            if fault is None:
                return
            _log.debug("listening: %s", fault.reason)  # puts and claims tell the operator
            await asyncio.sleep(_AGAIN)

    async def _try_to_connect(self) -> StoreFault | None:
        connection = await self._database.connect()
        if not isinstance(connection, StoreFault):
            connection = await self._database.settled(connection, self._hold_again)
        if isinstance(connection, StoreFault):
            return connection
        self._connection = connection
        return None

    async def _hold_again(self, connection: "asyncpg.Connection") -> None:
        """Hold the old name again; its lock is free, since nobody takes over a living name."""
        await connection.fetchrow(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", _shown(self.name)
        )
        await _sign(connection, self.name)
        await self._listen(connection)

    async def _tell(self) -> None:
        await asyncio.sleep(_TELL)
        await tell(self._database, self.name)


async def tell(database: Database, who: str) -> StoreFault | None:
    """Tell all nodes that something has changed; a node does not listen to itself."""

    async def work(connection: Connection) -> None:
        await connection.fetchrow("SELECT pg_notify($1, $2)", _CHANNEL, who)

    return await database.ask(work)


def _shown(name: str) -> str:
    return f"ses-relay {name}"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


async def _sign(connection: Connection, name: str) -> None:
    await connection.execute(
        "INSERT INTO ses_relay.nodes (name, server_started, released)"
        " VALUES ($1, extract(epoch FROM pg_postmaster_start_time())::float8, false)"
        " ON CONFLICT (name) DO UPDATE SET"
        " server_started = excluded.server_started, released = false",
        name,
    )


async def _goodbye(connection: Connection, name: str) -> None:
    await connection.execute("UPDATE ses_relay.nodes SET released = true WHERE name = $1", name)


async def _answers(connection: "asyncpg.Connection") -> bool:
    try:
        await connection.fetchrow("SELECT 1", timeout=CONNECT)
    except Exception as error:  # noqa: BLE001 - whatever it is, another connection is the answer
        _log.debug("listening: %r", error)
        return False
    return True


async def _close(connection: "asyncpg.Connection") -> None:
    try:
        await connection.close(timeout=CONNECT)
    except Exception as error:  # noqa: BLE001 - it is gone then, which is what was wanted
        _log.debug("closing: %r", error)
        connection.terminate()
