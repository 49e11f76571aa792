"""`ses-relay suppression sync`: the lists of the SES accounts and ours, brought together now.

Errors: exit 1 where SES refused a part of it, with what to do; exit 2 where the configuration does
not want it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn

from relay.cli.loading import settings
from relay.cli.options import Common, flag, flattened
from relay.cli.output import Column, failure, print_json, print_table
from relay.cli.store import sound, with_store
from relay.cli.surroundings import around
from relay.model.clock import Clock
from relay.model.ports import History, Suppressed
from relay.model.settings import AccountList, Settings
from relay.service.syncing import Extent, Synced, Syncing, UnusableRoute
from relay.stores.shared import Shared

_COUNTS = ("read", "added", "removed", "put", "deleted", "refused")
_COLUMNS = (
    Column("ACCOUNT AND REGION", whole=True),
    Column("ROUTES"),
    *(Column(name.upper(), right=True) for name in _COUNTS),
)


@flattened
def sync(
    ctx: typer.Context,
    common: Common,
    read_only: Annotated[  # noqa: FBT002 - typer's flags
        bool, flag("--read-only", help="Change nothing at SES, whatever is configured.")
    ] = False,
    all_removals: Annotated[  # noqa: FBT002
        bool,
        flag("--all-removals", help="Follow a list though it lost most of its addresses at once."),
    ] = False,
) -> None:
    """Bring this list and those of the SES accounts together now, as `account_list` says.

    Reads each account's list from the first address to the last, puts there what is lacking and
    takes off what was removed here. SES allows one call a second: 1,000 addresses are read, or one
    is written, in about two. What is cut off goes on with the next run, or by the relay itself.

    Example: `ses-relay suppression sync --read-only`
    """
    known = settings(common.config)
    clock = around(ctx).clock
    extent = Extent.EMPTIED if all_removals else Extent.WHOLE
    mode = _mode(known, read_only=read_only)

    async def work(store: Shared) -> Sequence[Synced]:
        told = _Noted(store.history, clock)
        with progress_bar(Console(stderr=True)) as bar:
            syncing = Syncing(
                mirrors=store.mirrors,
                mode=mode,
                extent=extent,
                told=told,
                clock=clock,
                shown=Shown(bar),
            )
            return sound(await syncing.run(known.routes))

    try:
        found = with_store(known, clock, work)
    except UnusableRoute as unusable:
        raise failure(str(unusable), 2) from None
    if common.as_json:
        print_json(_document(found))
    else:
        print_table(_COLUMNS, [_row(one) for one in found])
    troubles = [f"{', '.join(one.routes)}: {trouble}" for one in found for trouble in one.troubles]
    if troubles:
        raise failure("\n".join(troubles))


def _mode(known: Settings, *, read_only: bool) -> AccountList:
    if read_only:
        return AccountList.READ
    if known.suppression.account_list is AccountList.OFF:
        raise failure(
            "suppression.account_list is off; write read or sync there, or try --read-only", 2
        )
    return known.suppression.account_list


@dataclass(frozen=True, slots=True)
class _Noted:
    """Writes into the history what happens to our list."""

    history: History
    clock: Clock

    def added(self, entry: Suppressed) -> None:
        facts = {"recipients": [entry.address], "reason": entry.reason, "by": "account"}
        self.history.note("suppression.added", self.clock.now(), facts)

    def removed(self, address: str) -> None:
        facts = {"recipients": [address], "by": "account"}
        self.history.note("suppression.removed", self.clock.now(), facts)


def progress_bar(console: Console) -> Progress:
    """Make a bar, which is drawn on a terminal alone."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("addresses"),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


class Shown:
    """A line of the bar for each list."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, done: int, total: int) -> None:
        """Draw how far a list is."""
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name)
        self._bar.update(self._tasks[name], completed=done, total=total)


def _row(one: Synced) -> Sequence[str]:
    counts = asdict(one.counts)
    return one.name or "?", ", ".join(one.routes), *(str(counts[name]) for name in _COUNTS)


def _document(found: Sequence[Synced]) -> Mapping[str, object]:
    """Give the sums, and each list by itself."""
    each = [(one, asdict(one.counts)) for one in found]
    return {
        **{name: sum(counts[name] for _, counts in each) for name in _COUNTS},
        "lists": [
            {
                "list": one.name or None,
                "routes": one.routes,
                **counts,
                "troubles": [asdict(trouble) for trouble in one.troubles],
            }
            for one, counts in each
        ],
    }
