"""Serve health, metrics and the dashboard of one worker.

Errors: `Unusable` when the address cannot be had.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack

from relay.model.settings import Settings
from relay.service.assembly import VERSION, Outside
from relay.service.snapshot import Unusable
from relay.smtp.sockets import ListenFault, open_sockets
from relay.web import Access, Readiness, Sources, make_app, serve


async def open_http(
    settings: Settings,
    outside: Outside,
    readiness: Callable[[], Readiness],
    stack: AsyncExitStack,
) -> str:
    """Open the HTTP side; gives the address it is reached at."""
    sources = Sources(
        hostname=settings.hostname or "",
        version=VERSION,
        metrics=outside.metrics,
        recent=outside.recent,
        readiness=readiness,
        clock=outside.clock,
        inbox=outside.inbox,
    )
    access = Access(settings.http.bind, settings.http.token, outside.clock)
    sockets = open_sockets(settings.http.bind)
    if isinstance(sockets, ListenFault):
        raise Unusable(f"http.bind: {sockets}")
    first, *others = sockets
    for other in others:
        other.close()
    runner = await serve(make_app(sources, access), first)
    stack.push_async_callback(runner.cleanup)
    host, port, *_ = runner.addresses[0] if runner.addresses else ("", 0)
    return f"http://{host}:{port}" if port else str(settings.http.bind)
