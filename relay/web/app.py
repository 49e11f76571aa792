"""The aiohttp application: which path is whose.

Errors: an exception in a handler is answered 500 by aiohttp and logged as a library line.
"""

from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web
from aiohttp.typedefs import Handler

from relay.web.access import Access, guard
from relay.web.actions import Actions
from relay.web.api import Api
from relay.web.headers import harden
from relay.web.health import Health
from relay.web.lookup import Lookup
from relay.web.operator import Operator
from relay.web.pages import Pages
from relay.web.patience import ROOMY
from relay.web.queue_page import QueuePages
from relay.web.sources import Sources
from relay.web.store import Census, Store
from relay.web.store_api import StoreApi
from relay.web.suppression_page import SuppressionPages
from relay.web.users_page import UserPages

_MOST_POSTED = 16 * 1024  # octets; only small forms are ever posted


@dataclass(frozen=True, slots=True)
class Signed:
    """A path that takes POST from anybody, because its handler believes signatures alone."""

    path: str
    handler: Handler
    most: int  # octets of a body


def make_signed_app(signed: Signed) -> web.Application:
    """Make an application of this one path, for an address of its own."""
    app = web.Application(client_max_size=signed.most)
    app.on_response_prepare.append(harden)
    app.router.add_post(signed.path, signed.handler)
    return app


def make_app(sources: Sources, access: Access, signed: Signed | None = None) -> web.Application:
    """Make the application; its owner serves it."""
    lookup, store = Lookup(sources), sources.store
    census = None if store is None else Census(store, sources.clock)
    health, api = Health(sources), Api(sources, lookup)
    pages = Pages(sources, access, lookup, census)
    users = UserPages(sources, lookup, pages.end)
    keep = guard(access, None if signed is None else signed.handler)
    app = web.Application(middlewares=[keep], client_max_size=_MOST_POSTED)
    app.on_response_prepare.append(harden)
    if signed is not None:
        app.router.add_post(signed.path, signed.handler)
        app[ROOMY] = {signed.handler: signed.most}
    app.add_routes(
        [
            web.get("/healthz", health.alive),
            web.get("/readyz", health.ready),
            web.get("/metrics", health.metrics),
            web.get("/api/summary", api.summary),
            web.get("/api/accounts", api.accounts),
            web.get("/api/users", api.users),
            web.get("/api/users/{name}", api.user),
            web.get("/api/messages", api.messages),
            web.get("/api/messages/{id}", api.message),
            web.get("/api/inbox", api.inbox),
            web.get("/api/inbox/{id}", api.inbox_message),
            web.get("/", pages.dashboard),
            web.get("/live", pages.live),
            web.get("/messages/{id}", pages.message),
            web.get("/live/messages/{id}", pages.message_live),
            web.get("/users", users.all),
            web.get("/live/users", users.all_live),
            web.get("/users/{name}", users.one),
            web.get("/live/users/{name}", users.one_live),
            web.get("/inbox/{id}", pages.inbox_message),
            web.get("/inbox/{id}/html", pages.inbox_html),
            web.get("/inbox/{id}/source", pages.inbox_source),
            web.get("/login", pages.ask_token),
            web.post("/login", pages.log_in),
            web.post("/logout", pages.log_out),
            web.get("/assets/style.css", _Asset("style.css", "text/css").get),
            web.get("/assets/live.js", _Asset("live.js", "text/javascript").get),
        ]
    )
    if store is not None and census is not None:
        operator = Operator(sources, store)
        app.add_routes(_pages_of_the_store(sources, store, operator, pages))
        app.add_routes(_api_of_the_store(StoreApi(sources, store, census, operator)))
    return app


def _pages_of_the_store(
    sources: Sources, store: Store, operator: Operator, pages: Pages
) -> list[web.RouteDef]:
    queue = QueuePages(sources, store, pages.end)
    suppression = SuppressionPages(store, pages.end)
    actions = Actions(operator)
    return [
        web.get("/queue", queue.show),
        web.get("/live/queue", queue.live),
        web.get("/suppression", suppression.show),
        web.post("/queue/{word}", actions.queue),
        web.post("/holds/hold", actions.hold),
        web.post("/holds/release", actions.release),
        web.post("/suppression/add", actions.suppress),
        web.post("/suppression/remove", actions.unsuppress),
    ]


def _api_of_the_store(api: StoreApi) -> list[web.RouteDef]:
    return [
        web.get("/api/queue", api.queue),
        web.get("/api/queue/summary", api.queue_summary),
        web.post("/api/queue/{word}", api.change),
        web.get("/api/holds", api.holds),
        web.post("/api/holds/hold", api.hold),
        web.post("/api/holds/release", api.release),
        web.get("/api/suppression", api.suppression),
        web.post("/api/suppression/add", api.suppress),
        web.post("/api/suppression/remove", api.unsuppress),
    ]


class _Asset:
    """One file of the package, read once."""

    def __init__(self, name: str, kind: str) -> None:
        self._body = (files("relay.web") / "assets" / name).read_bytes()
        self._kind = kind

    async def get(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._body, content_type=self._kind, charset="utf-8")
