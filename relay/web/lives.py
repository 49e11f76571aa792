"""Messages as rows of a table: on the first page, and on a user's own.

Errors: none.
"""

from collections.abc import Sequence

from relay.web.frame import addresses_for_people, moment, pill, section, table
from relay.web.html import Child, Html, el, markup
from relay.web.recent import Happening, Life

MOST_ROWS = 50


def lives_section(lives: Sequence[Life], said: str, nothing: Child) -> Html:
    """List messages; `said` tells which, `nothing` what to say when there is none."""
    title = markup("Messages", el("small", said))
    if not lives:
        return section(title, el("p", nothing, class_="soft"))
    rows = [_row(life) for life in lives[:MOST_ROWS]]
    names = ("Received", "State", "Queue id", "User", "From", "To", "Last word")
    return section(title, table(names, rows))


def _row(life: Life) -> Html:
    first = life.first
    return el(
        "tr",
        el("td", moment(first.at), class_="time"),
        el("td", pill(life.state)),
        el("td", el("a", life.queue_id, href=f"/messages/{life.queue_id}"), class_="address"),
        el("td", first.text("user"), class_="short", data_label="user"),
        el("td", first.text("sender"), class_="address", data_label="from"),
        el("td", _recipients(first), class_="address", data_label="to"),
        el("td", _words(life), data_label="said"),
    )


def _recipients(happening: Happening) -> str:
    count = happening.facts.get("recipient_count")
    return addresses_for_people(happening.recipients, count if isinstance(count, int) else 0)


def _words(life: Life) -> str:
    last = life.last
    return last.text("reply") or last.text("reason") or last.text("detail")
