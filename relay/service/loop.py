"""The event loop of a process, and what goes on in it for ever.

Errors: those of what it runs.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

# Objects more than fewer before a look at the young, and looks before one at the older: a message
# makes about a thousand objects and leaves none behind.
GC_THRESHOLDS = (10_000, 20, 50)

T = TypeVar("T")


async def forever(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run what must not end by itself; returning is as fatal as raising."""
    await work()
    raise RuntimeError(f"{name} ended unexpectedly")


def settle_memory() -> None:
    """Tell the garbage collector that what is there now stays: settings, code, tables.

    Looking through it again and again cost a twentieth of a message's time: with a long queue, and
    in each of two workers.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where it is installed (extra `fast`), on asyncio's own loop otherwise."""
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        return runner.run(main)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an extra; its absence is no fault
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
