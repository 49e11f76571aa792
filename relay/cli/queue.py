"""`ses-relay queue`: what is kept, and an operator's hands on it while the relay runs.

Errors: exit 1 for a message that is not there or cannot be changed now; exit 2 for a filter that
cannot be read, or a word of change that names no message.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from relay.cli import queue_views as views
from relay.cli.loading import settings
from relay.cli.options import Common, flattened
from relay.cli.output import counted, failure, print_json, print_table, printable
from relay.cli.queue_filters import Filters, Meant
from relay.cli.store import sound, with_store
from relay.cli.surroundings import around
from relay.model.content import Content
from relay.model.custody import Changed, EntryState, QueueCount, Selection
from relay.model.entry import Held, QueueEntry
from relay.model.ports import Corrupt, StoreFault
from relay.stores.sqlite.opening import Shared

app = typer.Typer(
    help="The queue: what is kept, and what to do with it. Works while `serve` runs.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", show_default=False)]
OPERATOR = "an operator"


@app.command("list")
@flattened
def list_entries(
    ctx: typer.Context,
    filters: Filters,
    common: Common,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Messages shown at most.")] = 100,
) -> None:
    """List messages, oldest first; filters narrow the list.

    Example: `ses-relay queue list --user tickets --older-than 1h`
    """
    now = around(ctx).clock.now()
    chosen = filters.selection(now)

    async def work(store: Shared) -> Sequence[QueueEntry | Corrupt]:
        return sound(await store.control.select(chosen, now, limit + 1))

    found = with_store(settings(common.config), around(ctx).clock, work)
    shown = found[:limit]
    if common.as_json:
        print_json([views.document(entry, now) for entry in shown])
    elif shown:
        print_table(views.LIST, [views.row(entry, now) for entry in shown])
    else:
        typer.echo("no message fits" if chosen != Selection() else "the queue is empty")
    if len(found) > limit:
        typer.echo(f"there are more than {limit}: narrow them down, or raise --limit", err=True)


@app.command("show")
@flattened
def show(
    ctx: typer.Context,
    queue_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)],
    common: Common,
) -> None:
    """Show one message: envelope, requests with their replies, next attempt, hold, header.

    Example: `ses-relay queue show 0m2k1x9qy3fha81z`
    """
    clock = around(ctx).clock

    async def work(store: Shared) -> tuple[QueueEntry | Corrupt | None, Content | Corrupt | None]:
        entry = sound(await store.control.find(queue_id))
        if not isinstance(entry, QueueEntry):
            return entry, None
        content = await store.control.content(queue_id)
        if isinstance(content, StoreFault):
            return entry, Corrupt(queue_id, content.reason)
        return entry, content

    entry, content = with_store(settings(common.config), clock, work)
    if entry is None:
        raise failure(_absent(queue_id))
    now = clock.now()
    header = views.header_lines(content) if isinstance(content, Content) else []
    damage = content.reason if isinstance(content, Corrupt) else None
    if common.as_json:
        print_json({**views.document(entry, now), "header": header, "damage": damage})
        return
    if isinstance(entry, Corrupt):
        raise failure(
            f"{entry.id} cannot be read: {entry.reason}; `ses-relay queue drop {entry.id}` ends it"
        )
    for name, value in views.particulars(entry, now):
        typer.echo(f"{name + ':':<14}{printable(value)}")
    typer.echo("")
    print_table(views.REQUESTS, views.request_rows(entry))
    typer.echo("")
    for line in header:
        typer.echo(printable(line.replace("\t", " ")))
    if damage is not None:
        raise failure(
            f"{entry.id}: the content cannot be read: {damage}; `ses-relay queue drop` ends it"
        )


@app.command("summary")
@flattened
def summary(ctx: typer.Context, common: Common) -> None:
    """Count the messages by age, state and user.

    Example: `ses-relay queue summary`
    """
    clock = around(ctx).clock

    async def work(store: Shared) -> Sequence[QueueCount]:
        return sound(await store.control.summary(clock.now()))

    cells = with_store(settings(common.config), clock, work)
    if common.as_json:
        print_json([views.count_document(cell) for cell in cells])
    elif cells:
        print_table(views.SUMMARY, views.summary_rows(cells))
    else:
        typer.echo("the queue is empty")


@app.command("retry")
@flattened
def retry(ctx: typer.Context, meant: Meant, common: Common, ids: Ids = None) -> None:
    """Make waiting messages due at once. Held ones stay held.

    Example: `ses-relay queue retry --recipient '*@example.org'`
    """
    word = _Word(ctx, "retry", "due now", common)
    word.say(meant, ids, lambda store, chosen, now: store.control.retry(chosen, now))


@app.command("hold")
@flattened
def hold(
    ctx: typer.Context,
    meant: Meant,
    common: Common,
    ids: Ids = None,
    why: Annotated[
        str, typer.Option("--reason", help="Shown wherever the hold is.")
    ] = f"held by {OPERATOR}",
) -> None:
    """Stop messages until they are released. Nothing held expires.

    Example: `ses-relay queue hold --user tickets --reason 'duplicate run of 21 Nov'`
    """
    word = _Word(ctx, "hold", "held", common)
    word.say(
        meant,
        ids,
        lambda store, chosen, now: store.control.hold(chosen, Held(reason=why), now),
        note=("message.held", why),
    )


@app.command("release")
@flattened
def release(ctx: typer.Context, meant: Meant, common: Common, ids: Ids = None) -> None:
    """Let held messages go; they are due at once.

    Example: `ses-relay queue release --user tickets`
    """
    word = _Word(ctx, "release", "released", common)
    word.say(
        meant,
        ids,
        lambda store, chosen, now: store.control.release(chosen, now),
        note=("message.released", f"released by {OPERATOR}"),
    )


@app.command("drop")
@flattened
def drop(ctx: typer.Context, meant: Meant, common: Common, ids: Ids = None) -> None:
    """Throw messages away. Nobody is told: no bounce is sent. Look with `queue list` first.

    A message that cannot be read any more goes only when its id is named.

    Example: `ses-relay queue drop --sender 'cron@example.com' --older-than 1d`
    """
    word = _Word(ctx, "drop", "dropped", common)
    word.say(
        meant,
        ids,
        lambda store, chosen, now: store.control.drop(chosen, now),
        note=("message.discarded", f"dropped by {OPERATOR}"),
    )


_Change = Callable[[Shared, Selection, datetime], Awaitable[Changed | StoreFault]]


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of change: said to the messages meant, and answered for each that was named."""

    ctx: typer.Context
    verb: str
    done: str  # what a message is then
    common: Common

    def say(
        self,
        meant: Meant,
        ids: Sequence[str] | None,
        change: _Change,
        note: tuple[str, str] | None = None,
    ) -> None:
        """Do it, note it in the history (event and reason), and tell what was done."""
        clock = around(self.ctx).clock
        now = clock.now()
        chosen = meant.chosen(self.verb, ids or (), now)

        async def work(store: Shared) -> tuple[Changed, dict[str, str]]:
            changed = sound(await change(store, chosen, now))
            for queue_id in changed.ids if note else ():
                facts = {"queue_id": queue_id, "reason": note[1] if note else ""}
                store.history.note(note[0] if note else "", now, facts)
            missed = chosen.ids - {*changed.ids, *changed.leased}
            return changed, {one: await self._why_not(store, one, now) for one in sorted(missed)}

        changed, missed = with_store(settings(self.common.config), clock, work)
        if self.common.as_json:
            print_json({"changed": changed.ids, "under_way": changed.leased, "unchanged": missed})
        else:
            typer.echo(f"{counted(len(changed.ids))} {self.done}")
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

    async def _why_not(self, store: Shared, queue_id: str, now: datetime) -> str:
        match sound(await store.control.find(queue_id)):
            case None:
                return _absent(queue_id)
            case Corrupt(reason=reason):
                return f"{queue_id} cannot be read ({reason}); it can only be dropped"
            case entry if EntryState.of(entry, now) is EntryState.HELD:
                return f"{queue_id} is held; `ses-relay queue release {queue_id}` lets it go"
            case _ if self.verb == "retry":
                return f"{queue_id} is due already; it goes when its turn comes"
            case _:
                return f"{queue_id} is not held; `ses-relay queue show {queue_id}` shows it"


def _absent(queue_id: str) -> str:
    return (
        f"{printable(queue_id)} is not in the queue; `ses-relay trace {printable(queue_id)}` tells "
        "what became of it"
    )
