"""The live part of the first page: how sending goes, the inbox, recent messages, notices.

Errors: none.
"""

from collections.abc import Mapping

from relay.model.ports import StoreFault
from relay.telemetry import ScrapeTime
from relay.web.accounts import accounts_section
from relay.web.frame import (
    addresses_for_people,
    definitions,
    figures,
    moment,
    octets_for_people,
    pill,
    section,
    table,
)
from relay.web.html import Html, el, markup
from relay.web.inbox import Inbox
from relay.web.kept import queue_section
from relay.web.letter import read_fields
from relay.web.lives import MOST_ROWS, lives_section
from relay.web.lookup import Lookup
from relay.web.plots import Bar, bars
from relay.web.readiness import Readiness
from relay.web.recent import Happening
from relay.web.sources import Sources
from relay.web.store import Census
from relay.web.users_page import of_users, users_section

_WHOLE = 0.99  # of the rate: less means that SES has refused some of it
_LABEL_EACH = 15  # minutes between two times under the plot
_COUNTED = ("received", "relayed", "deferred", "failed", "held", "discarded")


async def live(sources: Sources, about: str, census: Census | None, lookup: Lookup) -> Html:
    """Make everything that changes by itself."""
    kept = None if census is None else await census.look()
    found = await lookup.messages(about, MOST_ROWS)
    holds = () if kept is None or isinstance(kept, StoreFault) else kept.holds
    messages = lives_section(
        found,
        f"matching “{about}”" if about else "newest first",
        "No message matches." if about else "No message yet.",
    )
    return markup(
        messages if about else None,
        _condition(sources.readiness()),
        # Whoever tries the demo waits for mail to arrive.
        _inbox(sources.inbox) if sources.inbox is not None else None,
        _sending(sources),
        accounts_section(sources.accounts()),
        queue_section(kept) if kept is not None else None,
        users_section(sources.users.records(), of_users(holds), sources.price()),
        None if about else messages,
        _notices(sources.recent.notices()),
    )


def _condition(readiness: Readiness) -> Html | None:
    if readiness.ready and not readiness.warnings:
        return None
    return section(
        "Condition",
        [el("p", pill("not ready"), " ", reason) for reason in readiness.reasons],
        [el("p", pill("warning"), " ", warning) for warning in readiness.warnings],
    )


def _sending(sources: Sources) -> Html:
    metrics, recent = sources.metrics, sources.recent
    sessions = metrics.current(ScrapeTime.SMTP_SESSIONS)
    queue = metrics.current(ScrapeTime.QUEUE_MESSAGES)
    oldest = metrics.current(ScrapeTime.QUEUE_OLDEST).get((), 0.0)
    now: list[tuple[str, str]] = []
    if sessions:
        now.append((f"{sum(sessions.values()):,.0f}", "sessions open"))
    if queue:
        now.append((f"{sum(queue.values()):,.0f}", "messages in the queue"))
    if oldest:
        now.append((_age(oldest), "oldest in the queue"))
    counted = [(f"{recent.totals[f'message.{word}']:,}", word) for word in _COUNTED]
    return section(
        "Now",
        figures(now) if now else None,
        _gauges(sources),
        _last_hour(sources),
        el("h3", "Since the start"),
        figures(counted),
    )


def _last_hour(sources: Sources) -> Html:
    tones = {"relayed": "good", "deferred": "wait", "failed": "bad"}
    minutes = list(sources.recent.minutes.until(sources.clock.now()))
    shown = []
    for place, (minute, counts) in enumerate(minutes):
        said = ", ".join(f"{counts[word]:,} {word}" for word in tones if counts.get(word))
        shown.append(
            Bar(
                f"{minute:%H:%M}" if place % _LABEL_EACH == _LABEL_EACH // 2 else "",
                f"{minute:%H:%M} {said}",
                [(tone, counts.get(word, 0)) for word, tone in tones.items()],
            )
        )
    legend = {tone: word for word, tone in tones.items()}
    return bars("Recipients each minute, times in UTC", shown, legend)


def _gauges(sources: Sources) -> Html:
    metrics, now = sources.metrics, sources.clock.now()
    rates = metrics.current(ScrapeTime.SEND_RATE)
    limits = metrics.current(ScrapeTime.SEND_RATE_LIMIT)
    quotas = metrics.current(ScrapeTime.QUOTA_USED)
    shown = []
    for (name,), limit in sorted(limits.items()):
        sending, allowed = sources.recent.pulse.rate(name, now), _of(rates, name)
        reading = f"{sending:,.1f} of {limit:,.1f} recipients per second"
        if allowed < limit * _WHOLE:
            reading += f", slowed to {allowed:,.1f}"
        share = sending / limit if limit > 0 else 0.0
        shown.append(_gauge(f"Sending now, route {name}", reading, share))
    for (name,), used in sorted(quotas.items()):
        shown.append(_gauge(f"SES quota of 24 hours, route {name}", f"{used:.1%} used", used))
    return markup(shown)


def _gauge(name: str, reading: str, share: float) -> Html:
    return el(
        "div",
        el("div", el("span", name), el("span", reading, class_="soft")),
        el(
            "meter",
            reading,
            min=0,
            max=1,
            high=0.9,
            optimum=0,
            value=round(share, 3),
            aria_label=name,
        ),
        class_="gauge",
    )


def _of(values: Mapping[tuple[str, ...], float], route: str) -> float:
    return values.get((route,), 0.0)


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def _inbox(inbox: Inbox) -> Html:
    messages = list(inbox.list())
    rows = []
    for message in messages[:MOST_ROWS]:
        letter = read_fields(message.raw)
        subject = letter.field("Subject") or "(no subject)"
        rows.append(
            el(
                "tr",
                el("td", moment(message.accepted_at), class_="time"),
                el("td", el("a", subject, href=f"/inbox/{message.id}")),
                el("td", letter.field("From") or message.source, data_label="from"),
                el("td", addresses_for_people(message.destinations), data_label="to"),
                el("td", octets_for_people(len(message.raw)), class_="number"),
            )
        )
    title = markup("Inbox", el("small", f"what the simulated SES took: {len(messages)}"))
    if not rows:
        return section(title, el("p", "Nothing yet. Send a message to see it here.", class_="soft"))
    return section(title, table(("Time", "Subject", "From", "To", "Size"), rows))


def _notices(notices: list[Happening]) -> Html | None:
    if not notices:
        return None
    rows = [
        el(
            "tr",
            el("td", moment(notice.at), class_="time"),
            el("td", notice.event),
            el("td", _in_one_line(notice)),
        )
        for notice in notices
    ]
    return section(
        markup("Refusals and alarms", el("small", "newest first")),
        table(("Time", "Event", "Facts"), rows),
    )


def _in_one_line(happening: Happening) -> Html:
    return markup(
        [
            markup(el("span", f"{name} ", class_="soft"), value, " ")
            for name, value in _facts(happening)
        ]
    )


def facts_of(happening: Happening) -> Html:
    """List everything an event says."""
    return definitions(*_facts(happening))


def _facts(happening: Happening) -> list[tuple[str, str]]:
    return [
        (
            name.replace("_", " "),
            ", ".join(happening.recipients) if name == "recipients" else str(fact),
        )
        for name, fact in happening.facts.items()
    ]
