"""`ses-relay hold` and `release`: a whole user, route or identity stops and goes on.

The word is kept in the store; a running relay obeys it within about a second, one that is started
later from its start on. An identity is kept without a route: it is held on every one.

Errors: exit 2 where not exactly one scope is named, exit 1 for one that the configuration does not
have, or that is not held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from relay.cli.loading import settings
from relay.cli.options import Common, duration, flag, flattened
from relay.cli.output import Column, counted, failure, print_json, print_table, printable
from relay.cli.store import sound, with_store
from relay.cli.surroundings import around
from relay.model import documents
from relay.model.address import Address, AddressFault
from relay.model.custody import EntryState, ScopeHold
from relay.model.documents import moment
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.settings import Settings
from relay.stores.shared import Shared

_NOBODY = "-"  # the user of mail that nobody in particular submitted
_COLUMNS = (
    Column("KIND"),
    Column("NAME", whole=True),
    Column("ROUTE"),
    Column("SINCE"),
    Column("UNTIL"),
    Column("REASON"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One scope, as an operator names it."""

    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="All mail of a user.")
    ] = None
    route: Annotated[
        str | None, typer.Option("--route", metavar="NAME", help="All mail of a route.")
    ] = None
    identity: Annotated[
        str | None,
        typer.Option(
            "--identity", metavar="IDENTITY", help="All mail of an address or a domain, as sender."
        ),
    ] = None

    def scope(self, verb: str) -> Scope:
        """Give the one scope that is named."""
        match self.user, self.route, self.identity:
            case str(name), None, None:
                return Scope(ScopeKind.USER, name)
            case None, str(name), None:
                return Scope(ScopeKind.ROUTE, name)
            case None, None, str(name):
                return Scope(ScopeKind.IDENTITY, _identity(name))
            case _:
                raise failure(
                    f"{verb}: name one of --user NAME, --route NAME or --identity IDENTITY", 2
                )

    @property
    def nothing(self) -> bool:
        """Whether no scope is named."""
        return (self.user, self.route, self.identity) == (None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Why, and for how long; or only a look at what is held."""

    why: Annotated[str, typer.Option("--reason", help="Shown wherever the hold is.")] = (
        "held by an operator"
    )
    length: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Ends by itself: 30m, 2h, 1d")
    ] = None
    show: Annotated[bool, flag("--list", help="List what is held, and why.")] = False


@flattened
def hold(ctx: typer.Context, named: Named, holding: Holding, common: Common) -> None:
    """Stop a whole user, route or identity, while `serve` runs and over its restarts.

    Its mail is still accepted and kept; while it is held nothing of it expires or bounces.

    Example: `ses-relay hold --user newsletter --reason 'wrong links' --for 2h`
    """
    if holding.show and not named.nothing:
        raise failure("hold: --list shows all holds; leave the scope out", 2)
    if holding.show:
        _list(ctx, common)
        return
    scope = named.scope("hold")
    known = settings(common.config)
    _check_known(scope, known)
    clock = around(ctx).clock
    now = clock.now()
    ends = None
    if holding.length is not None:
        ends = now + timedelta(seconds=duration("--for", holding.length))
    new = ScopeHold(scope=scope, held=Held(reason=holding.why, until=ends), since=now)

    async def work(store: Shared) -> None:
        sound(await store.holds.hold(new))

    with_store(known, clock, work)
    if common.as_json:
        print_json(documents.scope_hold(new))
    else:
        typer.echo(f"{scope} is held" + (f" until {moment(ends)}" if ends else ""))


@flattened
def release(ctx: typer.Context, named: Named, common: Common) -> None:
    """Let a user, route or identity go on that was held.

    What waits for its next attempt goes then; `ses-relay queue retry` makes it due at once.
    Single messages that are held are released by `ses-relay queue release`.

    Example: `ses-relay release --user newsletter`
    """
    scope = named.scope("release")

    clock = around(ctx).clock

    async def work(store: Shared) -> bool:
        holds = sound(await store.holds.holds(clock.now()))
        # The breaker may have held an identity on one route alone; that is meant as well.
        meant = [one.scope for one in holds if _same(one.scope, scope)]
        return any([sound(await store.holds.release(one)) for one in meant])

    if not with_store(settings(common.config), clock, work):
        raise failure(f"{printable(str(scope))} is not held; `ses-relay hold --list` shows what is")
    if common.as_json:
        print_json({"kind": scope.kind, "name": scope.name, "released": True})
    else:
        typer.echo(f"{scope} is released")


def _same(one: Scope, other: Scope) -> bool:
    return (one.kind, one.name) == (other.kind, other.name)


def _list(ctx: typer.Context, common: Common) -> None:
    clock = around(ctx).clock

    async def work(store: Shared) -> tuple[Sequence[ScopeHold], int]:
        now = clock.now()
        cells = sound(await store.control.summary(now))
        held = sum(cell.messages for cell in cells if cell.state is EntryState.HELD)
        return sound(await store.holds.holds(now)), held

    holds, messages = with_store(settings(common.config), clock, work)
    if common.as_json:
        print_json({"scopes": [documents.scope_hold(one) for one in holds], "messages": messages})
        return
    if holds:
        print_table(_COLUMNS, [_row(one) for one in holds])
    else:
        typer.echo("no user, route or identity is held")
    if messages:
        typer.echo(f"{counted(messages)} held one by one: see `ses-relay queue list --state held`")


def _row(one: ScopeHold) -> Sequence[str]:
    scope, held = one.scope, one.held
    every = "every" if scope.kind is ScopeKind.IDENTITY else ""
    return (
        scope.kind,
        scope.name,
        scope.route or every,
        _written(one.since),
        "released" if held.until is None else _written(held.until),
        held.reason,
    )


def _written(time: datetime) -> str:
    return moment(time) or ""


def _identity(text: str) -> str:
    """Write an identity as messages name theirs: domains in lower case."""
    address = Address.parse(text if "@" in text else f"postmaster@{text}")
    if isinstance(address, AddressFault):
        raise failure(
            f"--identity {printable(text)}: {address}; write a domain such as example.com, or an "
            "address",
            2,
        )
    return address.key if "@" in text else address.domain.lower()


def _check_known(scope: Scope, known: Settings) -> None:
    """Refuse a name that the configuration does not have: it is most likely misspelt."""
    match scope.kind:
        case ScopeKind.USER:
            names = [*(user.name for user in known.users), _NOBODY]
        case ScopeKind.ROUTE:
            names = list(known.routes)
        case _:
            return
    if scope.name not in names:
        raise failure(
            f"{scope.kind} {printable(scope.name)} is not in the configuration; "
            f"write one of: {', '.join(names)}"
        )
