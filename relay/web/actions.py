"""What an operator may do on the dashboard: retry, hold, release, drop; suppress and allow again.

Each is a POST of a small form, which `access` lets through from our own pages alone, and answers
with the page to go on with. What was done is noted in the history, so that `trace` tells of it.

Errors: what cannot be done is said on that page.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from urllib.parse import quote

from aiohttp import web

from relay.model.address import Address, AddressFault
from relay.model.custody import Changed, ScopeHold, Selection
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import StoreFault, Suppressed
from relay.web.said import after
from relay.web.sources import Sources
from relay.web.store import Store

_HELD = "held on the dashboard"
_REASON = "manual"
_MOST_TEXT = 500

_Change = Callable[[Selection, datetime], Awaitable[Changed | StoreFault]]


class Actions:
    """Handlers of every POST that changes something."""

    def __init__(self, sources: Sources, store: Store) -> None:
        self._sources = sources
        self._store = store
        control = store.control
        # What is done, and the event that tells of it with its reason.
        self._changes: Mapping[str, tuple[_Change, str, str]] = {
            "retry": (control.retry, "", ""),
            "hold": (
                lambda chosen, now: control.hold(chosen, Held(reason=_HELD), now),
                "message.held",
                _HELD,
            ),
            "release": (control.release, "message.released", "released on the dashboard"),
            "drop": (control.drop, "message.discarded", "dropped on the dashboard"),
        }

    async def queue(self, request: web.Request) -> web.Response:
        """Change the messages that the form names by their ids."""
        word = request.match_info["word"]
        if word not in self._changes:
            raise web.HTTPNotFound
        change, event, reason = self._changes[word]
        form = await request.post()
        ids = frozenset(str(value) for value in form.getall("id", []) if value)
        if not ids:  # a selection without ids means everything
            return _on(after("/queue", word))
        now = self._sources.clock.now()
        changed = await change(Selection(ids=ids), now)
        if isinstance(changed, StoreFault):
            return _on(after("/queue", "fault"))
        for queue_id in changed.ids if event else ():
            self._note(event, {"queue_id": queue_id, "reason": reason})
        [first, *_] = ids
        page = f"/messages/{quote(first, safe='')}" if form.get("back") == "message" else "/queue"
        return _on(after(page, word, len(changed.ids)))

    def _note(self, event: str, facts: Mapping[str, object]) -> None:
        now = self._sources.clock.now()
        for history in (self._store.history, self._sources.recent):
            history.note(event, now, facts)

    async def hold(self, request: web.Request) -> web.Response:
        """Hold a whole user, route or identity."""
        form = await request.post()
        scope = self._scope(_text(form, "kind"), _text(form, "name"))
        if scope is None:
            return _on(after("/queue", "scope"))
        now = self._sources.clock.now()
        held = Held(reason=_text(form, "reason") or _HELD)
        fault = await self._store.holds.hold(ScopeHold(scope=scope, held=held, since=now))
        return _on(after("/queue", "hold", 1) if fault is None else after("/queue", "fault"))

    async def release(self, request: web.Request) -> web.Response:
        """Let a held scope go on."""
        form = await request.post()
        kind, name, route = (_text(form, key) for key in ("kind", "name", "route"))
        if kind not in ScopeKind.__members__.values():
            return _on(after("/queue", "scope"))
        done = await self._store.holds.release(Scope(ScopeKind(kind), name, route))
        if isinstance(done, StoreFault):
            return _on(after("/queue", "fault"))
        return _on(after("/queue", "release", int(done)))

    async def suppress(self, request: web.Request) -> web.Response:
        """Put an address on the suppression list."""
        form = await request.post()
        address = Address.parse(_text(form, "address"))
        if isinstance(address, AddressFault):
            return _on(after("/suppression", "address"))
        entry = Suppressed(
            address=str(address),
            reason=_REASON,
            since=self._sources.clock.now(),
            note=_text(form, "note"),
        )
        fault = await self._store.suppression.suppress([entry])
        if fault is not None:
            return _on(after("/suppression", "fault"))
        facts = {"recipients": [entry.address], "reason": _REASON, "by": "operator"}
        self._note("suppression.added", {**facts, "note": entry.note})
        return _on(after("/suppression", "add", 1))

    async def unsuppress(self, request: web.Request) -> web.Response:
        """Take an address from the list."""
        form = await request.post()
        gone = await self._store.suppression.unsuppress([_text(form, "address")])
        if isinstance(gone, StoreFault):
            return _on(after("/suppression", "fault"))
        if gone:
            self._note("suppression.removed", {"recipients": list(gone), "by": "operator"})
        return _on(after("/suppression", "remove", len(gone)))

    def _scope(self, kind: str, name: str) -> Scope | None:
        """Read a scope; users and routes must be in the configuration, or nothing would be held."""
        match kind:
            case "user" | "route" if name in self._sources.known(ScopeKind(kind)):
                return Scope(ScopeKind(kind), name)
            case "identity":
                found = Address.parse(name if "@" in name else f"postmaster@{name}")
                if isinstance(found, AddressFault):
                    return None
                return Scope(ScopeKind.IDENTITY, found.key if "@" in name else found.domain.lower())
            case _:
                return None


def _text(form: Mapping[str, object], name: str) -> str:
    value = form.get(name, "")
    return value.strip()[:_MOST_TEXT] if isinstance(value, str) else ""


def _on(location: str) -> web.Response:
    return web.Response(status=303, headers={"Location": location})
