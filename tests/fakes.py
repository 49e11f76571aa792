"""Time for tests: a clock, and an event loop on which waiting costs no real time.

Three ways to use it, from the simplest:

- Plain code that is handed a clock: `clock = FakeClock()`, then `clock.advance(60)`.
- An async test in which time passes: mark it (or its module) with `fake_time` and make a clock
  inside it, or ask for the fixture `clock`. `asyncio.sleep`, `asyncio.timeout`, `call_later` and
  `FakeClock.sleep` all run on the virtual time of the loop, which jumps to the next timer as soon
  as nothing else can be done:

      @pytest.mark.fake_time
      async def test_an_hour_passes(clock):
          await clock.sleep(3600)

- A synchronous test, such as a Hypothesis property, that needs a loop per example:
  `run_in_fake_time(story())`.

What is real stays real. Work in `run_in_executor` or `asyncio.to_thread` is waited for before time
moves, and so is other work in threads while `with loop.real_work():` is open. Sockets work; with
one open, the loop gives the peer a real millisecond before each jump, so a peer in the same loop
always gets its word in, one in another process may not.

A test that waits for something that nothing can bring about fails after `PATIENCE` real seconds.
"""

import asyncio
import contextlib
import selectors
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Where every test begins. The loop's zero is not a round number, to catch code that mixes up
# monotonic and wall time.
START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ORIGIN = 1_000.0

PATIENCE = 30.0
GRACE = 0.001


class FakeTime:
    """Monotonic seconds that move only when told to."""

    def __init__(self) -> None:
        self.seconds = ORIGIN


class _JumpingSelector(selectors.BaseSelector):
    """A real selector that moves fake time instead of waiting for a timer."""

    def __init__(self, time: FakeTime) -> None:
        self._time = time
        self._real = selectors.DefaultSelector()
        self.real_work = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = self._real.select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if timeout is None or self.real_work:
            events = self._real.select(PATIENCE)
            if not events:
                raise RuntimeError("the test waits for something that nothing can bring about")
            return events
        if len(self._real.get_map()) > 1:  # more than the loop's own wake-up pipe
            events = self._real.select(GRACE)
            if events:
                return events
        self._time.seconds += timeout
        return []

    def register(self, fileobj: Any, events: int, data: object = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: object = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer whenever nothing is ready."""

    def __init__(self) -> None:
        self.fake_time = FakeTime()
        self._jumping = _JumpingSelector(self.fake_time)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self.fake_time.seconds

    @contextlib.contextmanager
    def real_work(self) -> Iterator[None]:
        """Hold fake time still while something outside the loop works and will call back."""
        self._jumping.real_work += 1
        try:
            yield
        finally:
            self._jumping.real_work -= 1

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._jumping.real_work += 1
        future.add_done_callback(self._real_work_done)
        return future

    def _real_work_done(self, _future: asyncio.Future[Any]) -> None:
        self._jumping.real_work -= 1

    async def shutdown_default_executor(self, *args: Any) -> None:
        # A thread of its own joins the executor; a jump to the time-out would leave it behind.
        with self.real_work():
            await super().shutdown_default_executor(*args)


class FakeClock:
    """A `relay.model.clock.Clock` that stands still until it is moved.

    Made while a `FakeTimeLoop` runs it shows that loop's time, otherwise its own.
    """

    def __init__(self, start: datetime = START) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        self._follows_loop = isinstance(loop, FakeTimeLoop)
        self._time = loop.fake_time if isinstance(loop, FakeTimeLoop) else FakeTime()
        self._zero = start - timedelta(seconds=self._time.seconds)

    def now(self) -> datetime:
        return self._zero + timedelta(seconds=self._time.seconds)

    def monotonic(self) -> float:
        return self._time.seconds

    async def sleep(self, seconds: float) -> None:
        """Wait; on an ordinary loop the clock moves on by itself and nobody waits."""
        if self._follows_loop:
            await asyncio.sleep(max(seconds, 0.0))
        else:
            self.advance(max(seconds, 0.0))
            await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Let time pass at once; timers that fell due run when the loop comes round."""
        assert seconds >= 0, "monotonic time never runs backwards; see jump"
        self._time.seconds += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock alone, forwards or backwards, as an administrator or NTP does."""
        self._zero += timedelta(seconds=seconds)


def run_in_fake_time(story: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a fresh `FakeTimeLoop`."""
    with asyncio.Runner(loop_factory=FakeTimeLoop) as runner:
        return runner.run(story)


def never_withdrawn(reply):
    """Be told that a content must be given up, in a test where nobody else needs its room."""
    raise AssertionError(reply)
