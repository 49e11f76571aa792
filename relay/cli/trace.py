"""`ses-relay trace`: one message's life, from the store's history.

Errors: exit 1 where the history knows nothing of what was asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import typer

from relay.cli.loading import settings
from relay.cli.options import Common, flattened
from relay.cli.output import Column, failure, print_json, print_table, printable, span
from relay.cli.store import sound, with_store
from relay.cli.surroundings import around
from relay.model import documents
from relay.model.custody import HistoryEvent
from relay.model.documents import instant
from relay.model.entry import QueueEntry
from relay.model.ports import spellings
from relay.stores.shared import Shared

_COLUMNS = (Column("TIME", whole=True), Column("ID", whole=True), Column("EVENT"), Column("FACTS"))
# The facts that tell the story, in this order; what is not here follows.
_FIRST = ("user", "client", "sender", "recipients", "reply", "reason", "detail", "ses_message_id")
_NOT_SHOWN = frozenset({"queue_id", "session_id"})


@flattened
def trace(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="WHAT", show_default=False)],
    common: Common,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Events shown at most.")] = 1000,
) -> None:
    """Tell one message's whole life: received, decided, relayed, delivered, bounced.

    WHAT is a queue id, an SES MessageId, a Message-ID header, a recipient's address, or user:NAME
    for a user's newest mail.

    Example: `ses-relay trace customer@example.org`
    """
    clock, known = around(ctx).clock, settings(common.config)

    async def work(store: Shared) -> tuple[Sequence[HistoryEvent], list[QueueEntry]]:
        events: Sequence[HistoryEvent] = ()
        for name in spellings(what):
            events = sound(await store.history.trace(name, limit))
            if events:
                break
        ids = dict.fromkeys([str(event.facts.get("queue_id") or "") for event in events] + [what])
        found = [sound(await store.control.find(queue_id)) for queue_id in ids if queue_id]
        return events, [entry for entry in found if isinstance(entry, QueueEntry)]

    events, kept = with_store(known, clock, work)
    if not events and not kept:
        raise failure(
            f"nothing is known of {printable(what)}: give a queue id, an SES MessageId, a "
            f"Message-ID or a recipient; the history goes back {span(known.history)}"
        )
    now = clock.now()
    if common.as_json:
        print_json(
            {
                "events": [documents.event(event) for event in events],
                "kept": [documents.entry(entry, now) for entry in kept],
            }
        )
        return
    if events:
        print_table(_COLUMNS, [_row(event) for event in events])
    for entry in kept:
        typer.echo(f"{entry.id} is in the queue: see `ses-relay queue show {entry.id}`")
    if len(events) == limit:
        typer.echo(f"there may be more than {limit} events: raise --limit", err=True)


def _row(event: HistoryEvent) -> Sequence[str]:
    facts = event.facts
    return (
        instant(event.at),
        str(facts.get("queue_id") or facts.get("session_id") or ""),
        event.event,
        "  ".join(f"{name}={text}" for name, text in _told(facts)),
    )


def _told(facts: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    names = [*(name for name in _FIRST if name in facts), *(n for n in facts if n not in _FIRST)]
    for name in names:
        value = facts[name]
        if name not in _NOT_SHOWN:
            yield name, ",".join(map(str, value)) if isinstance(value, list) else str(value)
