"""One worker's place: somebody is at work there, or somebody new is on the way.

A process that ends by itself is followed by another, at once for the first time and after growing
pauses when that does not help.

Errors: `Unusable` from the first start; later ones are told and tried again.
"""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from relay.model.clock import Clock
from relay.service.snapshot import Unusable
from relay.service.supervisor.wire import Wire
from relay.service.supervisor.words import (
    Answered,
    Asked,
    Begin,
    Drain,
    Hurry,
    Order,
    Told,
    Unfit,
    Up,
)

T = TypeVar("T")

SHORTEST, LONGEST = 0.5, 30.0  # seconds between two starts that did not help
LOOK_EACH = 1.0  # seconds between two looks whether a slot is free
SILENT = 60.0  # seconds without a word, of which there is one each second, until it is ended
LEAVES = 10.0  # seconds that a worker without a wire may take to end
SETTLED = 60.0  # seconds of life after which the next end is the first again
_ROOT = Path(__file__).parents[3]  # where the package is
_OURS_ALONE = (
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
)


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no worker to answer."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A worker that ended by itself, or did not start."""

    reason: str
    in_a_row: int
    lived: float  # seconds
    pause: float  # seconds until another is tried


class Employer(Protocol):
    """Whose workers they are."""

    def begin(self, number: int) -> tuple[Begin, Iterable[socket.socket]]:
        """Say what a new worker begins with."""
        ...

    def told(self, number: int, told: Told) -> None:
        """Hear how a worker stands."""
        ...

    def gone(self, number: int) -> None:
        """Know that a worker's process has ended, whatever the reason."""
        ...

    async def failed(self, number: int, failure: Failure) -> None:
        """Hear that a worker ended by itself, and when another is tried."""
        ...

    async def may_start(self, number: int) -> bool:
        """Say if a worker can be tried: its part of the store may be in other hands."""
        ...


@dataclass(slots=True)
class _Hired:
    """A process at work."""

    process: Process
    wire: Wire
    listening: asyncio.Task[None] | None = None
    started: asyncio.Future[str | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )  # None: it is up; else why not
    asked: dict[int, asyncio.Future[object]] = field(default_factory=dict)
    silent: bool = False

    def kill(self) -> None:
        """End it at once; nothing that was accepted is lost."""
        with suppress(ProcessLookupError):
            self.process.kill()

    async def ended(self) -> int:
        """Wait for the process that has hung up, and end one that does not end; gives its code."""
        try:
            async with asyncio.timeout(LEAVES):
                return await self.process.wait()
        except TimeoutError:
            self.kill()
            return await self.process.wait()


