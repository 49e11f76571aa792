"""Takes over what an account's list holds.

SES facts: a reading since a time shows what was put there or changed, and no removals; the token of
a page may end, and the reading then begins anew.

Errors: `Halt` as a value.
"""

from datetime import datetime

from relay.feedback.account_list.work import Halt, Work, trouble_with
from relay.model.ports import StoreFault
from relay.model.unanswered import Unanswered, Why

_CIRCLE = Unanswered(why=Why.UNREACHABLE, detail="a page that leads to itself")


async def read(work: Work, since: datetime | None, begun: datetime, *, first: bool) -> int | Halt:
    """Read to the end, and give the number of pages.

    Of a list that is met for the `first` time the log tells the length alone.
    """
    token: str | None = None
    pages, restarted = 0, False
    while True:
        page = await work.there.page(since, token)
        if isinstance(page, Unanswered):
            if page.why is not Why.EXPIRED or restarted:
                return trouble_with("ListSuppressedDestinations", page)
            token, pages, restarted = None, 0, True
            continue
        added = await work.mirrors.take_over(work.name, page.listed, begun)
        if isinstance(added, StoreFault):
            return added
        if not first:
            for entry in added:
                work.told.added(entry)
        work.counts.read += len(page.listed)
        work.counts.added += len(added)
        work.shown(work.counts)
        pages += 1
        if page.token is None:
            return pages
        if page.token == token:
            return trouble_with("ListSuppressedDestinations", _CIRCLE)
        token = page.token
