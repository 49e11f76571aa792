"""An orderly stop leaves the queue as an operator can work with it."""

import asyncio

import pytest
from fake_relay import FakeRelay

from relay.model.custody import EntryState, Selection
from relay.model.settings import Queue, SqliteStore
from relay.simulator import Account

pytestmark = pytest.mark.fake_time


async def left_behind(relay):
    return [
        EntryState.of(entry, relay.clock.now())
        for entry in await relay.control.select(Selection(), relay.clock.now(), 1_000)
    ]


async def test_what_waits_for_its_turn_is_free_after_a_stop(tmp_path):
    queue = Queue(store=SqliteStore(tmp_path), wait=0)
    slow = Account(max_send_rate=1, max_24_hour_send=-1)
    async with FakeRelay(tmp_path, account=slow, queue=queue) as relay:
        for number in range(10):
            await relay.submit(f"r{number}@example.org")
        await relay.clock.sleep(1.5)
        assert EntryState.LEASED in await left_behind(relay)
        await relay.parts.runner.stop(60)
        assert set(await left_behind(relay)) == {EntryState.WAITING}


async def test_a_stop_is_not_held_up_by_a_store_that_cannot_take_leases_back(tmp_path):
    queue = Queue(store=SqliteStore(tmp_path), wait=0)
    slow = Account(max_send_rate=1, max_24_hour_send=-1)
    async with FakeRelay(tmp_path, account=slow, queue=queue) as relay:
        for number in range(5):
            await relay.submit(f"r{number}@example.org")
        await relay.clock.sleep(1.5)

        def broken(_connection):
            raise OSError(5, "Input/output error")

        relay.files.commit = broken
        async with asyncio.timeout(1):
            await relay.parts.runner.stop(60)
        del relay.files.commit
    async with FakeRelay(tmp_path, account=slow, queue=queue) as relay:
        await relay.until_empty(60)
