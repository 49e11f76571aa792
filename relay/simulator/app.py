"""The simulator over HTTP: an aiohttp application, and a server for a bind.

This is the adapter: all that knows aiohttp, and the only place that waits.

Errors: `running` raises `ValueError` for a bind it cannot read and `OSError` for one it cannot
take.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from . import limits, refusal
from .courier import post_for_ever
from .exchange import Answer, Cut, HttpRequest, LongPoll
from .simulator import Simulator

Sleep = Callable[[float], Awaitable[None]]

_BIND = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})")
# How long the stop waits for answers under way; scripted delays are cut short by it.
_STOP_GRACE_S = 0.5
_LOOK_EACH_S = 0.02


def make_app(simulator: Simulator, *, sleep: Sleep = asyncio.sleep) -> web.Application:
    """An application that serves SES's APIs, STS and the control paths on every path."""

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            why = refusal.too_large(limits.REQUEST_OCTETS)
            return _response(simulator.refuse(request.path, why))
        played = simulator.respond(_arrived(request, body))
        if isinstance(played, Cut):
            return _cut(request)
        if isinstance(played, LongPoll):
            return await _polled(request, played)
        if played.delay_s:
            await sleep(played.delay_s)
        return _response(played.answer)

    async def courier(_app: web.Application) -> AsyncIterator[None]:
        posting = asyncio.create_task(post_for_ever(simulator.service))
        yield
        posting.cancel()
        await asyncio.wait([posting])

    app = web.Application(client_max_size=limits.REQUEST_OCTETS)
    app.cleanup_ctx.append(courier)
    app.router.add_route("*", "/{path:.*}", serve)
    return app


@asynccontextmanager
async def running(
    simulator: Simulator, bind: str = "127.0.0.1:0", *, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[str]:
    """Serve on `host:port` or `[v6]:port` while the context lasts; yields the URL.

    Port 0 takes a free one. On leaving, answers under way have half a second.
    """
    host, port = _address(bind)
    runner = web.AppRunner(
        make_app(simulator, sleep=sleep), access_log=None, shutdown_timeout=_STOP_GRACE_S
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0][1]
        yield f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


def _address(bind: str) -> tuple[str, int]:
    found = _BIND.fullmatch(bind)
    if found is None or int(found["port"]) > 65_535:
        raise ValueError(f"{bind!r} is no bind; write host:port or [v6]:port, such as 127.0.0.1:0")
    return found["v6"] or found["host"], int(found["port"])


def _arrived(request: web.Request, body: bytes) -> HttpRequest:
    path, _, query_string = request.raw_path.partition("?")
    headers = tuple(
        (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
        for name, value in request.raw_headers
    )
    return HttpRequest(request.method, path, query_string, headers, body)


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


async def _polled(request: web.Request, poll: LongPoll) -> web.StreamResponse:
    """Ask until there is something, the time is over, or nobody listens any more."""
    loop = asyncio.get_running_loop()
    until = loop.time() + poll.wait_s
    while request.transport is not None and not request.transport.is_closing():
        answer, something = poll.ask()
        if something or loop.time() >= until:
            return _response(answer)
        await asyncio.sleep(_LOOK_EACH_S)
    return web.Response(status=500)


def _cut(request: web.Request) -> web.StreamResponse:
    """Abort the connection: what the server then writes goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
