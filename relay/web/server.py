"""Runs the application on a listening socket that its owner opened.

Errors: OSError when the socket cannot be used.
"""

import socket

from aiohttp import web


async def serve(app: web.Application, listening: socket.socket) -> web.AppRunner:
    """Serve until `cleanup()` of what is returned."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner
