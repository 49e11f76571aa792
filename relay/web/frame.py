"""What stands around every page, and the small shapes that pages share.

Errors: none.
"""

from collections.abc import Sequence
from datetime import datetime

from aiohttp import web

from relay.web.html import Child, Html, el, markup, octets

_TONES = {
    "good": frozenset({"relayed", "delivered", "ready", "good", "healthy"}),
    "wait": frozenset(
        {
            *("deferred", "delayed", "held", "in work", "bounced", "warning", "warned"),
            *("sandbox", "probation"),
        }
    ),
    "bad": frozenset(
        {
            *("failed", "expired", "complaint", "rejected", "refused", "fault", "not ready"),
            *("above hold", "paused", "shutdown"),
        }
    ),
}


def page(title: str, *body: Child, end: Child = None, script: bool = False) -> web.Response:
    """Make a whole page; `end` stands at the right of its head."""
    document = el(
        "html",
        el(
            "head",
            el("meta", charset="utf-8"),
            el("meta", name="viewport", content="width=device-width, initial-scale=1"),
            el("title", title),
            el("link", rel="stylesheet", href="/assets/style.css"),
            el("link", rel="icon", href="data:,"),
            el("script", src="/assets/live.js", defer=True) if script else None,
        ),
        el(
            "body",
            el(
                "header",
                el("h1", el("a", "ses-relay", href="/")),
                el("div", end, class_="end") if end else None,
            ),
            el("main", *body),
        ),
        lang="en",
    )
    return web.Response(
        body=octets(markup(Html("<!doctype html>"), document)),
        content_type="text/html",
        charset="utf-8",
    )


def fragment(body: Html) -> web.Response:
    """Answer with a piece of a page."""
    return web.Response(body=octets(body), content_type="text/html", charset="utf-8")


def section(title: Child, *body: Child) -> Html:
    """Make one card."""
    return el("section", el("h2", title), *body)


def pill(state: str) -> Html:
    """Show a state in its colour and, for those who see none, in its word."""
    tone = next((tone for tone, states in _TONES.items() if state in states), "")
    return el("span", state, class_=f"pill {tone}".rstrip())


def moment(at: datetime) -> Html:
    """Show a moment in UTC; with its year as a tooltip."""
    whole = at.isoformat(timespec="seconds").replace("+00:00", "Z")
    return el("time", f"{at:%d %b %H:%M:%S}", datetime=whole, title=whole)


def figures(shown: Sequence[tuple[str, str]]) -> Html:
    """Show numbers, each with what it counts."""
    found = [el("div", el("strong", figure), el("span", name)) for figure, name in shown]
    return el("div", found, class_="figures")


def not_found(words: str) -> web.Response:
    """Make the page for what is not there."""
    answer = page("Not found · ses-relay", section("Not found", el("p", words)))
    answer.set_status(404)
    return answer


def definitions(*pairs: tuple[str, Child]) -> Html:
    """Make a list of names and values; what is empty is left out."""
    return el(
        "dl",
        [
            markup(el("dt", name), el("dd", value))
            for name, value in pairs
            if value not in ("", None)
        ],
    )


def counted(count: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def octets_for_people(size: int) -> str:
    """Write a size with a binary unit."""
    if size < 1024:
        return f"{size} B"
    if size < 1024 * 1024:
        return f"{size / 1024:.1f} KiB"
    return f"{size / 1024 / 1024:.1f} MiB"


def addresses_for_people(addresses: tuple[str, ...], count: int = 0) -> str:
    """Name the first three addresses and how many follow."""
    most = 3
    rest = max(count, len(addresses)) - most
    named = ", ".join(addresses[:most])
    return f"{named} and {rest} more" if rest > 0 else named


def table(names: tuple[str, ...], rows: list[Html]) -> Html:
    """Make a table; on a narrow page each row becomes a block."""
    head = [el("th", name, class_="number" if name == "Size" else None) for name in names]
    return el("table", el("thead", el("tr", head)), el("tbody", rows))
