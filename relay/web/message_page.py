"""One message's life, event by event.

Errors: none.
"""

from urllib.parse import quote

from relay.model.custody import EntryState
from relay.model.entry import QueueEntry
from relay.web.dashboard import facts_of
from relay.web.frame import definitions, moment, pill, section
from relay.web.html import Html, el, markup
from relay.web.inbox import Inbox
from relay.web.kept import actions
from relay.web.outlook import Outlook
from relay.web.recent import Happening, Life

# Said once at the top, or meaningless beside the event they stand on.
_SAID_ABOVE = frozenset({"queue_id", "session_id", "user", "sender", "route", "lane", "message_id"})


def life_sections(life: Life, inbox: Inbox | None) -> Html:
    """Show what is known of one message."""
    first = life.first
    user = el("a", life.user, href=f"/users/{quote(life.user, safe='')}") if life.user else None
    return markup(
        section(
            markup("Message ", life.queue_id, " ", pill(life.state)),
            definitions(
                ("from", first.text("sender")),
                ("to", ", ".join(first.recipients)),
                ("user", user),
                ("route", first.text("route")),
                ("lane", first.text("lane")),
                ("Message-ID", first.text("message_id")),
                ("session", first.text("session_id")),
            ),
        ),
        section("Life", el("ol", [_event(event, inbox) for event in life.events], class_="life")),
    )


def kept_section(entry: QueueEntry, outlook: Outlook) -> Html:
    """Say where a message stands that is still kept, with the buttons to change it."""
    return section(
        markup("In the queue ", outlook.state(entry)),
        definitions(
            ("why", outlook.why(entry)),
            ("attempts", str(entry.attempts)),
            ("next", outlook.next_attempt(entry)),
            ("expires", moment(entry.expires_at)),
        ),
        actions(entry.id, EntryState.of(entry, outlook.now), back="message"),
    )


def _event(happening: Happening, inbox: Inbox | None) -> Html:
    facts = {name: fact for name, fact in happening.facts.items() if name not in _SAID_ABOVE}
    ses_id = happening.text("ses_message_id")
    opened = inbox is not None and ses_id and inbox.get(ses_id) is not None
    return el(
        "li",
        el("h3", moment(happening.at), " ", happening.event),
        facts_of(Happening(happening.event, happening.at, facts)),
        el("p", el("a", "Open it in the inbox", href=f"/inbox/{ses_id}")) if opened else None,
    )
