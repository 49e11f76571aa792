"""The schema: made once, by any number of nodes at once, and refused where it does not fit."""

import asyncio

import asyncpg
import pytest
from postgres_store import PostgresDatabase

from relay.model.clock import SystemClock
from relay.model.ports import StoreFault
from relay.stores.postgresql import extra, schema
from relay.stores.postgresql.opening import open_guest, open_node


@pytest.fixture
async def empty(postgres):
    """A database in which no relay has ever been."""
    admin = await asyncpg.connect(postgres.url())
    await admin.execute("DROP DATABASE IF EXISTS empty")
    await admin.execute("CREATE DATABASE empty")
    await admin.close()
    return PostgresDatabase(postgres, "empty")


async def test_nodes_that_start_together_make_it_once(empty):
    nodes = await asyncio.gather(*[open_node(empty.url, 0.0, SystemClock()) for _ in range(4)])
    assert len({node.node.name for node in nodes}) == 4
    assert await empty.ask("SELECT steps FROM ses_relay.version") == len(schema.STEPS)
    for node in nodes:
        await node.close()


async def test_a_command_makes_nothing(empty):
    found = await open_guest(empty.url, SystemClock())
    assert isinstance(found, StoreFault)
    assert "start the relay once" in found.reason
    assert await empty.ask("SELECT to_regnamespace('ses_relay') IS NULL")


async def test_an_older_relay_serves_beside_a_newer_one_unless_a_step_forbids_it(empty):
    node = await open_node(empty.url, 0.0, SystemClock())
    await empty.ask("UPDATE ses_relay.version SET steps = steps + 1")
    second = await open_node(empty.url, 0.0, SystemClock())
    assert not isinstance(second, StoreFault)
    await second.close()
    await empty.ask("UPDATE ses_relay.version SET oldest = steps")
    refused = await open_node(empty.url, 0.0, SystemClock())
    assert isinstance(refused, StoreFault)
    assert "run the newer relay" in refused.reason
    assert await node.queue.look() is None
    await node.close()


async def test_a_step_is_taken_while_a_node_of_the_old_schema_serves(empty, monkeypatch):
    old = await open_node(empty.url, 0.0, SystemClock())
    assert await old.queue.backlog() == []
    step = "ALTER TABLE ses_relay.entries ADD colour text"
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, step))
    newer = await open_node(empty.url, 0.0, SystemClock())
    assert await empty.ask("SELECT steps FROM ses_relay.version") == len(schema.STEPS)
    assert await old.queue.backlog() == []
    await newer.close()
    await old.close()


async def test_without_the_library_the_fix_is_named(monkeypatch):
    monkeypatch.setattr(extra.importlib.util, "find_spec", lambda name: None)
    for found in (
        await extra.open_postgres("postgresql://x", 0.0, SystemClock()),
        await extra.open_guest("postgresql://x", SystemClock()),
    ):
        assert isinstance(found, StoreFault)
        assert "pip install 'ses-relay[postgres]'" in found.reason
