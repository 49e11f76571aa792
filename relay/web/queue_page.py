"""The page of the queue: what waits, what is held, and the buttons to do something about it.

Errors: a filter that cannot be read finds nothing and says so.
"""

from collections.abc import Callable, Mapping

from aiohttp import web

from relay.model.custody import EntryState, Selection
from relay.model.outcome import ScopeKind
from relay.model.ports import StoreFault
from relay.model.settings import AddressPattern
from relay.web.frame import fragment, page, pill, section
from relay.web.html import Html, el, markup
from relay.web.kept import entries_section, holds_section
from relay.web.outlook import Outlook
from relay.web.said import said
from relay.web.sources import Sources
from relay.web.store import Store

_MOST = 100


class QueuePages:
    """Handlers of `/queue`."""

    def __init__(self, sources: Sources, store: Store, end: Callable[[], Html]) -> None:
        self._sources = sources
        self._store = store
        self._end = end

    async def show(self, request: web.Request) -> web.Response:
        """Show the page, which keeps itself fresh."""
        return page(
            "Queue · ses-relay",
            said(request.query),
            el("section", _filters(request.query)),
            el("div", await self._live(request.query), id="live", data_from="/live/queue"),
            section("Hold all mail of a user or route", _hold_form()),
            end=self._end(),
            script=True,
        )

    async def live(self, request: web.Request) -> web.Response:
        """Give the part that changes."""
        return fragment(await self._live(request.query))

    async def _live(self, query: Mapping[str, str]) -> Html:
        now = self._sources.clock.now()
        chosen = selection(query)
        if isinstance(chosen, str):
            return section("Messages", el("p", chosen, class_="bad"))
        holds = await self._store.holds.holds(now)
        if isinstance(holds, StoreFault):
            return _ill(holds)
        found = await self._store.control.select(chosen, now, _MOST)
        if isinstance(found, StoreFault):
            return _ill(found)
        routes = self._sources.known(ScopeKind.ROUTE)
        outlook = Outlook(now, routes, holds)
        return markup(holds_section(holds), entries_section(found, outlook))


def _ill(fault: StoreFault) -> Html:
    return section("Messages", el("p", pill("fault"), " ", fault.reason))


def selection(query: Mapping[str, str]) -> Selection | str:
    """Read the filters of the page; a text says what is wrong with them."""
    state, user = query.get("state", ""), query.get("user", "").strip()
    recipient = query.get("recipient", "").strip()
    try:
        return Selection(
            user=user or None,
            recipient=AddressPattern(recipient) if recipient else None,
            state=EntryState(state) if state else None,
        )
    except ValueError as error:
        return f"{error}; write *@example.org, and choose a state of the list"


def _filters(query: Mapping[str, str]) -> Html:
    chosen = query.get("state", "")
    options = [el("option", "any state", value="")]
    options += [el("option", s, value=s, selected=s == chosen) for s in map(str, EntryState)]
    return el(
        "form",
        el("select", options, name="state", aria_label="State"),
        _text("user", query.get("user", ""), "user"),
        _text("recipient", query.get("recipient", ""), "recipient, such as *@example.org"),
        el("button", "Show"),
        method="get",
        action="/queue",
    )


def _hold_form() -> Html:
    kinds = [el("option", kind, value=kind) for kind in ("user", "route", "identity")]
    return el(
        "form",
        el("select", kinds, name="kind", aria_label="Kind"),
        _text("name", "", "its name", required=True),
        _text("reason", "", "why", required=True),
        el("button", "Hold"),
        method="post",
        action="/holds/hold",
    )


def _text(name: str, value: str, hint: str, *, required: bool = False) -> Html:
    return el("input", name=name, value=value, placeholder=hint, aria_label=hint, required=required)
