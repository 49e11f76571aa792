"""The stores that the contract suite runs over. A new implementation is one more class here."""

import shutil
import tempfile
from pathlib import Path

import pytest
from disks import MEMORY
from fakes import FakeClock
from postgres_server import PostgresServer
from postgres_store import PostgresDatabase

from relay.model.ports import StoreFault
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_guest, open_sqlite

KEEP = 30 * 86_400.0


class SqliteFolder:
    """A folder that stores are opened on, again and again."""

    def __init__(self, folder, crew):
        self.folder = folder
        self.crew = crew
        self.clock = FakeClock()
        self.files = Files()
        self.opened = []

    async def open(self, slot=0, folder=None):
        """Be the relay."""
        crew = self.crew(self.files, self.clock)
        stores = await open_sqlite(folder or self.folder, slot, crew, KEEP)
        assert not isinstance(stores, StoreFault), stores.reason
        self.opened.append(stores)
        return stores

    async def guest(self):
        """Be a command in another process."""
        stores = await open_guest(self.folder, self.crew(Files(), self.clock))
        assert not isinstance(stores, StoreFault), stores.reason
        self.opened.append(stores)
        return stores

    async def after_a_crash(self):
        """Open what is on the disk now, as if the process that works on it had died."""
        copy = self.folder.with_name(f"{self.folder.name}-{len(self.opened)}")
        shutil.copytree(self.folder, copy)
        return await self.open(folder=copy)

    async def bodies(self):
        """Count what is kept of large bodies."""
        return len(list(self.folder.glob("bodies-*/*")))

    async def close(self):
        for stores in self.opened:
            await stores.close()


@pytest.fixture
def tmp_path():
    """A folder in memory, where there is one: syncing costs nothing there."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres():
    """One private PostgreSQL for the session, started when the first test asks for it."""
    server = PostgresServer()
    try:
        server.create()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["inline", "threads", "postgresql"])
async def kept(request, tmp_path):
    """Every kind of store; the contract holds for each."""
    if request.param == "postgresql":
        folder = PostgresDatabase(request.getfixturevalue("postgres"), "contract")
        await folder.prepare()
    else:
        folder = SqliteFolder(tmp_path / "store", getattr(Crew, request.param))
    yield folder
    await folder.close()


@pytest.fixture
async def folder(tmp_path):
    """SQLite without threads, for tests that reach into its files."""
    folder = SqliteFolder(tmp_path / "store", Crew.inline)
    yield folder
    await folder.close()
