"""A real process is stopped in order, or its store fails under it: nothing accepted is lost."""

import asyncio
import resource
import sqlite3
from contextlib import asynccontextmanager

import pytest
from crash_clients import Letter, Line
from crash_relay import KilledRelay, until

from relay.simulator import Account, Delay, Fault, Simulator, running

FAST = 1_000_000.0
ROUTE = {"headroom": 1.0, "max_send_rate": FAST}


@asynccontextmanager
async def world(folder, **options):
    """Serve a simulator and launch a relay beside it; it is not started yet."""
    simulator = Simulator(Account(max_send_rate=FAST, max_24_hour_send=-1))
    async with (
        running(simulator) as url,
        KilledRelay.launched(folder, url, route=ROUTE, **options) as relay,
    ):
        yield simulator, relay


def letter(number):
    octets = f"From: a@example.com\r\nSubject: {number}\r\n\r\nHello\r\n".encode()
    return Letter(number=number, recipients=(f"m{number}@example.org",), octets=octets)


async def submit(relay, *numbers):
    """Send messages on one connection; gives the replies."""
    line = await Line.to("127.0.0.1", relay.port, "127.0.0.1")
    replies = []
    try:
        for number in numbers:
            reply = await line.envelope(letter(number).recipients)
            if reply.startswith("354 "):
                await line.content(letter(number).octets)
                reply = await line.reply()
            replies.append(reply)
    finally:
        line.hang_up()
    return replies


def got(simulator):
    return sorted(to for message in simulator.mailbox.messages() for to in message.destinations)


def wanted(numbers):
    return sorted(to for number in numbers for to in letter(number).recipients)


def slow(simulator, seconds, times):
    fault = Fault(operation="SendRawEmail", times=times, then=Delay(seconds))
    assert simulator.faults.add(fault) is None


async def test_a_stop_records_what_ses_has_and_leaves_the_rest_for_the_next_start(tmp_path):
    numbers = range(40)
    async with world(tmp_path, wait="0s") as (simulator, relay):
        await relay.start()
        await relay.logged("relay.started")
        slow(simulator, 1.0, times=40)
        replies = await submit(relay, *numbers)
        assert all("queued as" in reply for reply in replies), replies
        relay.terminate()
        await relay.ended()
        [stopped] = await relay.logged("relay.stopped")
        assert stopped["in_flight"] == 0  # each answer came within the grace
        await relay.start()
        await relay.until_empty(20)
        assert got(simulator) == wanted(numbers)


async def test_a_second_signal_skips_the_waiting_and_what_it_cuts_off_is_unknown(tmp_path):
    async with world(tmp_path, wait="0s") as (simulator, relay):
        await relay.start()
        await relay.logged("relay.started")
        slow(simulator, 4.0, times=3)
        await submit(relay, 1, 2, 3)
        await until(lambda: len(simulator.mailbox.messages()) == 3)
        relay.terminate()
        await asyncio.sleep(0.2)
        relay.terminate()
        async with asyncio.timeout(3):  # sooner than SES's answers and the grace
            await relay.ended()
        await relay.start()
        lost = await relay.logged("message.deferred", times=3)
        assert {line["cause"] for line in lost} == {"lost_answer"}
        await relay.until_empty(20)
        assert got(simulator) == sorted(2 * wanted([1, 2, 3]))  # once more each, and no oftener


async def test_a_client_in_the_middle_of_a_message_is_answered_by_a_relay_that_stops(tmp_path):
    async with world(tmp_path, wait="5s") as (simulator, relay):
        await relay.start()
        await relay.logged("relay.started")
        slow(simulator, 1.0, times=1)
        submitting = asyncio.create_task(submit(relay, 1))
        await until(simulator.mailbox.messages)
        relay.terminate()
        [reply] = await submitting
        assert reply.startswith("250 2.0.0 Ok 0"), reply
        await relay.ended()
        assert got(simulator) == wanted([1])


async def test_a_store_that_is_locked_or_gone_is_a_451_and_over_without_a_restart(tmp_path):
    async with world(tmp_path, wait="0s") as (simulator, relay):
        await relay.start()
        await relay.logged("relay.started")
        [reply] = await submit(relay, 1)
        assert reply.startswith("250 "), reply
        await relay.until_empty(10)
        # Locked by another process for longer than the relay waits for a lock.
        locking = sqlite3.connect(relay.store / "queue-0.db", isolation_level=None)
        locking.execute("BEGIN IMMEDIATE")
        [reply] = await submit(relay, 2)
        assert reply.startswith("451 4.3.0 "), reply
        locking.execute("ROLLBACK")
        locking.close()
        [reply] = await submit(relay, 2)
        assert reply.startswith("250 "), reply
        await relay.until_empty(10)
        # Gone, as a volume that was taken away, and back.
        away = relay.store.with_name("away")
        relay.store.rename(away)
        [reply] = await submit(relay, 3)
        assert reply.startswith("451 4.3.0 "), reply
        away.rename(relay.store)
        [reply] = await submit(relay, 3)
        assert reply.startswith("250 "), reply
        await relay.until_empty(10)
        assert got(simulator) == wanted([1, 2, 3])
        faults = [line["reason"] for line in await relay.logged("store.fault", times=2)]
        assert any("locked" in reason for reason in faults), faults
        assert not any(line["event"] == "relay.stopped" for line in relay.lines())


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="a system without prlimit(2)")
async def test_files_that_may_not_grow_are_a_451_and_over_without_a_restart(tmp_path):
    async with world(tmp_path, wait="0s") as (simulator, relay):
        await relay.start()
        await relay.logged("relay.started")
        relay.limit_files(4_096)
        replies = await submit(relay, 1, 2, 3)
        assert {reply[:10] for reply in replies} == {"451 4.3.0 "}, replies
        relay.limit_files(None)
        replies = await submit(relay, 1, 2, 3)
        assert all(reply.startswith("250 ") for reply in replies), replies
        await relay.until_empty(10)
        assert got(simulator) == wanted([1, 2, 3])
