"""A PostgreSQL database that stores are opened on, again and again, in fake time.

The server's clock, by which leases end, is replaced by one that the test moves: it follows the
monotonic part of fake time, as a server's clock does not jump with a relay's.
"""

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
from fakes import ORIGIN, START, FakeClock

from relay.model.ports import StoreFault
from relay.stores.codec import to_number
from relay.stores.postgresql.opening import open_guest, open_node

KEEP = 30 * 86_400.0


class SharedClock(FakeClock):
    """Fake time that the server sees too."""

    def __init__(self, path):
        super().__init__()
        self._path = path
        self._show()

    def advance(self, seconds):
        super().advance(seconds)
        self._show()

    def _show(self):
        now = START + timedelta(seconds=self.monotonic() - ORIGIN)
        unfinished = self._path.with_suffix(".new")
        unfinished.write_text(str(to_number(now)))
        unfinished.replace(self._path)  # the server never sees half of it


class PostgresDatabase:
    """Like `SqliteFolder` in conftest.py."""

    folder = Path("/no/folder")

    def __init__(self, server, name):
        self.url = server.url(name)
        self.server = server
        self.name = name
        self.clock = SharedClock(server.folder / f"{name}.clock")
        self.opened = []

    async def open(self, slot=0, folder=None):
        """Be a relay; another each time, so that slots do not matter."""
        stores = await open_node(self.url, KEEP, self.clock)
        assert not isinstance(stores, StoreFault), stores.reason
        self.opened.append(stores)
        return stores

    async def guest(self):
        """Be a command in another process."""
        stores = await open_guest(self.url, self.clock)
        assert not isinstance(stores, StoreFault), stores.reason
        self.opened.append(stores)
        return stores

    async def after_a_crash(self):
        """Let the first relay die, and open the database again."""
        await self.crash(self.opened[0])
        return await self.open()

    async def crash(self, stores):
        """Cut all of a relay's connections, and let it never come back."""
        self.opened.remove(stores)
        tasks = [task for task in (stores.node._keeper, stores.node._teller) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        stores.node._connection.terminate()
        database = stores.shared.database
        if database._pool is not None:
            database._pool.terminate()
        shown = f"ses-relay {stores.node.name}"
        await self.until_zero(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", shown
        )

    async def bodies(self):
        """Count what is kept of large bodies."""
        return await self.ask("SELECT count(*) FROM ses_relay.pieces")

    async def ask(self, query, *arguments):
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def until_zero(self, query, *arguments):
        connection = await asyncpg.connect(self.url)
        try:
            while await connection.fetchval(query, *arguments):
                pass
        finally:
            await connection.close()

    async def close(self):
        for stores in self.opened:
            await stores.close()

    async def prepare(self):
        """Empty the database, made at the first time, and let it tell fake time."""
        admin = await asyncpg.connect(self.server.url())
        try:
            known = "SELECT count(*) FROM pg_database WHERE datname = $1"
            if not await admin.fetchval(known, self.name):
                await admin.execute(f'CREATE DATABASE "{self.name}"')
                stores = await open_node(self.url, KEEP, self.clock)
                assert not isinstance(stores, StoreFault), stores.reason
                await stores.close()
        finally:
            await admin.close()
        connection = await asyncpg.connect(self.url)
        try:
            tables = await connection.fetch(
                "SELECT tablename FROM pg_tables"
                " WHERE schemaname = 'ses_relay' AND tablename <> 'version'"
            )
            await connection.execute(
                "SET session_replication_role = replica;"  # the ledger is emptied by hand
                + "".join(f"DELETE FROM ses_relay.{row[0]};" for row in tables)
                + "CREATE OR REPLACE FUNCTION ses_relay.clock() RETURNS bigint LANGUAGE sql STABLE"
                f" AS $$ SELECT pg_read_file('{self.clock._path}')::bigint $$"
            )
        finally:
            await connection.close()
