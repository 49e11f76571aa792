"""Work that outlives the session that began it.

A client may hang up in the middle of a request to SES; the request goes on, its outcome is
recorded, and somebody awaits it. That somebody is the owner, which lives as long as the service.
Errors: what a piece of work raises reaches whoever awaits it, and always the log.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Owner:
    """Holds every piece of work until it is done."""

    def __init__(self, fault: Callable[[str, BaseException], None]) -> None:
        self._fault = fault
        self._work: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._work)

    def start(self, name: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin a piece of work; it goes on whether or not its task is awaited."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._work.add(task)
        task.add_done_callback(self._done)
        return task

    async def drain(self, grace: float) -> int:
        """Wait for all work, `grace` seconds at most; then cut it off. Gives how many were cut.

        Work that ends may begin more, such as recording what it found: that is waited for as well.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + grace
        while self._work and (left := until - loop.time()) > 0:
            await asyncio.wait(self._work, timeout=left)
        cut = list(self._work)
        for task in cut:
            task.cancel()
        if cut:
            # Each gets the chance to record what it knows; a bug there was logged by `_done`.
            await asyncio.wait(cut)
        return len(cut)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fault(task.get_name(), error)
