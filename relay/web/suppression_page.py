"""The page of the suppression list: who gets no mail and why; added and removed by hand.

Errors: none; a store that has a fault shows its words.
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from aiohttp import web

from relay.model.ports import StoreFault, Suppressed
from relay.web.frame import page, pill, section, table
from relay.web.html import Html, el, markup
from relay.web.kept import hidden
from relay.web.said import said
from relay.web.store import Store

_MOST = 100


class SuppressionPages:
    """Handlers of `/suppression`."""

    def __init__(self, store: Store, end: Callable[[], Html]) -> None:
        self._store = store
        self._end = end

    async def show(self, request: web.Request) -> web.Response:
        """Show one page of the list: from an address on, or from the top."""
        after = request.query.get("after", "")
        found = await self._store.suppression.listed(after, _MOST)
        return page(
            "Suppression list · ses-relay",
            said(request.query),
            section("Suppress an address", _form()),
            _listed(found, after),
            end=self._end(),
        )


def _form() -> Html:
    return el(
        "form",
        el(
            "input",
            type="email",
            name="address",
            placeholder="address",
            aria_label="Address",
            required=True,
        ),
        el("input", name="note", placeholder="note", aria_label="Note"),
        el("button", "Suppress"),
        method="post",
        action="/suppression/add",
    )


def _listed(found: Sequence[Suppressed] | StoreFault, after: str) -> Html:
    title = markup("Suppression list", el("small", "by address"))
    if isinstance(found, StoreFault):
        return section(title, el("p", pill("fault"), " ", found.reason))
    if not found:
        words = "No address follows that one." if after else "Every address gets mail."
        return section(title, el("p", words, class_="soft"))
    rows = [
        el(
            "tr",
            el("td", one.address, class_="address"),
            el("td", one.reason, data_label="reason"),
            el("td", f"{one.since:%Y-%m-%d}", class_="time", data_label="since"),
            el("td", f"{one.until:%Y-%m-%d}" if one.until else "", data_label="until"),
            el("td", one.note, data_label="note"),
            el("td", _remove(one.address), class_="act"),
        )
        for one in found
    ]
    more = None
    if len(found) == _MOST:
        query = urlencode({"after": found[-1].address})
        more = el("p", el("a", "further on", href=f"/suppression?{query}"))
    return section(title, table(("Address", "Reason", "Since", "Until", "Note", ""), rows), more)


def _remove(address: str) -> Html:
    return el(
        "form",
        *hidden(address=address),
        el("button", "Remove"),
        method="post",
        action="/suppression/remove",
    )
