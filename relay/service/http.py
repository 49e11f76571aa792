"""Serve health, metrics and the dashboard of one worker.

Errors: `Unusable` when the address cannot be had.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from relay.model.account import RouteAccount
from relay.model.outcome import ScopeKind
from relay.model.ports import StoreFault
from relay.model.settings import Settings
from relay.policy.policy import NOBODY
from relay.service.assembly import VERSION, Outside
from relay.service.snapshot import Unusable
from relay.service.stores import Stores
from relay.smtp.sockets import ListenFault, open_sockets
from relay.web import Access, Readiness, Signed, Sources, Store, Users, make_app, serve

_RECALLED = 1_500  # events from before the start that the first page shows


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the pages ask of the running relay, and what is served beside them."""

    readiness: Callable[[], Readiness]
    settings: Callable[[], Settings]  # those in force
    accounts: Callable[[], Sequence[RouteAccount]]
    users: Users
    signed: Signed | None = None


async def open_http(
    settings: Settings,
    outside: Outside,
    stores: Stores,
    view: View,
    stack: AsyncExitStack,
) -> str:
    """Open the HTTP side; gives the address it is reached at."""
    if stores.keeps:
        before = await stores.trace.recent(_RECALLED)
        # A history that cannot be read now is looked at again by whoever searches it.
        outside.recent.recall(() if isinstance(before, StoreFault) else reversed(before))
    sources = Sources(
        hostname=settings.hostname or "",
        version=VERSION,
        metrics=outside.metrics,
        recent=outside.recent,
        readiness=view.readiness,
        clock=outside.clock,
        users=view.users,
        accounts=view.accounts,
        price=lambda: view.settings().prices.per_thousand_recipients,
        known=lambda kind: _known(view.settings(), kind),
        store=_store(stores) if stores.keeps else None,
        inbox=outside.inbox,
    )
    access = Access(settings.http.bind, settings.http.token, outside.clock)
    sockets = open_sockets(settings.http.bind)
    if isinstance(sockets, ListenFault):
        raise Unusable(f"http.bind: {sockets}")
    first, *others = sockets
    for other in others:
        other.close()
    served = await serve(make_app(sources, access, view.signed), first)
    stack.push_async_callback(served.close)
    match served.address:
        case (str(host), int(port), *_):
            return f"http://{host}:{port}"
        case _:
            return str(settings.http.bind)


def _store(stores: Stores) -> Store:
    return Store(
        control=stores.control,
        holds=stores.holds,
        suppression=stores.suppression,
        trace=stores.trace,
        history=stores.history,
    )


def _known(settings: Settings, kind: ScopeKind) -> Collection[str]:
    match kind:
        case ScopeKind.USER:
            # The last one is nobody in particular.
            return [*(user.name for user in settings.users), NOBODY.name]
        case ScopeKind.ROUTE:
            return settings.routes.keys()
        case _:
            return ()
