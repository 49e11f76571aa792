"""How the queue and the holds look, on the first page and on their own.

Errors: none; a store that has a fault shows its words.
"""

from collections import Counter
from collections.abc import Iterable

from relay.model.custody import AGE_BANDS, EntryState, QueueCount, ScopeHold
from relay.model.entry import QueueEntry
from relay.model.outcome import ScopeKind
from relay.model.ports import Corrupt, StoreFault
from relay.web.frame import addresses_for_people, pill, section, table
from relay.web.html import Html, el, markup
from relay.web.outlook import Outlook
from relay.web.plots import Bar, bars
from relay.web.store import Kept

_AGES = ("< 5 min", "5 min", "1 h", "6 h", "1 day", "4 days")
_STATES = {
    EntryState.WAITING: ("wait", "waiting"),
    EntryState.LEASED: ("good", "under way"),
    EntryState.HELD: ("bad", "held"),
    EntryState.CORRUPT: ("ink", "corrupt"),
}


def queue_section(kept: Kept | StoreFault) -> Html:
    """Plot the queue by age and state, with its holds."""
    title = markup("Queue", el("small", el("a", "messages and holds", href="/queue")))
    if isinstance(kept, StoreFault):
        return section(title, el("p", pill("fault"), " ", kept.reason))
    total = sum(count.messages for count in kept.counts)
    if not total and not kept.holds:
        return section(title, el("p", "Nothing waits.", class_="soft"))
    return section(
        title,
        _plot(kept.counts) if total else None,
        [el("p", pill("held"), " ", _words(hold)) for hold in kept.holds],
    )


def _plot(counts: Iterable[QueueCount]) -> Html:
    cells: Counter[tuple[int, EntryState]] = Counter()
    for count in counts:
        cells[(count.age, count.state)] += count.messages
    shown = []
    for age, label in zip(AGE_BANDS, _AGES, strict=True):
        found = [(state, cells[(age, state)]) for state in _STATES]
        said = ", ".join(f"{number:,} {_STATES[state][1]}" for state, number in found if number)
        shown.append(
            Bar(label, f"{label}: {said}", [(_STATES[state][0], number) for state, number in found])
        )
    legend = {tone: word for state, (tone, word) in _STATES.items() if _has(cells, state)}
    return bars("Messages by age", shown, legend)


def _has(cells: Counter[tuple[int, EntryState]], state: EntryState) -> bool:
    return any(cells[(age, state)] for age in AGE_BANDS)


def holds_section(holds: Iterable[ScopeHold]) -> Html:
    """List the scopes that are held, each with its way out."""
    rows = [
        el(
            "tr",
            el("td", hold.scope.kind),
            el("td", hold.scope.name, class_="address"),
            el("td", hold.held.reason, data_label="reason"),
            el("td", f"since {hold.since:%d %b %H:%M}", class_="time"),
            el("td", _let_go(hold), class_="act"),
        )
        for hold in holds
    ]
    if not rows:
        return section("Held scopes", el("p", "No user, route or identity is held.", class_="soft"))
    return section("Held scopes", table(("Kind", "Name", "Reason", "", ""), rows))


def _let_go(hold: ScopeHold) -> Html:
    scope = hold.scope
    return el(
        "form",
        *hidden(kind=scope.kind, name=scope.name, route=scope.route),
        el("button", "Release"),
        method="post",
        action="/holds/release",
    )


def entries_section(found: Iterable[QueueEntry | Corrupt], outlook: Outlook) -> Html:
    """List messages with what can be done about each."""
    rows = [_row(entry, outlook) for entry in found]
    if not rows:
        return section("Messages", el("p", "No kept message fits.", class_="soft"))
    names = ("Received", "State", "Queue id", "User", "From", "To", "Why", "")
    return section(markup("Messages", el("small", "oldest first")), table(names, rows))


def _row(entry: QueueEntry | Corrupt, outlook: Outlook) -> Html:
    if isinstance(entry, Corrupt):
        return el(
            "tr",
            el("td"),
            el("td", pill("fault")),
            el("td", entry.id, class_="address"),
            el("td", colspan=3),
            el("td", entry.reason, data_label="why"),
            el("td", actions(entry.id, EntryState.CORRUPT), class_="act"),
        )
    message, next_attempt = entry.message, outlook.next_attempt(entry)
    recipients = tuple(str(a) for request in entry.open_requests for a in request.recipients)
    return el(
        "tr",
        el("td", f"{message.received_at:%d %b %H:%M}", class_="time"),
        el("td", outlook.state(entry)),
        el("td", el("a", entry.id, href=f"/messages/{entry.id}"), class_="address"),
        el("td", message.user, class_="short", data_label="user"),
        el("td", str(message.sender or "<>"), class_="address", data_label="from"),
        el("td", addresses_for_people(recipients), class_="address", data_label="to"),
        el(
            "td",
            outlook.why(entry),
            el("p", next_attempt, class_="soft") if next_attempt else None,
            data_label="why",
        ),
        el("td", actions(entry.id, EntryState.of(entry, outlook.now)), class_="act"),
    )


def actions(queue_id: str, state: EntryState, back: str = "") -> Html | None:
    """Give the buttons that make sense for a message in this state; `back`: where they lead on."""
    words = {
        EntryState.WAITING: ("retry", "hold", "drop"),
        EntryState.HELD: ("release", "drop"),
        EntryState.CORRUPT: ("drop",),
        EntryState.LEASED: (),
    }[state]
    if not words:
        return None
    return el(
        "form",
        *hidden(id=queue_id, back=back),
        [
            el(
                "button",
                word.capitalize(),
                formaction=f"/queue/{word}",
                class_="bad" if word == "drop" else None,
                # Dropped mail is gone and nobody is told.
                data_ask=f"Throw {queue_id} away? No bounce is sent." if word == "drop" else None,
            )
            for word in words
        ],
        method="post",
    )


def hidden(**fields: str) -> list[Html]:
    """Make the fields of a form that nobody types."""
    return [el("input", type="hidden", name=name, value=value) for name, value in fields.items()]


def _words(hold: ScopeHold) -> str:
    kind = "" if hold.scope.kind is ScopeKind.MESSAGE else f"{hold.scope.kind} "
    return f"{kind}{hold.scope.name}: {hold.held.reason}"
