"""What the dashboard shows, as JSON for programs.

Errors: 404 with `{"error": …}` for what is not known any more.
"""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from relay.telemetry import ScrapeTime, to_json
from relay.telemetry.log import rfc3339
from relay.web.inbox import InboxMessage
from relay.web.letter import read
from relay.web.recent import Happening, Life
from relay.web.sources import Sources

_MOST = 500


class Api:
    """The handlers under `/api`."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def summary(self, _request: web.Request) -> web.Response:
        """Give the state of now."""
        readiness = self._sources.readiness()
        return _json(
            {
                "hostname": self._sources.hostname,
                "version": self._sources.version,
                "at": rfc3339(self._sources.clock.now()),
                "ready": readiness.ready,
                "reasons": readiness.reasons,
                "warnings": readiness.warnings,
                "events": dict(self._sources.recent.totals),
                "now": {
                    metric.full_name: _samples(metric, self._sources.metrics.current(metric))
                    for metric in ScrapeTime
                },
            }
        )

    async def messages(self, request: web.Request) -> web.Response:
        """List recent messages, newest first: `?about=` an id or address, `?limit=` at most 500."""
        limit = request.query.get("limit", "100")
        if not (limit.isdecimal() and len(limit) < 10):
            return _json({"error": "limit is a number"}, status=400)
        lives = self._sources.recent.lives(
            most=min(int(limit), _MOST), about=request.query.get("about", "")
        )
        return _json({"messages": [_life(life, all_events=False) for life in lives]})

    async def message(self, request: web.Request) -> web.Response:
        """Give one message's life."""
        life = self._sources.recent.life(request.match_info["id"])
        if life is None:
            return _unknown("message")
        return _json(_life(life, all_events=True))

    async def inbox(self, _request: web.Request) -> web.Response:
        """List what the simulated SES took, newest first."""
        if self._sources.inbox is None:
            return _unknown("inbox")
        return _json({"messages": [_told(message) for message in self._sources.inbox.list()]})

    async def inbox_message(self, request: web.Request) -> web.Response:
        """Give one of them, taken apart."""
        inbox = self._sources.inbox
        message = inbox.get(request.match_info["id"]) if inbox is not None else None
        if message is None:
            return _unknown("message")
        letter = await asyncio.to_thread(read, message.raw)
        parts = {
            "fields": letter.fields,
            "text": letter.text,
            "html": letter.html,
            "attachments": letter.attachments,
            "cut": letter.cut,
        }
        return _json(_told(message) | parts)


def _samples(
    metric: ScrapeTime, values: Mapping[tuple[str, ...], float]
) -> list[dict[str, object]]:
    return [
        {**dict(zip(metric.labels, labels, strict=True)), "value": value}
        for labels, value in values.items()
    ]


def _life(life: Life, *, all_events: bool) -> dict[str, object]:
    first = life.first
    given: dict[str, object] = {
        "queue_id": life.queue_id,
        "state": life.state,
        "at": rfc3339(first.at),
        "user": first.text("user"),
        "sender": first.text("sender"),
        "recipients": first.recipients,
        "last": _event(life.last),
    }
    if all_events:
        given["events"] = [_event(event) for event in life.events]
    return given


def _event(happening: Happening) -> dict[str, object]:
    return {"event": happening.event, "at": rfc3339(happening.at), **happening.facts}


def _told(message: InboxMessage) -> dict[str, object]:
    return {
        "id": message.id,
        "api": message.api,
        "at": rfc3339(message.accepted_at),
        "source": message.source,
        "destinations": message.destinations,
        "configuration_set": message.configuration_set,
        "tags": dict(message.tags),
        "tenant": message.tenant,
        "size": len(message.raw),
    }


def _unknown(what: str) -> web.Response:
    return _json({"error": f"no such {what}, or not kept any more"}, status=404)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=to_json(value), content_type="application/json", status=status)
