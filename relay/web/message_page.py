"""One message's life, event by event.

Errors: none.
"""

from aiohttp import web

from relay.web.dashboard import facts_of
from relay.web.frame import definitions, page, pill, section, time_of_day
from relay.web.html import Html, el, markup
from relay.web.inbox import Inbox
from relay.web.recent import Happening, Life

# Said once at the top, or meaningless beside the event they stand on.
_SAID_ABOVE = frozenset({"queue_id", "session_id", "user", "sender", "route", "lane", "message_id"})


def message_page(life: Life, inbox: Inbox | None) -> web.Response:
    """Show what is known of one message."""
    first = life.first
    return page(
        f"{life.queue_id} · ses-relay",
        section(
            markup("Message ", life.queue_id, " ", pill(life.state)),
            definitions(
                ("from", first.text("sender")),
                ("to", ", ".join(first.recipients)),
                ("user", first.text("user")),
                ("route", first.text("route")),
                ("lane", first.text("lane")),
                ("Message-ID", first.text("message_id")),
                ("session", first.text("session_id")),
            ),
        ),
        section("Life", el("ol", [_event(event, inbox) for event in life.events], class_="life")),
    )


def _event(happening: Happening, inbox: Inbox | None) -> Html:
    facts = {name: fact for name, fact in happening.facts.items() if name not in _SAID_ABOVE}
    ses_id = happening.text("ses_message_id")
    opened = inbox is not None and ses_id and inbox.get(ses_id) is not None
    return el(
        "li",
        el("h3", time_of_day(happening.at), " ", happening.event),
        facts_of(Happening(happening.event, happening.at, facts)),
        el("p", el("a", "Open it in the inbox", href=f"/inbox/{ses_id}")) if opened else None,
    )