class Post:
    """Keeps one worker at work."""

    def __init__(self, number: int, employer: Employer, clock: Clock) -> None:
        self.number = number
        self.trouble: str | None = "is starting"  # why nobody is at work
        self.accepted_at = clock.monotonic()  # when somebody here last said to accept connections
        self._employer = employer
        self._clock = clock
        self._hired: _Hired | None = None
        self._asked = 0
        self._dismissed = False
        self._empty = asyncio.Event()  # no process is there, and all it said was heard
        self._empty.set()

    @property
    def up(self) -> bool:
        """Whether somebody is at work."""
        return self.trouble is None

    async def start(self) -> None:
        """Start a process and wait until its listeners are open; raises `Unusable`."""
        self._empty.clear()
        try:
            hired = self._hired = await self._hire()
        except OSError as fault:  # no process, no memory or no descriptor is left just now
            self._empty.set()
            raise Unusable(f"cannot be started: {fault.strerror}") from fault
        hired.listening = asyncio.create_task(self._listen(hired))
        if self._dismissed:
            self.say(Drain())
        reason = await hired.started
        if reason is not None:
            await self._empty.wait()
            raise Unusable(reason)
        self.trouble = None

    async def run(self) -> None:
        """See to it that somebody is at work, until `dismiss`."""
        in_a_row = 0
        while not self._dismissed:
            began = self._clock.monotonic()
            await self._empty.wait()
            lived = self._clock.monotonic() - began
            in_a_row = 1 if lived >= SETTLED else in_a_row + 1
            if self.trouble is not None and not self._dismissed:
                await self._start_again(self.trouble, in_a_row, lived)

    async def _start_again(self, reason: str, in_a_row: int, lived: float) -> None:
        pause = 0.0 if in_a_row == 1 else min(SHORTEST * 2.0 ** (in_a_row - 2), LONGEST)
        self.trouble = f"{reason}; starts again in {pause:.1f} s"
        failure = Failure(reason=reason, in_a_row=in_a_row, lived=lived, pause=pause)
        await self._employer.failed(self.number, failure)
        await self._clock.sleep(pause)
        while not self._dismissed and not await self._employer.may_start(self.number):
            self.trouble = "waits for its slot, which another worker drains"
            await self._clock.sleep(LOOK_EACH)
        if self._dismissed:
            return
        try:
            await self.start()
        except Unusable as fault:
            self.trouble = str(fault)

    def say(self, word: Order, sockets: Iterable[socket.socket] = ()) -> None:
        """Tell whoever is at work, handing over the sockets that the word tells of.

        Nobody else needs to know.
        """
        if self._hired is not None:
            self._hired.wire.hand_over(sockets)
            self._hired.wire.say(word)

    async def ask(self, word: Asked, sockets: Iterable[socket.socket] = ()) -> object | Gone:
        """Ask whoever is at work, handing over the sockets that the word tells of."""
        if self._hired is None or not self.up:
            return Gone(f"worker {self.number} {self.trouble}")
        answer = asyncio.get_running_loop().create_future()
        self._hired.asked[word.number] = answer
        self.say(word, sockets)
        found: object | Gone = await answer
        return found

    def dismiss(self) -> None:
        """Have it drain; nobody follows."""
        self._dismissed = True
        self.say(Drain())

    async def ended_within(self, patience: float) -> bool:
        """Wait until it has ended by itself, that long."""
        try:
            async with asyncio.timeout(patience):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    async def end(self, patience: float) -> None:
        """Have it end now, and kill it if it does not."""
        self._dismissed = True
        self.say(Hurry())
        if not await self.ended_within(patience) and self._hired is not None:
            self._hired.kill()
            await self._empty.wait()

    async def _hire(self) -> _Hired:
        with ExitStack() as ours, ExitStack() as theirs:
            words, their_words = socket.socketpair()
            ours.enter_context(words)
            theirs.enter_context(their_words)
            hatch, their_hatch = socket.socketpair()
            ours.enter_context(hatch)
            theirs.enter_context(their_hatch)
            process = await _worker(their_words.fileno(), their_hatch.fileno())
            ours.pop_all()
        wire = await Wire.on(words, hatch)
        begin, sockets = self._employer.begin(self.number)
        wire.hand_over(sockets)
        wire.say(begin)
        return _Hired(process, wire)

    async def _hear(self, hired: _Hired) -> object | None:
        """Wait for a word; who says none for so long has an event loop that stands still.

        It is looked at twice: when all of us stood still (a container that was paused), the first
        look comes before anybody had time to say a word.
        """
        hearing = asyncio.ensure_future(hired.wire.hear())
        try:
            for _ in range(2):
                await asyncio.wait([hearing], timeout=SILENT / 2)
            if not hearing.done() and not hired.silent:
                hired.silent = True
                hired.kill()
            return await hearing
        finally:
            hearing.cancel()

    async def _listen(self, hired: _Hired) -> None:
        try:
            while (word := await self._hear(hired)) is not None:
                self._heard(hired, word)
        except BaseException:
            hired.kill()  # whom nobody listens to has no use, and would never be missed
            raise
        finally:
            await self._gone(hired)

    def _heard(self, hired: _Hired, word: object) -> None:
        match word:
            case Told():
                if word.accepts:
                    self.accepted_at = self._clock.monotonic()
                self._employer.told(self.number, word)
            case Answered(number, answer):
                _settle(hired.asked.pop(number), answer)
            case Up():
                _settle(hired.started, None)
            case Unfit(reason):
                _settle(hired.started, reason)
            case _:
                raise TypeError(f"not a word of a worker: {word}")

    async def _gone(self, hired: _Hired) -> None:
        self.trouble = "is ending"
        code = await hired.ended()
        how = f"said nothing for {SILENT:.0f} s and was ended" if hired.silent else _how(code)
        await hired.wire.close()
        self.trouble = how
        self._hired = None
        self._employer.gone(self.number)
        _settle(hired.started, f"{how} while it started")
        for answer in hired.asked.values():
            _settle(answer, Gone(f"worker {self.number} {how}"))
        self._empty.set()


async def _worker(words: int, hatch: int) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "relay.service.supervisor.worker"),
        *(str(words), str(hatch)),
        pass_fds=(words, hatch),
        stdin=DEVNULL,
        env=_environment(os.environ),
    )


def _settle(future: asyncio.Future[T], result: T) -> None:
    """Give a result to who may have stopped waiting for it."""
    if not future.done():
        future.set_result(result)


def _how(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Give a worker our environment, and the place we were loaded from."""
    theirs = {name: value for name, value in ours.items() if name not in _OURS_ALONE}
    known = theirs.get("PYTHONPATH")
    theirs["PYTHONPATH"] = os.pathsep.join([str(_ROOT), *([known] if known else [])])
    return theirs
