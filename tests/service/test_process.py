"""What a process does when it is asked to reload, whatever becomes of it."""

import asyncio
import signal

import pytest

from relay.service.notify import ServiceManager
from relay.service.process import run_until_signalled
from relay.service.snapshot import Unusable


class FakeRelay:
    """Starts when it may, and does with a reload what the test says."""

    def __init__(self):
        self.may_start = asyncio.Event()
        self.outcomes = []
        self.told = asyncio.Queue()

    async def serve(self, stop, on_ready):
        await self.may_start.wait()
        on_ready()
        await stop.wait()

    async def reload(self, settings):
        assert self.may_start.is_set()
        if self.outcomes and (error := self.outcomes.pop(0)) is not None:
            raise error
        self.told.put_nowait("reloaded")

    def refuse_reload(self, reason, bug=None):
        self.told.put_nowait((reason, bug))


class Process:
    """The relay's process, whose signals are the test's."""

    def __init__(self, monkeypatch):
        self.relay = FakeRelay()
        self.reread = object  # whatever the settings are
        self.on = {}
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "add_signal_handler", self.on.__setitem__, raising=False)
        monkeypatch.setattr("relay.service.process.settle_memory", lambda: None)
        self.running = asyncio.create_task(
            run_until_signalled(self.relay, ServiceManager({}), self._reread)
        )

    def _reread(self):
        return self.reread()

    async def reload(self):
        self.on[signal.SIGHUP]()
        return await self.relay.told.get()


@pytest.fixture
async def process(monkeypatch):
    process = Process(monkeypatch)
    await asyncio.sleep(0)
    yield process
    process.relay.may_start.set()
    process.on[signal.SIGTERM]()
    await process.running


async def test_a_reload_asked_for_during_the_start_is_made_after_it(process):
    process.on[signal.SIGHUP]()
    for _ in range(10):
        await asyncio.sleep(0)
    assert process.relay.told.empty()
    process.relay.may_start.set()
    assert await process.relay.told.get() == "reloaded"


async def test_a_bug_in_a_reload_is_told_and_ends_neither_the_relay_nor_later_reloads(process):
    process.relay.may_start.set()
    bug = KeyError("a bug")
    process.relay.outcomes = [bug, Unusable("because"), None]
    assert await process.reload() == ("a bug of the relay (KeyError)", bug)
    assert await process.reload() == ("because", None)
    assert await process.reload() == "reloaded"
    process.reread = lambda: 1 / 0
    reason, error = await process.reload()
    assert reason == "a bug of the relay (ZeroDivisionError)"
    assert isinstance(error, ZeroDivisionError)
    process.reread = lambda: "line 3: what?"
    assert await process.reload() == ("line 3: what?", None)
    assert not process.running.done()
