"""`ses-relay queue`: what is kept, and an operator's hands on it while the relay runs.

Errors: exit 1 for a message that is not there or cannot be read; exit 2 for a filter that cannot
be read. Those of the words of change: `relay.cli.queue_changes`.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from relay.cli import queue_views as views
from relay.cli.loading import settings
from relay.cli.options import Common, flattened
from relay.cli.output import failure, print_json, print_table, printable
from relay.cli.queue_changes import absent, drop, hold, release, retry
from relay.cli.queue_filters import Filters
from relay.cli.store import sound, with_store
from relay.cli.surroundings import around
from relay.model import documents
from relay.model.content import Content
from relay.model.custody import QueueCount, Selection
from relay.model.entry import QueueEntry
from relay.model.ports import Corrupt, StoreFault
from relay.stores.shared import Shared

app = typer.Typer(
    help="The queue: what is kept, and what to do with it. Works while `serve` runs.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

app.command("retry")(retry)
app.command("hold")(hold)
app.command("release")(release)
app.command("drop")(drop)


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

    known = settings(common.config)
    found = with_store(known, around(ctx).clock, work)
    shown = found[:limit]
    if common.as_json:
        print_json([documents.entry(entry, now) for entry in shown])
    elif shown:
        print_table(views.LIST, [views.row(entry, now, known.routes) for entry in shown])
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

    known = settings(common.config)
    entry, content = with_store(known, clock, work)
    if entry is None:
        raise failure(absent(queue_id))
    now = clock.now()
    header = views.header_lines(content) if isinstance(content, Content) else []
    if common.as_json:
        print_json({**documents.entry(entry, now), "header": header})
    elif isinstance(entry, QueueEntry):
        _print_entry(views.particulars(entry, now, known.routes), entry, header)
    for part in (entry, content):
        if isinstance(part, Corrupt):
            raise failure(
                f"{entry.id} cannot be read: {part.reason}; "
                f"`ses-relay queue drop {entry.id}` throws it away"
            )


def _print_entry(
    particulars: Iterable[tuple[str, str]], entry: QueueEntry, header: Sequence[str]
) -> None:
    for name, value in particulars:
        typer.echo(f"{name + ':':<14}{printable(value)}")
    typer.echo("")
    print_table(views.REQUESTS, views.request_rows(entry))
    typer.echo("")
    for line in header:
        typer.echo(printable(line.replace("\t", " ")))


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
        print_json([documents.count(cell) for cell in cells])
    elif cells:
        print_table(views.SUMMARY, views.summary_rows(cells))
    else:
        typer.echo("the queue is empty")
