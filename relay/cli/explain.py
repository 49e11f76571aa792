"""`ses-relay explain`: what the relay would do with a message, without doing it.

Errors: exit 1 where the client would be refused, exit 2 for a user, listener or address that is
none.
"""

import asyncio
import sys
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated

import typer

from relay.cli.loading import settings
from relay.cli.options import Common, flattened
from relay.cli.output import Column, failure, print_json, print_table, printable
from relay.cli.store import opened
from relay.cli.surroundings import around
from relay.model.clock import Clock
from relay.model.ports import StoreFault, Suppression
from relay.model.settings import Listener, NoStore, Settings, SqliteStore, Store
from relay.service.explain import Attempted, Explanation, Planned, explain
from relay.service.snapshot import Unusable, snapshot_of
from relay.stores.none import NoSuppression
from relay.stores.shared import Shared
from relay.stores.sqlite.slot import Places

_STAGES = (Column("SAID"), Column("HEARD"))
_RECIPIENTS = (Column("RECIPIENT"), Column("DECISION"), Column("RULES"), Column("INSTEAD"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """The client, as far as it is not the nearest one."""

    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            metavar="NAME",
            help="Who logs in, or shows its certificate.  [whom networks name]",
        ),
    ] = None
    client: Annotated[str, typer.Option("--client", metavar="IP", help="Where the client is.")] = (
        "127.0.0.1"
    )
    listener: Annotated[
        str | None,
        typer.Option("--listener", metavar="NAME", help="Name or bind.  [the first that fits]"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What MAIL FROM and RCPT TO say."""

    sender: Annotated[str, typer.Option("--from", metavar="A", help='MAIL FROM; "<>" for none.')]
    recipients: Annotated[
        list[str], typer.Option("--to", metavar="B", help="RCPT TO; as often as there are.")
    ]


@flattened
def explain_message(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="MESSAGE.eml", show_default=False)],
    envelope: Envelope,
    who: Who,
    common: Common,
) -> None:
    """Show what the relay would do with a message: replies, rules, changes, requests to SES.

    A dry run of the real way; nothing is sent or written. `-` is standard input. The suppression
    list is asked where there is a store that can be reached; limits, holds and the account are not.

    Example: `ses-relay explain mail.eml --from a@example.com --to b@example.org --user tickets`
    """
    known = settings(common.config)
    clock = around(ctx).clock
    try:
        snapshot = snapshot_of(known)
    except Unusable as fault:
        raise failure(str(fault), 2) from None
    attempted = _attempted(known, file, envelope, who)

    async def told(suppression: Suppression) -> Explanation:
        return await explain(snapshot, attempted, suppression, clock)

    async def beside_the_relay() -> Explanation:
        store = await _opened(known.queue.store, clock)
        if store is None:
            return await told(NoSuppression())
        try:
            return await told(store.suppression)
        finally:
            await store.close()

    story = asyncio.run(beside_the_relay())
    if common.as_json:
        print_json(_document(story))
    else:
        _print(story)
    for wrong in story.faults:
        typer.echo(f"a fault of the relay itself: {printable(wrong)}", err=True)
    if not story.accepted:
        last = story.stages[-1]
        raise failure(f"refused at {printable(last.said)}: {printable(str(last.reply))}")


async def _opened(store: Store, clock: Clock) -> Shared | None:
    """Open the store whose suppression list is asked; None: there is none, or none yet."""
    if isinstance(store, NoStore):
        return None
    if isinstance(store, SqliteStore) and not Places(store.folder).state.exists():
        return None
    shared = await opened(store, clock)
    if isinstance(shared, StoreFault):
        typer.echo(f"the suppression list was not asked: {printable(shared.reason)}", err=True)
        return None
    return shared


def _attempted(known: Settings, file: Path, envelope: Envelope, who: Who) -> Attempted:
    names = [user.name for user in known.users]
    if who.user is not None and who.user not in names:
        raise failure(
            f"--user {printable(who.user)} is not in the configuration; write one of: "
            f"{', '.join(names) or '(there is none)'}",
            2,
        )
    try:
        address = ip_address(who.client)
    except ValueError:
        raise failure(
            f"--client {printable(who.client)} is not an IP address; write 10.1.2.3", 2
        ) from None
    return Attempted(
        sender=_bare(envelope.sender),
        recipients=tuple(_bare(text) for text in envelope.recipients),
        octets=_octets(file),
        user=who.user,
        address=address,
        listener=_listener(known, who.listener, address),
    )


def _bare(text: str) -> str:
    return text.removeprefix("<").removesuffix(">")


def _octets(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise failure(f"{file}: {error.strerror}; name a message that can be read", 2) from None


def _listener(known: Settings, wanted: str | None, address: IPv4Address | IPv6Address) -> Listener:
    if wanted is None:
        fitting = (
            listener
            for listener in known.listeners
            if not listener.networks or any(address in network for network in listener.networks)
        )
        return next(fitting, known.listeners[0])
    names = {listener.name or str(listener.bind): listener for listener in known.listeners}
    found = names.get(wanted)
    if found is None:
        raise failure(
            f"--listener {printable(wanted)} is not in the configuration; write one of: "
            f"{', '.join(names)}",
            2,
        )
    return found


def _print(story: Explanation) -> None:
    typer.echo(f"listener {story.listener}, user {story.user}\n")
    print_table(_STAGES, [(stage.said, str(stage.reply)) for stage in story.stages])
    if story.recipients:
        typer.echo("")
        print_table(
            _RECIPIENTS,
            [
                (one.recipient, one.decision, ", ".join(one.rules), ", ".join(one.redirect))
                for one in story.recipients
            ],
        )
    for who, reason in story.left_out:
        typer.echo(f"left out: {printable(who)}, {printable(reason)}")
    for number, message in enumerate(story.messages, start=1):
        _print_message(number, message)


def _print_message(number: int, message: Planned) -> None:
    typer.echo(
        f"\nmessage {number}: route {message.route} ({message.region}), lane {message.lane}"
        + (f", held: {message.held.reason}" if message.held else "")
    )
    for line in message.diff.splitlines():
        typer.echo(f"  {printable(line.expandtabs())}")
    typer.echo(f"  body: {message.body}")
    for request in message.requests:
        typer.echo(f"  {request.operation}")
        for name, value in request.parameters.items():
            typer.echo(f"    {name}: {printable(str(value))}")


def _document(story: Explanation) -> dict[str, object]:
    return {
        "listener": story.listener,
        "user": story.user,
        "accepted": story.accepted,
        "stages": [{"said": stage.said, "heard": str(stage.reply)} for stage in story.stages],
        "recipients": [asdict(one) for one in story.recipients],
        "left_out": [{"recipient": who, "reason": reason} for who, reason in story.left_out],
        "messages": [
            {
                "route": message.route,
                "region": message.region,
                "lane": message.lane,
                "held": message.held.reason if message.held else None,
                "diff": message.diff.splitlines(),
                "body": message.body,
                "requests": [asdict(request) for request in message.requests],
            }
            for message in story.messages
        ],
        "faults": list(story.faults),
    }
