"""For orchestrators and Prometheus: `/healthz`, `/readyz`, `/metrics`. Open to whoever connects.

Standards: Prometheus text format 0.0.4.
Errors: none.
"""

import asyncio

from aiohttp import web

from relay.telemetry import to_json
from relay.telemetry.metrics import CONTENT_TYPE
from relay.web.sources import Sources


class Health:
    """The handlers that need no token."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def alive(self, _request: web.Request) -> web.Response:
        """Answer as long as the event loop turns."""
        return web.Response(text="ok\n")

    async def ready(self, _request: web.Request) -> web.Response:
        """Say if mail should be sent here: 200, or 503 with the reasons."""
        readiness = self._sources.readiness()
        told = {
            "ready": readiness.ready,
            "reasons": readiness.reasons,
            "warnings": readiness.warnings,
        }
        return web.Response(
            body=to_json(told) + b"\n",
            content_type="application/json",
            status=200 if readiness.ready else 503,
        )

    async def metrics(self, _request: web.Request) -> web.Response:
        """Give the scrape page; mail goes on between two metrics."""
        page = []
        for metric in self._sources.metrics.pages():
            page.append(metric)
            await asyncio.sleep(0)
        return web.Response(body=b"".join(page), headers={"Content-Type": CONTENT_TYPE})
