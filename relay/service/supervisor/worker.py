"""A worker's process: `python -m relay.service.supervisor.worker WORDS HATCH`, by a supervisor.

It obeys what the supervisor says, and tells each second how it stands. Signals that a terminal
sends to all of them are the supervisor's business; SIGTERM drains this worker alone, and the
supervisor starts another. Without a supervisor there is nobody to start it again: it drains too.

Errors: exit code 2 and `Unfit` when it cannot start.
"""

import asyncio
import signal
import socket
import sys
from collections import deque
from collections.abc import Collection, Coroutine, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import assert_never

from relay.delivery.account import AccountUnknown
from relay.model.account import AccountState
from relay.model.clock import SystemClock
from relay.model.settings import Bind
from relay.service.assembly import Outside
from relay.service.loop import run_loop, settle_memory
from relay.service.relay import Relay
from relay.service.snapshot import Unusable
from relay.service.supervisor.counted import count_in, counted_by
from relay.service.supervisor.portion import portion
from relay.service.supervisor.wire import Wire
from relay.service.supervisor.words import (
    NOTHING,
    Adopt,
    Answered,
    Asked,
    Begin,
    Cover,
    Drain,
    Elsewhere,
    GiveBack,
    Happened,
    Hurry,
    Keep,
    Looked,
    TakeOver,
    Told,
    Unfit,
    Up,
)
from relay.smtp import ListenFault
from relay.telemetry import Metrics, adopt_library_logs, stdout_writer

TELL_EACH = 1.0  # seconds
_MOST_EVENTS = 20_000  # kept for a supervisor that is slow to listen; older ones are not shown


class Outbox:
    """Implements `relay.model.ports.History`: what happens, until the supervisor is told."""

    def __init__(self) -> None:
        self._happened: deque[Happened] = deque(maxlen=_MOST_EVENTS)

    def note(self, event: str, at: datetime, facts: Mapping[str, object]) -> None:
        """Keep one event."""
        self._happened.append((event, at, facts))

    def empty(self) -> list[Happened]:
        """Give everything, once."""
        happened = list(self._happened)
        self._happened.clear()
        return happened


class HandedDoors:
    """Implements `relay.smtp.Doors` over sockets that the supervisor has opened."""

    def __init__(self) -> None:
        self._sockets: dict[str, tuple[socket.socket, ...]] = {}
        self._covered: dict[int, dict[str, tuple[socket.socket, ...]]] = {}  # other workers'

    def handed(self, wire: Wire, told: Mapping[str, int]) -> None:
        """Take over what the supervisor has handed over."""
        for bind, count in told.items():
            _close(self._sockets.pop(bind, ()))
            self._sockets[bind] = wire.take(count)

    def cover(self, wire: Wire, word: Cover) -> Collection[str]:
        """Take over another worker's sockets, or leave them to it; gives the binds concerned."""
        before = self._covered.pop(word.number, {})
        for sockets in before.values():
            _close(sockets)
        if word.sockets:
            self._covered[word.number] = {
                bind: wire.take(count) for bind, count in word.sockets.items()
            }
        return before.keys() | word.sockets.keys()

    def keep(self, binds: Collection[str]) -> None:
        """Close all but these, which no listener uses any more and none will use again."""
        for by_bind in (self._sockets, *self._covered.values()):
            for bind in by_bind.keys() - set(binds):
                _close(by_bind.pop(bind))

    def open(self, bind: Bind) -> tuple[socket.socket, ...] | ListenFault:
        """Give copies of the sockets of a bind."""
        sockets = self._sockets.get(str(bind))
        if sockets is None:
            return ListenFault(str(bind), "the supervisor has handed over no socket for it")
        covered = (theirs.get(str(bind), ()) for theirs in self._covered.values())
        return tuple(one.dup() for one in chain(sockets, *covered))

    def gone(self, bind: Bind) -> None:
        """Keep ours: a reload that is taken back opens the listener again."""


def _close(sockets: Iterable[socket.socket]) -> None:
    for one in sockets:
        one.close()


class Worker:
    """One worker under its supervisor."""

    def __init__(self, wire: Wire, begin: Begin) -> None:
        self._wire = wire
        self._workers = begin.seat.workers
        self._stop = asyncio.Event()
        self._outbox = Outbox()
        self._doors = HandedDoors()
        self._doors.handed(wire, begin.sockets)
        self._adopt = begin.adopt
        self._looks = dict(begin.looks)  # until it is up
        self._metrics = Metrics()
        self._open = False
        clock = self._clock = SystemClock()
        log = stdout_writer(begin.settings.log, clock, self._metrics, worker=begin.seat.number)
        adopt_library_logs(log)
        self._relay = Relay(
            portion(begin.settings, self._workers),
            Outside(
                clock=clock,
                log=log,
                metrics=self._metrics,
                seat=begin.seat,
                doors=self._doors,
                outbox=self._outbox,
            ),
        )
        self._serving: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the supervisor, or its absence, ends it; raises `Unusable` when it cannot."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end)
        for number in (signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: None)
        self._serving = asyncio.create_task(self._relay.serve(self._stop, self._up))
        listening = asyncio.create_task(self._listen())
        listening.add_done_callback(lambda _: self._end())  # also when it fails: a deaf one is none
        attending = [listening, asyncio.create_task(self._tell())]
        try:
            with suppress(asyncio.CancelledError):
                await self._serving
        finally:
            for task in (*attending, *self._answering):
                task.cancel()
            await asyncio.gather(*attending, *self._answering, return_exceptions=True)
            self._report()
            await self._wire.said()
        if not listening.cancelled() and (error := listening.exception()) is not None:
            raise error

    def _up(self) -> None:
        self._open = True
        for route, look in self._looks.items():
            self._looked(route, look)
        for slot in self._adopt:
            self._answering_to(self._adopted(slot))
        settle_memory()
        self._report()
        self._wire.say(Up())

    async def _listen(self) -> None:
        while (word := await self._wire.hear()) is not None:
            match word:
                case Looked(route, look):
                    self._looked(route, look)
                case Elsewhere(counted):
                    now = self._clock.monotonic()
                    count_in(self._relay.parts, self._relay.settings, counted, now)
                case Cover():
                    self._answering_to(self._cover(word))
                case Asked():
                    self._answering_to(self._answer(word))
                case Drain():
                    self._end()
                case Hurry():
                    self._end()
                    if self._serving is not None:
                        self._serving.cancel()
                case _:
                    raise TypeError(f"not a word for a worker: {word}")

    def _end(self) -> None:
        self._doors.keep(())
        self._stop.set()

    def _looked(self, route: str, look: AccountState | AccountUnknown) -> None:
        if not self._open:
            self._looks[route] = look
        elif isinstance(look, AccountState):
            self._relay.looked(route, look)

    def _answering_to(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, asked: Asked) -> None:
        answer: object
        match asked.word:
            case TakeOver(settings=settings, sockets=sockets):
                self._doors.handed(self._wire, sockets)
                try:
                    await self._relay.reload(portion(settings, self._workers))
                    self._doors.keep([str(listener.bind) for listener in settings.listeners])
                    answer = None
                except Unusable as fault:
                    self._relay.refuse_reload(str(fault))
                    answer = str(fault)
            case Adopt(slot):
                await self._adopted(slot)
                answer = None
            case GiveBack(slot):
                answer = await self._relay.give_back(slot)
            case Keep(new):
                answer = await self._relay.parts.custody.put(new)
            case _:
                assert_never(asked.word)
        self._wire.say(Answered(asked.number, answer))

    async def _cover(self, word: Cover) -> None:
        concerned = self._doors.cover(self._wire, word)
        if self._stop.is_set():
            self._doors.keep(())
        else:
            await self._relay.parts.listeners.reopen(concerned)

    async def _adopted(self, slot: int) -> None:
        await self._relay.adopt(slot)

    async def _tell(self) -> None:
        pause = TELL_EACH
        while True:
            await asyncio.sleep(pause)
            began = asyncio.get_running_loop().time()
            self._report()
            await self._wire.said()
            # Thousands of users have many samples: what it costs stays a small share of the time.
            pause = max(TELL_EACH, 50 * (asyncio.get_running_loop().time() - began))

    def _report(self) -> None:
        self._wire.say(
            Told(
                accepts=self._open and not self._stop.is_set(),
                report=self._metrics.report(),
                readiness=self._relay.readiness(),
                happened=self._outbox.empty(),
                counted=counted_by(self._relay.parts) if self._open else NOTHING,
            )
        )


async def _main(words: int, hatch: int) -> int:
    wire = await Wire.on(socket.socket(fileno=words), socket.socket(fileno=hatch))
    begin = await wire.hear()
    if not isinstance(begin, Begin):  # the supervisor has gone before it said anything
        return 1
    try:
        await Worker(wire, begin).run()
    except Unusable as fault:
        wire.say(Unfit(str(fault)))
        await wire.said()
        return 2
    finally:
        await wire.close()
    return 0


if __name__ == "__main__":
    sys.exit(run_loop(_main(int(sys.argv[1]), int(sys.argv[2]))))
