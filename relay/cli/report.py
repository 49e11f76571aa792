"""`ses-relay report`: what each user sent (or route, or tag), what came back, and its price.

The counts are those that reputations are made of: a bounce or a complaint counts with the mail it
belongs to, however late it comes. Mail to SES's mailbox simulator counts no recipients, but costs
as all other mail. They are kept by ten minutes; a running relay writes them down every ten seconds.

SES facts (SES Developer Guide, faqs-enforcement): only hard bounces count. For the charge see
`relay.model.ses_prices`.

Errors: exit 2 for a time that the counts do not go back to.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from relay.cli.loading import settings
from relay.cli.options import Common, duration, flattened
from relay.cli.output import Column, failure, print_json, print_table, span
from relay.cli.store import sound, with_store
from relay.cli.surroundings import around
from relay.model.documents import moment
from relay.model.ports import TALLIES_KEPT, Subject, Tally, slot_of
from relay.model.ses_prices import dollars
from relay.stores.shared import Shared


class By(StrEnum):
    """What mail is summed up by."""

    USER = "user"
    ROUTE = "route"
    TAG = "tag"


_COLUMNS = (
    Column("MESSAGES", right=True),
    Column("RECIPIENTS", right=True),
    Column("BOUNCED", right=True),
    Column("RATE", right=True),
    Column("COMPLAINED", right=True),
    Column("RATE", right=True),
    Column("COST", right=True),
)


@flattened
def report(
    ctx: typer.Context,
    common: Common,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="How far to look back: 6h, 24h, 30d.")
    ] = "24h",
    by: Annotated[
        By, typer.Option("--by", help="Sum up by user, by route, or by tag (as NAME=VALUE).")
    ] = By.USER,
    price: Annotated[
        float | None,
        typer.Option(
            "--price",
            min=0,
            metavar="DOLLARS",
            help="What SES charges for 1000 recipients; that of `prices` when left out.",
        ),
    ] = None,
) -> None:
    """Sum up each user: messages, recipients, bounces, complaints and what SES charges.

    What was relayed counts, with the bounces and complaints that came back of it since. The cost
    is an estimate: recipients times price, without attachments and the fees of plans.

    Example: `ses-relay report --since 7d`
    """
    length = timedelta(seconds=duration("--since", since))
    if length > TALLIES_KEPT:
        kept = span(TALLIES_KEPT.total_seconds())
        raise failure(f"--since {since}: the counts go back {kept}; write {kept} or less", 2)
    start = slot_of(around(ctx).clock.now() - length)

    async def work(store: Shared) -> Sequence[Tally]:
        return sound(await store.tallies.summed(Subject(by), start))

    known = settings(common.config)
    price = known.prices.per_thousand_recipients if price is None else price
    found = with_store(known, around(ctx).clock, work)
    # A message has any number of tags: their sum means nothing.
    total = None if by is By.TAG else _total(found, start)
    if common.as_json:
        print_json(
            {
                "since": moment(start),
                "dollars_per_1000_recipients": price,
                f"{by}s": [{by.value: one.name, **_document(one, price)} for one in found],
                "total": total and _document(total, price),
            }
        )
        return
    if not found:
        typer.echo(f"nothing was relayed since {moment(start)}; counts may be ten seconds old")
        return
    lines = [*found, total] if total is not None and len(found) > 1 else found
    columns = (Column(by.upper(), whole=True), *_COLUMNS)
    print_table(columns, [_row(one, price) for one in lines])
    typer.echo(f"since {moment(start)}, at ${price:.2f} for 1000 recipients")


def _total(found: Sequence[Tally], start: datetime) -> Tally:
    return Tally(
        subject=Subject.USER,
        name="all",
        slot=start,
        messages=sum(one.messages for one in found),
        relayed=sum(one.relayed for one in found),
        bounced=sum(one.bounced for one in found),
        complained=sum(one.complained for one in found),
        simulated=sum(one.simulated for one in found),
    )


def _row(one: Tally, price: float) -> Sequence[str]:
    return (
        one.name,
        str(one.messages),
        str(one.relayed),
        str(one.bounced),
        _percent(one.bounced, one.relayed),
        str(one.complained),
        _percent(one.complained, one.relayed),
        f"${dollars(one.relayed + one.simulated, price):.4f}",
    )


def _document(one: Tally, price: float) -> dict[str, object]:
    return {
        "messages": one.messages,
        "recipients": one.relayed,
        "bounced": one.bounced,
        "bounce_ratio": _share(one.bounced, one.relayed),
        "complained": one.complained,
        "complaint_ratio": _share(one.complained, one.relayed),
        "estimated_cost_dollars": round(dollars(one.relayed + one.simulated, price), 6),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percent(part: int, whole: int) -> str:
    share = _share(part, whole)
    return "-" if share is None else f"{share:.2%}"
