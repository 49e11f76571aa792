"""`ses-relay suppression`: the addresses that get no mail.

Errors: exit 1 for a text that is no address, for one that is not on the list, and for a file with
a line that cannot be read: then nothing of it is imported.
"""

import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from relay.cli.loading import settings
from relay.cli.options import Common, flattened
from relay.cli.output import Column, counted, failure, print_json, print_table, printable
from relay.cli.progress import bar, told
from relay.cli.store import sound, with_store
from relay.cli.suppression_files import BadLines, csv_lines, json_line, read_lines
from relay.cli.suppression_sync import sync
from relay.cli.surroundings import around
from relay.model import documents
from relay.model.address import Address, AddressFault
from relay.model.documents import moment
from relay.model.ports import Suppressed
from relay.model.settings import AccountList
from relay.stores.shared import Shared

app = typer.Typer(
    help="The suppression list: addresses that get no mail. Works while `serve` runs.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

app.command("sync")(sync)

_PAGE = 5_000  # addresses read or written at a time
_MANUAL = "manual"  # the reason where an operator gives none
_COLUMNS = (
    Column("ADDRESS", whole=True),
    Column("REASON"),
    Column("SINCE"),
    Column("UNTIL"),
    Column("NOTE"),
)
_Addresses = Annotated[list[str], typer.Argument(metavar="ADDRESS", show_default=False)]


@app.command("list")
@flattened
def list_addresses(
    ctx: typer.Context,
    common: Common,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Addresses shown at most.")] = 1000,
) -> None:
    """List the addresses in order. The whole list is what `export` writes.

    Example: `ses-relay suppression list`
    """

    async def work(store: Shared) -> Sequence[Suppressed]:
        return sound(await store.suppression.listed("", limit + 1))

    found = with_store(settings(common.config), around(ctx).clock, work)
    if common.as_json:
        print_json([documents.suppressed(one) for one in found[:limit]])
    elif found:
        print_table(_COLUMNS, [_row(one) for one in found[:limit]])
    else:
        typer.echo("no address is suppressed")
    if len(found) > limit:
        typer.echo(f"there are more than {limit}: raise --limit, or use export", err=True)


@app.command("add")
@flattened
def add(
    ctx: typer.Context,
    addresses: _Addresses,
    common: Common,
    reason: Annotated[str, typer.Option("--reason", help="One word, for metrics.")] = _MANUAL,
    note: Annotated[str, typer.Option("--note", help="For who looks at it later.")] = "",
) -> None:
    """Send these addresses nothing any more. One already there gets the new reason and note.

    Example: `ses-relay suppression add gone@example.org --note 'left in May, ticket 4711'`
    """
    clock = around(ctx).clock
    now = clock.now()
    new = [
        Suppressed(address=str(one), reason=reason, since=now, note=note)
        for one in _addresses(addresses)
    ]

    async def work(store: Shared) -> None:
        sound(await store.suppression.suppress(new))
        for one in new:
            facts = {"recipients": [one.address], "reason": reason, "by": "operator", "note": note}
            store.history.note("suppression.added", now, facts)

    with_store(settings(common.config), clock, work)
    if common.as_json:
        print_json([documents.suppressed(one) for one in new])
    else:
        typer.echo(f"{counted(len(new), 'address', 'addresses')} suppressed")


@app.command("remove")
@flattened
def remove(ctx: typer.Context, addresses: _Addresses, common: Common) -> None:
    """Send these addresses mail again.

    Example: `ses-relay suppression remove back@example.org`
    """
    clock, known = around(ctx).clock, settings(common.config)
    wanted = [str(one) for one in _addresses(addresses)]

    async def work(store: Shared) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
        gone = sound(await store.suppression.unsuppress(wanted))
        for one in gone:
            facts = {"recipients": [one], "by": "operator"}
            store.history.note("suppression.removed", clock.now(), facts)
        return gone, sound(await store.mirrors.holders(gone))

    gone, there = with_store(known, clock, work)
    missing = sorted({one.lower() for one in wanted} - set(gone))
    if common.as_json:
        print_json({"removed": list(gone), "not_listed": missing})
    else:
        typer.echo(f"{counted(len(gone), 'address', 'addresses')} removed")
    if known.suppression.account_list is not AccountList.SYNC:
        for address, name in there:
            typer.echo(_still_there(address, name), err=True)
    if missing:
        raise failure(
            f"not on the list: {', '.join(missing)}; `ses-relay suppression list` shows what is"
        )


@app.command("import")
@flattened
def import_file(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    common: Common,
    reason: Annotated[str, typer.Option("--reason", help="For lines that give none.")] = _MANUAL,
    note: Annotated[str, typer.Option("--note", help="For lines that have none.")] = "",
) -> None:
    """Add the addresses of a file: CSV, or JSON lines; `-` is standard input.

    CSV: columns address, reason, note, since, until, in this order or named by a first line; a
    plain list of addresses will do. JSON lines: an object with the same keys on each line.
    Nothing is imported when a line is wrong.

    Example: `ses-relay suppression import bounced.csv --reason bounce --note 'from the old relay'`
    """
    clock = around(ctx).clock
    default = Suppressed(address="", reason=reason, since=clock.now(), note=note)
    with told(f"reading {file}"):
        found = read_lines(_text(file), default)
    if isinstance(found, BadLines):
        for fault in found.faults:
            typer.echo(f"{file}:{printable(fault)}", err=True)
        raise failure(f"{file}: nothing was imported; mend {counted(found.count, 'line')}")

    async def work(store: Shared) -> None:
        rest = iter(bar(found, "importing"))
        while page := list(islice(rest, _PAGE)):
            sound(await store.suppression.suppress(page))

    with_store(settings(common.config), clock, work)
    if common.as_json:
        print_json({"imported": len(found)})
    else:
        typer.echo(f"{counted(len(found), 'address', 'addresses')} imported")


@app.command("export")
@flattened
def export(ctx: typer.Context, common: Common) -> None:
    """Write the whole list: CSV, with --json as JSON lines. `import` reads both.

    Example: `ses-relay suppression export > suppressed.csv`
    """

    async def work(store: Shared) -> None:
        if not common.as_json:
            sys.stdout.write(csv_lines(None))
        done = 0
        with told("exporting") as status:
            async for page in _pages(store):
                if common.as_json:
                    sys.stdout.writelines(json_line(one) for one in page)
                else:
                    sys.stdout.write(csv_lines(page))
                done += len(page)
                status.update(f"exporting: {counted(done, 'address', 'addresses')}")

    with_store(settings(common.config), around(ctx).clock, work)


async def _pages(store: Shared) -> AsyncIterator[Sequence[Suppressed]]:
    after = ""
    while page := sound(await store.suppression.listed(after, _PAGE)):
        yield page
        after = page[-1].address


def _addresses(texts: Sequence[str]) -> Iterator[Address]:
    found = {text: Address.parse(text) for text in texts}
    faults = [
        f"{printable(text)}: {address}"
        for text, address in found.items()
        if isinstance(address, AddressFault)
    ]
    if faults:
        raise failure(f"{'; '.join(faults)}; write name@example.org")
    return (address for address in found.values() if isinstance(address, Address))


def _still_there(address: str, name: str) -> str:
    account, _, region = name.partition("/")
    return (
        f"{address} is on the list of account {account}, so that SES sends it nothing: aws sesv2 "
        f"delete-suppressed-destination --region {region} --email-address {quote(address)}"
    )


def _text(file: Path) -> str:
    try:
        octets = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return octets.decode("utf-8-sig")
    except OSError as error:
        raise failure(f"{file}: {error.strerror}; name a file that can be read") from None
    except UnicodeDecodeError:
        raise failure(f"{file}: is not UTF-8 text; save it as CSV or JSON lines in UTF-8") from None


def _row(one: Suppressed) -> Sequence[str]:
    return one.address, one.reason, moment(one.since) or "", moment(one.until) or "", one.note
