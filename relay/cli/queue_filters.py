"""Which messages an operator means: by queue id, by filters, or all of them in so many words.

Errors: an unreadable filter ends the command with exit 2, and so does a word of change that names
nothing: a forgotten filter must not hold, send or throw away the whole queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from relay.cli.options import duration, flag, pattern
from relay.cli.output import failure
from relay.model.custody import EntryState, Selection

NO_FILTERS = Selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The filters of the queue's verbs; a message must fit every one that is given."""

    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="Submitted by this user.")
    ] = None
    route: Annotated[
        str | None, typer.Option("--route", metavar="NAME", help="To be sent by this route.")
    ] = None
    sender: Annotated[
        str | None,
        typer.Option("--sender", metavar="PATTERN", help="From this sender: *@example.com, <>"),
    ] = None
    recipient: Annotated[
        str | None,
        typer.Option(
            "--recipient", metavar="PATTERN", help="One recipient at least: *@example.org"
        ),
    ] = None
    state: Annotated[EntryState | None, typer.Option("--state", help="In this state now.")] = None
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="TIME", help="Received longer ago: 30m, 2h, 1d"),
    ] = None

    def selection(self, now: datetime) -> Selection:
        """Read the filters."""
        before = None
        if self.older_than is not None:
            before = now - timedelta(seconds=duration("--older-than", self.older_than))
        return Selection(
            user=self.user,
            route=self.route,
            sender=None if self.sender is None else pattern("--sender", self.sender),
            recipient=None if self.recipient is None else pattern("--recipient", self.recipient),
            state=self.state,
            received_before=before,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant(Filters):
    """Filters, or everything."""

    everything: Annotated[
        bool, flag("--all", help="Every message, where no id and no filter is given.")
    ] = False

    def chosen(self, verb: str, ids: Sequence[str], now: datetime) -> Selection:
        """Read ids, filters or `--all`; exactly one of the three says what is meant."""
        chosen = self.selection(now)
        said = [bool(ids), chosen != NO_FILTERS, self.everything]
        if sum(said) == 1:
            return Selection(ids=frozenset(ids)) if ids else chosen
        if sum(said) == 0:
            raise failure(
                f"queue {verb}: no message is named; give queue ids, filters such as --user NAME, "
                "or --all for every message",
                2,
            )
        raise failure(
            f"queue {verb}: ids, filters and --all exclude each other; give one of them", 2
        )
