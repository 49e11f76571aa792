"""The words that change what is kept: retry, hold, release, drop.

Messages with an attempt under way are left alone and named. What was done is noted in the history,
so that `trace` tells of it.

Errors: exit 1 where a message that was named by its id is not there or was not changed; exit 2 for
a filter that cannot be read, or where no message is named.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from relay.cli.loading import settings
from relay.cli.options import Common, flattened
from relay.cli.output import counted, print_json, printable
from relay.cli.queue_filters import Meant
from relay.cli.store import sound, with_store
from relay.cli.surroundings import around
from relay.model.custody import Changed, EntryState, Selection
from relay.model.entry import Held
from relay.model.ports import Corrupt, StoreFault
from relay.stores.shared import Shared

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", show_default=False)]
_Change = Callable[[Shared, Selection, datetime], Awaitable[Changed | StoreFault]]


@flattened
def retry(ctx: typer.Context, meant: Meant, common: Common, ids: Ids = None) -> None:
    """Make waiting messages due at once. Held ones stay held.

    Example: `ses-relay queue retry --recipient '*@example.org'`
    """
    word = _Word("retry", "due now", lambda store, chosen, now: store.control.retry(chosen, now))
    _say(word, ctx, meant, ids or (), common)


@flattened
def hold(
    ctx: typer.Context,
    meant: Meant,
    common: Common,
    ids: Ids = None,
    why: Annotated[
        str, typer.Option("--reason", help="Shown wherever the hold is.")
    ] = "held by an operator",
) -> None:
    """Stop messages until they are released. Nothing held expires.

    Example: `ses-relay queue hold --user tickets --reason 'duplicate run of 21 Nov'`
    """
    word = _Word(
        "hold",
        "held",
        lambda store, chosen, now: store.control.hold(chosen, Held(reason=why), now),
        _Note("message.held", why),
    )
    _say(word, ctx, meant, ids or (), common)


@flattened
def release(ctx: typer.Context, meant: Meant, common: Common, ids: Ids = None) -> None:
    """Let held messages go; they are due at once.

    Example: `ses-relay queue release --user tickets`
    """
    word = _Word(
        "release",
        "released",
        lambda store, chosen, now: store.control.release(chosen, now),
        _Note("message.released", "released by an operator"),
    )
    _say(word, ctx, meant, ids or (), common)


@flattened
def drop(ctx: typer.Context, meant: Meant, common: Common, ids: Ids = None) -> None:
    """Throw messages away. Nobody is told: no bounce is sent. Look with `queue list` first.

    A message that cannot be read any more goes only when its id is named.

    Example: `ses-relay queue drop --sender 'cron@example.com' --older-than 1d`
    """
    word = _Word(
        "drop",
        "dropped",
        lambda store, chosen, now: store.control.drop(chosen, now),
        _Note("message.discarded", "dropped by an operator"),
    )
    _say(word, ctx, meant, ids or (), common)


@dataclass(frozen=True, slots=True)
class _Note:
    """What the history is told of each message."""

    event: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Word:
    """One word of change."""

    verb: str
    done: str  # what a message is then
    change: _Change
    note: _Note | None = None


def _say(word: _Word, ctx: typer.Context, meant: Meant, ids: Sequence[str], common: Common) -> None:
    """Say the word to the messages meant, and tell what came of it."""
    clock = around(ctx).clock
    now = clock.now()
    chosen = meant.chosen(word.verb, ids, now)

    async def work(store: Shared) -> tuple[Changed, dict[str, str]]:
        changed = sound(await word.change(store, chosen, now))
        if word.note is not None:
            for queue_id in changed.ids:
                facts = {"queue_id": queue_id, "reason": word.note.reason}
                store.history.note(word.note.event, now, facts)
        missed = sorted(chosen.ids - {*changed.ids, *changed.leased})
        return changed, {one: await _why_not(store, word, one, now) for one in missed}

    changed, missed = with_store(settings(common.config), clock, work)
    if common.as_json:
        print_json({"changed": changed.ids, "under_way": changed.leased, "unchanged": missed})
    else:
        typer.echo(f"{counted(len(changed.ids))} {word.done}")
    if changed.leased:
        named = ", ".join(changed.leased[:3]) + ", …" * (len(changed.leased) > 3)
        typer.echo(
            f"{counted(len(changed.leased))} left alone, because an attempt is under way: "
            f"{named}; try again in a moment",
            err=True,
        )
    for why in missed.values():
        typer.echo(why, err=True)
    if missed or (chosen.ids and changed.leased):
        raise typer.Exit(1)


async def _why_not(store: Shared, word: _Word, queue_id: str, now: datetime) -> str:
    """Say why a message that was named was not changed."""
    match sound(await store.control.find(queue_id)):
        case None:
            return absent(queue_id)
        case Corrupt(reason=reason):
            return f"{queue_id} cannot be read ({reason}); it can only be dropped"
        case entry if EntryState.of(entry, now) is EntryState.HELD:
            return f"{queue_id} is held; `ses-relay queue release {queue_id}` lets it go"
        case _ if word.verb == "retry":
            return f"{queue_id} is due already; it goes when its turn comes"
        case _:
            return f"{queue_id} is not held; `ses-relay queue show {queue_id}` shows it"


def absent(queue_id: str) -> str:
    """Say that no such message is kept, and where to look for it."""
    shown = printable(queue_id)
    return f"{shown} is not in the queue; `ses-relay trace {shown}` tells what became of it"
