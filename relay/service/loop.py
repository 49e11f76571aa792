"""The event loop of a process, and what goes on in it for ever.

Errors: those of what it runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def forever(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run what must not end by itself; returning is as fatal as raising."""
    await work()
    raise RuntimeError(f"{name} ended unexpectedly")


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
