"""How entries of the queue are shown, to people and to programs.

Errors: none.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from relay.cli.output import Column, octets, span
from relay.model.content import Content
from relay.model.custody import AGE_BANDS, EntryState, QueueCount, no_route, why
from relay.model.documents import moment
from relay.model.entry import QueueEntry
from relay.model.ports import Corrupt

LIST = (
    Column("ID", whole=True),
    Column("AGE", right=True),
    Column("STATE", whole=True),
    Column("USER"),
    Column("SENDER"),
    Column("RECIPIENTS"),
    Column("SIZE", right=True),
    Column("TRIES", right=True),
    Column("NEXT", right=True),
    Column("WHY"),
)
REQUESTS = (
    Column("REQUEST", right=True),
    Column("STATE", whole=True),
    Column("RECIPIENTS"),
    Column("NOT BEFORE"),
    Column("REPLY"),
)
_BANDS = tuple(
    f"{span(low)}-{span(high)}" if high else f">{span(low)}"
    for low, high in zip(AGE_BANDS, (*AGE_BANDS[1:], 0), strict=True)
)
SUMMARY = (
    Column("USER"),
    Column("STATE"),
    *(Column(band, right=True) for band in _BANDS),
    Column("MESSAGES", right=True),
    Column("SIZE", right=True),
)


def row(entry: QueueEntry | Corrupt, now: datetime, routes: Collection[str]) -> list[str]:
    """Show one entry in one line; `routes` are the configured ones."""
    if isinstance(entry, Corrupt):
        return [entry.id, "", EntryState.CORRUPT, "", "", "", "", "", "", entry.reason]
    message, state = entry.message, EntryState.of(entry, now)
    first, *others = [str(recipient.address) for recipient in message.recipients]
    return [
        entry.id,
        span((now - message.received_at).total_seconds()),
        state,
        message.user,
        "<>" if message.sender is None else str(message.sender),
        f"{first} +{len(others)}" if others else first,
        octets(message.size),
        str(entry.attempts),
        _next(entry, state, now),
        why(entry, state, routes),
    ]


def _next(entry: QueueEntry, state: EntryState, now: datetime) -> str:
    match state:
        case EntryState.LEASED:
            return "now"
        case EntryState.HELD:
            ends = entry.held.until if entry.held else None
            return "-" if ends is None else f"in {span((ends - now).total_seconds())}"
        case EntryState.WAITING | EntryState.CORRUPT:
            wait = (entry.next_attempt_at - now).total_seconds()
            return f"in {span(wait)}" if wait > 0 else "due"


def particulars(entry: QueueEntry, now: datetime, routes: Collection[str]) -> list[tuple[str, str]]:
    """Give everything about one entry but its requests and its header, line by line."""
    message, state = entry.message, EntryState.of(entry, now)
    lines = [
        ("id", entry.id),
        ("state", state),
        ("received", f"{moment(message.received_at)} (session {message.session_id})"),
        ("user", message.user),
        ("route", f"{message.route}, {message.lane}"),
        ("sender", "<>" if message.sender is None else str(message.sender)),
        ("sent as", str(message.source)),
        *(("recipient", str(recipient.address)) for recipient in message.recipients),
        ("Message-ID", message.message_id),
        ("size", octets(message.size)),
        ("attempts", str(entry.attempts)),
        ("next attempt", _next_attempt(entry, state, now)),
        ("expires", f"{moment(entry.expires_at)}" + (", stands still" * bool(entry.paused_since))),
    ]
    if entry.held is not None:
        until = "released" if entry.held.until is None else moment(entry.held.until)
        lines.append(("held", f"{entry.held.reason} (until {until})"))
    if message.route not in routes:
        lines.append(("waits for", f"{no_route(message.route)}: configure it, or drop this"))
    elif entry.waits_for is not None:
        lines.append(("waits for", f"{entry.waits_for}, held at the last attempt"))
    return lines


def _next_attempt(entry: QueueEntry, state: EntryState, now: datetime) -> str:
    match state:
        case EntryState.LEASED:
            return "under way"
        case EntryState.HELD:
            return "when released"
        case EntryState.WAITING | EntryState.CORRUPT:
            return f"{moment(entry.next_attempt_at)} ({_next(entry, state, now)})"


def request_rows(entry: QueueEntry) -> list[list[str]]:
    """Show the requests of one entry."""
    return [
        [
            str(request.number),
            request.state,
            ", ".join(str(address) for address in request.recipients),
            moment(request.not_before) or "",
            request.ses_message_id or ("" if request.reply is None else str(request.reply)),
        ]
        for request in entry.requests
    ]


def header_lines(content: Content) -> list[str]:
    """Give the header as it will be sent; octets that are no UTF-8 are written out."""
    return content.header.decode("utf-8", "backslashreplace").split("\r\n")[:-1]


@dataclass(frozen=True, slots=True)
class _Line:
    user: str
    state: EntryState


def summary_rows(cells: Iterable[QueueCount]) -> list[Sequence[str]]:
    """Show the counts by user and state, in columns of age, and their sums."""
    by_line: dict[_Line, list[QueueCount]] = {}
    for cell in cells:
        by_line.setdefault(_Line(cell.user or "?", cell.state), []).append(cell)
    everything = [cell for line in by_line.values() for cell in line]
    rows = [
        _sums(line.user, line.state, found)
        for line, found in sorted(by_line.items(), key=lambda one: (one[0].user, one[0].state))
    ]
    return [*rows, _sums("all", "", everything)] if len(rows) > 1 else rows


def _sums(user: str, state: str, cells: Sequence[QueueCount]) -> Sequence[str]:
    by_age: Mapping[int, int] = {
        age: sum(cell.messages for cell in cells if cell.age == age) for age in AGE_BANDS
    }
    return [
        user,
        state,
        *(str(by_age[age] or "") for age in AGE_BANDS),
        str(sum(by_age.values())),
        octets(sum(cell.octets for cell in cells)),
    ]
