"""The queue, the holds and the suppression list, looked at and changed by programs.

What changes something is a POST of a JSON object; `access` lets it through from programs with the
token, and in browsers from our own pages alone.

Errors: 400 with `{"error": …}` for what makes no sense, 404 for a word that is none, 503 for a
store that has a fault.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import orjson
from aiohttp import web

from relay.model import documents
from relay.model.custody import Changed
from relay.model.ports import StoreFault
from relay.web.api import json, limit_of, unknown, wrong
from relay.web.operator import Operator, Refused
from relay.web.queue_page import selection
from relay.web.sources import Sources
from relay.web.store import Census, Store

T = TypeVar("T")


class StoreApi:
    """The handlers under `/api` that are about what is kept."""

    def __init__(self, sources: Sources, store: Store, census: Census, operator: Operator) -> None:
        self._sources = sources
        self._store = store
        self._census = census
        self._operator = operator

    async def queue(self, request: web.Request) -> web.Response:
        """List kept messages, oldest first: `?user=&recipient=&state=&limit=`."""
        limit, chosen = limit_of(request), selection(request.query)
        if limit is None or isinstance(chosen, str):
            return wrong(chosen if isinstance(chosen, str) else "limit is a number")
        now = self._sources.clock.now()
        return _answer(
            await self._store.control.select(chosen, now, limit),
            lambda found: {"messages": [documents.entry(entry, now) for entry in found]},
        )

    async def queue_summary(self, _request: web.Request) -> web.Response:
        """Count kept messages by age, state and user."""
        return _answer(
            await self._census.look(),
            lambda kept: {"counts": [documents.count(cell) for cell in kept.counts]},
        )

    async def change(self, request: web.Request) -> web.Response:
        """Do `retry`, `hold`, `release` or `drop` to messages: `{"ids": […]}`."""
        word = request.match_info["word"]
        if not self._operator.knows(word):
            return unknown("word")
        given = await _posted(request)
        ids = given.get("ids") if given is not None else None
        if not (isinstance(ids, list) and all(isinstance(one, str) and one for one in ids)):
            return wrong('post {"ids": ["…"]}')
        return _answer(await self._operator.change(word, frozenset(ids)), _changed)

    async def holds(self, _request: web.Request) -> web.Response:
        """List users, routes and identities that are held, each with its reason."""
        return _answer(
            await self._store.holds.holds(self._sources.clock.now()),
            lambda found: {"holds": [documents.scope_hold(hold) for hold in found]},
        )

    async def hold(self, request: web.Request) -> web.Response:
        """Hold a scope: `{"kind": "user", "name": …, "reason": …}`, or a route, or an identity."""
        texts = await _texts(request, "kind", "name", "reason")
        if texts is None:
            return wrong('post {"kind": "user", "name": "…", "reason": "…"}')
        return _answer(await self._operator.hold(*texts), documents.scope_hold)

    async def release(self, request: web.Request) -> web.Response:
        """Let a scope go on: `{"kind": "user", "name": …}`."""
        texts = await _texts(request, "kind", "name", "route")
        if texts is None:
            return wrong('post {"kind": "user", "name": "…"}')
        return _answer(
            await self._operator.release(*texts), lambda released: {"released": released}
        )

    async def suppression(self, request: web.Request) -> web.Response:
        """List suppressed addresses: `?after=` an address, `?limit=` 500 at most."""
        limit = limit_of(request)
        if limit is None:
            return wrong("limit is a number")
        return _answer(
            await self._store.suppression.listed(request.query.get("after", ""), limit),
            lambda found: {"addresses": [documents.suppressed(one) for one in found]},
        )

    async def suppress(self, request: web.Request) -> web.Response:
        """Send an address nothing any more: `{"address": …, "note": …}`."""
        texts = await _texts(request, "address", "note")
        if texts is None:
            return wrong('post {"address": "…", "note": "…"}')
        return _answer(await self._operator.suppress(*texts), documents.suppressed)

    async def unsuppress(self, request: web.Request) -> web.Response:
        """Send an address mail again: `{"address": …}`."""
        texts = await _texts(request, "address")
        if texts is None:
            return wrong('post {"address": "…"}')
        return _answer(await self._operator.unsuppress(*texts), lambda gone: {"removed": gone})


def _answer(found: T | Refused | StoreFault, shown: Callable[[T], object]) -> web.Response:
    match found:
        case Refused():
            return wrong(found.value)
        case StoreFault(reason=reason):
            return json({"error": reason}, status=503)
        case _:
            return json(shown(found))


def _changed(changed: Changed) -> documents.Json:
    return {"changed": changed.ids, "under_way": changed.leased}


async def _posted(request: web.Request) -> Mapping[str, object] | None:
    """Read the object that was posted; None: it is none."""
    try:
        given = orjson.loads(await request.read())  # takes no text that the store could not keep
    except orjson.JSONDecodeError:
        return None
    return given if isinstance(given, dict) else None


async def _texts(request: web.Request, *names: str) -> list[str] | None:
    """Read texts of the object that was posted; the first must be there. None: it is wrong."""
    given = await _posted(request)
    if given is None or names[0] not in given:
        return None
    values = [given.get(name, "") for name in names]
    texts = [value.strip() for value in values if isinstance(value, str)]
    return texts if len(texts) == len(names) else None
