"""Fake time keeps its promises; every other test in fake time rests on them."""

import asyncio
import threading
import time
from datetime import timedelta

import fakes
import pytest
from fakes import START, FakeClock, FakeTimeLoop, run_in_fake_time

fake_time = pytest.mark.fake_time


def test_a_clock_by_hand_stands_still_until_it_is_moved():
    clock = FakeClock()
    before = clock.monotonic()
    clock.advance(90)
    assert clock.now() == START + timedelta(seconds=90)
    assert clock.monotonic() == before + 90


def test_the_wall_clock_may_jump_and_monotonic_time_does_not_notice():
    clock = FakeClock()
    before = clock.monotonic()
    clock.jump(-3600)
    assert clock.now() == START - timedelta(hours=1)
    assert clock.monotonic() == before


async def test_on_an_ordinary_loop_sleeping_moves_the_clock(clock):
    await clock.sleep(7200)
    assert clock.now() == START + timedelta(hours=2)
    assert not isinstance(asyncio.get_running_loop(), FakeTimeLoop)


@fake_time
async def test_a_month_of_sleep_costs_no_time(clock):
    began = time.monotonic()
    await clock.sleep(30 * 86_400)
    assert clock.now() == START + timedelta(days=30)
    assert time.monotonic() - began < 5  # a month would show


@fake_time
async def test_timers_fire_in_order_at_their_times(clock):
    fired = []

    async def note(delay):
        await asyncio.sleep(delay)
        fired.append((delay, clock.now() - START))

    await asyncio.gather(*[note(delay) for delay in (3.5, 0.1, 86_401.0)])
    assert fired == [(delay, timedelta(seconds=delay)) for delay in (0.1, 3.5, 86_401.0)]


@fake_time
async def test_timeouts_run_on_fake_time(clock):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await asyncio.Event().wait()
    assert clock.now() == START + timedelta(seconds=60)


@fake_time
async def test_work_in_a_thread_is_waited_for_before_time_moves(clock):
    begun = threading.Event()

    def work():
        begun.wait(5)
        return "done"

    task = asyncio.create_task(asyncio.to_thread(work))
    asyncio.get_running_loop().call_soon(begun.set)
    async with asyncio.timeout(0.5):  # would jump first if the thread did not count
        assert await task == "done"
    assert clock.now() == START


@fake_time
async def test_real_work_holds_time_for_a_foreign_thread(clock):
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()
    thread = threading.Thread(target=loop.call_soon_threadsafe, args=(heard.set,))
    with loop.real_work():
        loop.call_soon(thread.start)
        async with asyncio.timeout(0.5):
            await heard.wait()
    thread.join()
    assert clock.now() == START


@fake_time
async def test_peers_on_a_socket_are_heard_before_time_moves(clock):
    async def echo(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        async with asyncio.timeout(0.01):
            assert await reader.readline() == b"hello\n"
        writer.close()
        await writer.wait_closed()
    assert clock.now() == START


def test_each_run_has_a_loop_of_its_own():
    async def story():
        clock = FakeClock()
        await clock.sleep(10)
        return clock.now()

    assert run_in_fake_time(story()) == run_in_fake_time(story()) == START + timedelta(seconds=10)


def test_a_wait_that_cannot_end_fails_instead_of_hanging(monkeypatch):
    monkeypatch.setattr(fakes, "PATIENCE", 0.01)

    async def story():
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="nothing can bring about"):
        run_in_fake_time(story())
