"""Runs the application on a listening socket that its owner opened.

Errors: OSError when the socket cannot be used.
"""

import asyncio
import socket
from dataclasses import dataclass
from ssl import SSLContext

from aiohttp import web

from relay.web.patience import Connection, Patience, Room


@dataclass(frozen=True, slots=True)
class Served:
    """An application that is served."""

    address: object  # as the socket has it
    _runner: web.AppRunner
    _server: asyncio.Server

    async def close(self) -> None:
        """Stop; requests under way have a second."""
        self._server.close()
        await self._runner.cleanup()


async def serve(
    app: web.Application,
    listening: socket.socket,
    tls: SSLContext | None = None,
    patience: Patience | None = None,
) -> Served:
    """Serve until `close()` of what is returned."""
    room = Room(patience or Patience())
    app.middlewares.insert(0, room.attend)
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=1.0, lingering_time=1.0
    )
    await runner.setup()
    address = listening.getsockname()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(_protocol(runner), room),
        sock=listening,
        ssl=tls,
        ssl_handshake_timeout=None if tls is None else room.patience.handshake,
    )
    return Served(address, runner, server)


def _protocol(runner: web.AppRunner) -> asyncio.Protocol:
    if runner.server is None:
        raise RuntimeError("the application is not set up")
    return runner.server()
