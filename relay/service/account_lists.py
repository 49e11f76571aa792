"""The suppression lists of the routes' accounts, opened for a while: for the watch and the verb.

Errors: `UnusableRoute` from `relay.aws`.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from relay.aws import open_clients
from relay.delivery.account_list import BETWEEN_CALLS, SesAccountList
from relay.delivery.control import Pace
from relay.feedback.account_list.watch import ListWatch
from relay.model.clock import Clock
from relay.model.ports import AccountListAtSes, Mirrors
from relay.model.settings import Route
from relay.service.check.check import Clients
from relay.service.feedback import Around


@asynccontextmanager
async def open_account_list(
    name: str, route: Route, clock: Clock, clients: Clients = open_clients
) -> AsyncIterator[SesAccountList]:
    """Open the list of a route's account, by clients of its own or by those that are open."""
    async with clients(name, route, 1) as opened:
        yield SesAccountList(route, opened, Pace(clock, BETWEEN_CALLS))


def watching(mirrors: Mirrors, clients: Clients, around: Around) -> ListWatch:
    """Wire what keeps all lists and ours together."""

    def open_list(name: str, route: Route) -> AbstractAsyncContextManager[AccountListAtSes]:
        return open_account_list(name, route, around.clock, clients)

    return ListWatch(
        open_list=open_list,
        mirrors=mirrors,
        settings=around.settings,
        telemetry=around.telemetry,
        clock=around.clock,
    )
