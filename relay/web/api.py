"""What the dashboard shows, as JSON for programs.

Errors: 404 with `{"error": …}` for what is not known any more, 400 for a question that makes no
sense, 503 for a store that has a fault.
"""

import asyncio

from aiohttp import web

from relay.model import documents
from relay.telemetry import ScrapeTime, to_json
from relay.web import answers
from relay.web.letter import read
from relay.web.lookup import Lookup
from relay.web.sources import Sources

MOST = 500


class Api:
    """The handlers under `/api` that need no store."""

    def __init__(self, sources: Sources, lookup: Lookup) -> None:
        self._sources = sources
        self._lookup = lookup

    async def summary(self, _request: web.Request) -> web.Response:
        """Give the state of now: readiness, warnings, events since the start, gauges."""
        readiness, recent = self._sources.readiness(), self._sources.recent
        return json(
            {
                "hostname": self._sources.hostname,
                "version": self._sources.version,
                "at": documents.instant(self._sources.clock.now()),
                "ready": readiness.ready,
                "reasons": readiness.reasons,
                "warnings": readiness.warnings,
                "events": {str(event): count for event, count in recent.totals.items()},
                "now": {
                    metric.full_name: answers.samples(metric, self._sources.metrics.current(metric))
                    for metric in ScrapeTime
                },
                "notices": [answers.happening(one) for one in recent.notices()],
            }
        )

    async def accounts(self, _request: web.Request) -> web.Response:
        """Give what SES said last of the account behind each route."""
        heard = self._sources.accounts()
        return json({"accounts": [answers.account(one) for one in heard]})

    async def users(self, _request: web.Request) -> web.Response:
        """List users with mail: last 24 hours, shares that came back, thresholds, cost."""
        records = self._sources.users.records()
        price = self._sources.price()
        return json({"users": [answers.user(record, price) for record in records]})

    async def user(self, request: web.Request) -> web.Response:
        """Give one user, day by day, with the newest messages."""
        name = request.match_info["name"]
        record = self._sources.users.record(name)
        if not self._lookup.knows(name):
            return unknown("user")
        days = self._sources.users.days(name)
        found = await self._lookup.of_user(name)
        lives = [answers.life(life, all_events=False) for life in found]
        told = answers.user(record, self._sources.price(), days)
        return json({**told, "messages": lives})

    async def messages(self, request: web.Request) -> web.Response:
        """List messages, newest first: `?about=` an id or address, `?limit=` 500 at most."""
        limit = limit_of(request)
        if limit is None:
            return wrong("limit is a number")
        found = await self._lookup.messages(request.query.get("about", ""), limit)
        return json({"messages": [answers.life(life, all_events=False) for life in found]})

    async def message(self, request: web.Request) -> web.Response:
        """Give one message's life, and its place in the queue while it is kept."""
        found = await self._lookup.message(request.match_info["id"])
        if found is None:
            return unknown("message")
        now, entry = self._sources.clock.now(), found.entry
        kept = None if entry is None else documents.entry(entry, now)
        return json({**answers.life(found.life, all_events=True), "kept": kept})

    async def inbox(self, _request: web.Request) -> web.Response:
        """List what the simulated SES took, newest first (demo alone)."""
        if self._sources.inbox is None:
            return unknown("inbox")
        return json({"messages": [answers.taken(one) for one in self._sources.inbox.list()]})

    async def inbox_message(self, request: web.Request) -> web.Response:
        """Give one of them, taken apart (demo alone)."""
        inbox = self._sources.inbox
        message = inbox.get(request.match_info["id"]) if inbox is not None else None
        if message is None:
            return unknown("message")
        letter = await asyncio.to_thread(read, message.raw)
        parts = {
            "fields": letter.fields,
            "text": letter.text,
            "html": letter.html,
            "attachments": letter.attachments,
            "cut": letter.cut,
        }
        return json(answers.taken(message) | parts)


def limit_of(request: web.Request) -> int | None:
    """Read how much is wanted; None: that is no number."""
    limit = request.query.get("limit", "100")
    return min(int(limit), MOST) if limit.isdecimal() and len(limit) < 10 else None


def unknown(what: str) -> web.Response:
    """Answer that it is not there."""
    return json({"error": f"no such {what}, or not kept any more"}, status=404)


def wrong(why: str) -> web.Response:
    """Answer that the question makes no sense."""
    return json({"error": why}, status=400)


def json(value: object, status: int = 200) -> web.Response:
    """Answer with a document."""
    return web.Response(body=to_json(value), content_type="application/json", status=status)
