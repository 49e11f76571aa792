"""Users: how much each of them sent, how much of it came back, and what it costs.

Errors: 404 for a user that the configuration does not name and nothing is known of.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from aiohttp import web

from relay.model.custody import ScopeHold
from relay.model.outcome import ScopeKind
from relay.model.ports import StoreFault
from relay.model.reputation import Count, Day, Grade, Record
from relay.model.ses_prices import dollars
from relay.web.frame import (
    counted,
    definitions,
    figures,
    fragment,
    moment,
    not_found,
    page,
    pill,
    section,
    table,
)
from relay.web.html import Html, el, markup
from relay.web.kept import hidden
from relay.web.lives import MOST_ROWS, lives_section
from relay.web.lookup import Lookup
from relay.web.plots import Bar, bars
from relay.web.said import said
from relay.web.shares import key, share_bar
from relay.web.sources import Sources

MOST = 40
_ON_THE_FIRST_PAGE = 8
_DAYS = 30
_WEEK = 7

Held = Mapping[str, ScopeHold]  # by user


class UserPages:
    """Handlers of `/users`."""

    def __init__(self, sources: Sources, lookup: Lookup, end: Callable[[], Html]) -> None:
        self._sources = sources
        self._lookup = lookup
        self._end = end

    async def all(self, request: web.Request) -> web.Response:
        """Show all users, a page of them at a time; it keeps itself fresh."""
        return page(
            "Users · ses-relay",
            el("div", await self._all(request.query), id="live", data_from="/live/users"),
            end=self._end(),
            script=True,
        )

    async def all_live(self, request: web.Request) -> web.Response:
        """Give the part that changes."""
        return fragment(await self._all(request.query))

    async def one(self, request: web.Request) -> web.Response:
        """Show one user."""
        user = request.match_info["name"]
        if not self._lookup.knows(user):
            return not_found("The configuration names no such user, and nothing is known of one.")
        held = (await held_users(self._sources)).get(user)
        return page(
            f"{user} · ses-relay",
            said(request.query),
            _hold_section(user, held) if self._sources.store is not None else None,
            el(
                "div",
                await self._one(user),
                id="live",
                data_from=f"/live/users/{quote(user, safe='')}",
            ),
            end=self._end(),
            script=True,
        )

    async def one_live(self, request: web.Request) -> web.Response:
        """Give the part that changes."""
        return fragment(await self._one(request.match_info["name"]))

    async def _all(self, query: Mapping[str, str]) -> Html:
        sources, number = self._sources, query.get("from", "")
        with_mail = ranked(sources.users.records())
        names = {record.user for record in with_mail}
        idle = sorted(set(sources.known(ScopeKind.USER)) - names)
        everybody = [*with_mail, *map(sources.users.record, idle)]
        first = int(number) if number.isdecimal() and len(number) < 6 else 0
        shown = everybody[first : first + MOST]
        title = markup("Users", el("small", f"{len(everybody)}, the nearest to trouble first"))
        return section(
            title,
            _table(shown, await held_users(sources), sources.price()),
            _key(shown),
            el("p", el("a", "further on", href=f"/users?from={first + MOST}"))
            if first + MOST < len(everybody)
            else None,
        )

    async def _one(self, user: str) -> Html:
        sources = self._sources
        record, days = sources.users.record(user), sources.users.days(user)
        found = await self._lookup.of_user(user, MOST_ROWS)
        return markup(
            section(
                markup("Mail of ", user), _mail(record, days, sources.price()), _plot(days, sources)
            ),
            section("What came back", _came_back(record)),
            lives_section(found, "newest first", "No message is known."),
        )


def users_section(records: Sequence[Record], held: Held, price: float) -> Html:
    """Show the users of most interest on the first page."""
    link = el("a", f"all {len(records)}" if records else "all", href="/users")
    title = markup("Users", el("small", link))
    if not records:
        return section(title, el("p", "SES has not taken any mail yet.", class_="soft"))
    shown = ranked(records)[:_ON_THE_FIRST_PAGE]
    return section(title, _table(shown, held, price), _key(shown))


def ranked(records: Sequence[Record]) -> list[Record]:
    """Put those nearest to trouble first, and then who sends most."""
    grades = list(Grade)

    def rank(record: Record) -> tuple[int, float, int]:
        judged = record.grade in (Grade.WARN, Grade.HOLD)
        worst = max(share.ratio / share.kind.paused_at for share in record.shares) if judged else 0
        return grades.index(record.grade) if judged else 0, worst, record.day.relayed

    return sorted(records, key=rank, reverse=True)


async def held_users(sources: Sources) -> Held:
    """Give the holds of users; none where the store cannot say."""
    if sources.store is None:
        return {}
    return of_users(await sources.store.holds.holds(sources.clock.now()))


def of_users(holds: Sequence[ScopeHold] | StoreFault) -> Held:
    """Pick the holds of users."""
    if isinstance(holds, StoreFault):
        return {}
    return {hold.scope.name: hold for hold in holds if hold.scope.kind is ScopeKind.USER}


def _table(records: Sequence[Record], held: Held, price: float) -> Html:
    rows = [_row(record, held.get(record.user), price) for record in records]
    return table(("User", "Last 24 hours", "Bounced", "Complained"), rows)


def _row(record: Record, hold: ScopeHold | None, price: float) -> Html:
    day = record.day
    return el(
        "tr",
        el(
            "td",
            el("a", record.user, href=f"/users/{quote(record.user, safe='')}"),
            " ",
            pill("held") if hold is not None else pill(record.grade),
            el("p", hold.held.reason, class_="soft") if hold is not None else None,
        ),
        el(
            "td",
            el("strong", counted(day.relayed, "recipient")),
            f", {counted(day.messages, 'message')}, {_cost(day, price)}",
            data_label="24 hours",
        ),
        [
            el("td", share_bar(share), class_="share", data_label=share.kind)
            for share in record.shares
        ],
    )


def _key(records: Sequence[Record]) -> Html | None:
    return key(records[0].shares) if records else None


def _cost(count: Count, price: float) -> str:
    """Estimate what SES charges, to the cent where there is one."""
    cost = dollars(count.billed, price)
    return f"${cost:,.2f}" if cost >= 0.01 or not cost else f"${cost:.4f}"


def _mail(record: Record, days: Sequence[Day], price: float) -> Html:
    month = sum((day.count for day in days), Count())
    return markup(
        figures(
            [
                (f"{record.day.relayed:,}", "recipients in 24 hours"),
                (f"{record.day.messages:,}", "messages in 24 hours"),
                (_cost(record.day, price), "their cost"),
                (f"{month.relayed:,}", "recipients in 30 days"),
                (_cost(month, price), "their cost"),
            ]
        ),
        el(
            "p",
            f"The cost is an estimate at ${price:.2f} for 1000 recipients (`prices`), without "
            "attachments and the fees of plans.",
            class_="soft",
        ),
    )


def _plot(days: Sequence[Day], sources: Sources) -> Html:
    counts = {day.date: day.count for day in days}
    today = sources.clock.now().date()
    shown = []
    for back in range(_DAYS - 1, -1, -1):
        day = today - timedelta(days=back)
        count = counts.get(day, Count())
        parts = (
            ("good", max(0, count.relayed - count.bounced - count.complained)),
            ("wait", count.complained),
            ("bad", count.bounced),
        )
        label = f"{day:%d %b}" if back % _WEEK == _WEEK // 2 else ""
        says = f"{day:%d %b} {count.relayed:,} sent, {count.bounced:,} bounced"
        shown.append(Bar(label, f"{says}, {count.complained:,} complained", parts))
    legend = {"good": "sent", "wait": "complained", "bad": "bounced"}
    return bars("Recipients each day, by the day of sending (UTC)", shown, legend)


def _came_back(record: Record) -> Html:
    if record.since is None:
        return el("p", "SES has not taken any mail yet.", class_="soft")
    return markup(
        [
            el("div", el("h3", share.kind.capitalize(), " ", pill(share.grade)), share_bar(share))
            for share in record.shares
        ],
        el(
            "p",
            f"Judged by the newest {record.judged.relayed:,} recipients, those since ",
            moment(record.since),
            ".",
            class_="soft",
        ),
        key(record.shares),
    )


def _hold_section(user: str, held: ScopeHold | None) -> Html:
    fields = hidden(kind="user", name=user, back="user")
    if held is None:
        form = el(
            "form",
            *fields,
            el("input", name="reason", placeholder="why", aria_label="why", required=True),
            el("button", "Hold all mail"),
            method="post",
            action="/holds/hold",
        )
        return section(markup(user, el("small", "may send")), form)
    return section(
        markup(user, " ", pill("held")),
        definitions(
            ("reason", held.held.reason),
            ("since", moment(held.since)),
            ("until", _until(held.held.until)),
        ),
        el("form", *fields, el("button", "Release"), method="post", action="/holds/release"),
    )


def _until(until: datetime | None) -> Html | str:
    return "somebody releases it" if until is None else moment(until)
