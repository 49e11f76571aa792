"""A simulator served by a thread of its own, for callers that block or have a loop of their own."""

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager

from relay.simulator import running


@contextmanager
def served(simulator):
    """Serve it, and give its URL."""
    ready: Future[str] = Future()
    loop, stopped = asyncio.new_event_loop(), asyncio.Event()

    async def serve():
        async with running(simulator) as url:
            ready.set_result(url)
            await stopped.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    try:
        yield ready.result(timeout=10)
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(timeout=10)
        loop.close()
