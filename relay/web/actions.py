"""An operator's words as forms of the dashboard: retry, hold, release, drop; suppress, allow again.

Each is a POST of a small form, which `access` lets through from our own pages alone, and answers
with the page to go on with, where it is said what was done or why not.

Errors: none of its own.
"""

from collections.abc import Mapping, Sized
from urllib.parse import quote

from aiohttp import web

from relay.model.custody import Changed
from relay.model.ports import StoreFault
from relay.web.operator import Operator, Refused
from relay.web.said import after

_MOST_TEXT = 500


class Actions:
    """Handlers of every form that changes something."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    async def queue(self, request: web.Request) -> web.Response:
        """Change the messages that the form names by their ids."""
        word = request.match_info["word"]
        if not self._operator.knows(word):
            raise web.HTTPNotFound
        form = await request.post()
        ids = [str(value) for value in form.getall("id", []) if value]
        changed = await self._operator.change(word, frozenset(ids))
        done = changed.ids if isinstance(changed, Changed) else changed
        page = f"/messages/{quote(ids[0], safe='')}" if form.get("back") == "message" else "/queue"
        return _on(page, word, () if done is Refused.IDS else done)

    async def hold(self, request: web.Request) -> web.Response:
        """Hold a whole user, route or identity."""
        form = await request.post()
        kind, name, reason = (_text(form, key) for key in ("kind", "name", "reason"))
        hold = await self._operator.hold(kind, name, reason)
        done = hold if isinstance(hold, Refused | StoreFault) else [hold]
        return _on(_back(form, name), "hold", done)

    async def release(self, request: web.Request) -> web.Response:
        """Let a held scope go on."""
        form = await request.post()
        kind, name, route = (_text(form, key) for key in ("kind", "name", "route"))
        released = await self._operator.release(kind, name, route)
        return _on(_back(form, name), "release", _as_many(released))

    async def suppress(self, request: web.Request) -> web.Response:
        """Put an address on the suppression list."""
        form = await request.post()
        entry = await self._operator.suppress(_text(form, "address"), _text(form, "note"))
        done = entry if isinstance(entry, Refused | StoreFault) else [entry]
        return _on("/suppression", "add", done)

    async def unsuppress(self, request: web.Request) -> web.Response:
        """Take an address from the list."""
        gone = await self._operator.unsuppress(_text(await request.post(), "address"))
        return _on("/suppression", "remove", _as_many(gone))


def _as_many(done: bool | Refused | StoreFault) -> Sized | Refused | StoreFault:  # noqa: FBT001 - what a port has answered
    return done if isinstance(done, Refused | StoreFault) else [True] * done


def _back(form: Mapping[str, object], user: str) -> str:
    return f"/users/{quote(user, safe='')}" if form.get("back") == "user" else "/queue"


def _text(form: Mapping[str, object], name: str) -> str:
    value = form.get(name, "")
    return value.strip()[:_MOST_TEXT] if isinstance(value, str) else ""


def _on(page: str, word: str, done: Sized | Refused | StoreFault) -> web.Response:
    match done:
        case Refused():
            location = after(page, done.name.lower())
        case StoreFault():
            location = after(page, "fault")
        case _:
            location = after(page, word, len(done))
    return web.Response(status=303, headers={"Location": location})
