"""The world whose store keeps two messages of different states."""

from dataclasses import replace

import pytest
from operated import Operated
from stored import new
from web_world import World

from relay.model.entry import Held
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Sync
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite


@pytest.fixture
def no_sync(monkeypatch):
    """Durability is tested elsewhere, and a busy disk would set the pace here."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    monkeypatch.setattr(Sync.FULL, "_value_", Sync.RELAXED.value)


@pytest.fixture
async def world(tmp_path, no_sync):
    """Give a relay that keeps two messages, one of them held."""
    world = World()
    stores = await open_sqlite(tmp_path, 0, Crew.inline(Files(), world.clock), 86_400.0)
    operated = Operated(stores)
    held = new("held1")
    held = replace(held, entry=replace(held.entry, held=Held(reason="rule review")))
    await stores.queue.put([new("waits"), held])
    yield operated
    await stores.close()
