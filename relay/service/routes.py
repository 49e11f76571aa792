"""The ways to SES of all routes as one transport, the news of their accounts, and their end.

A reload opens what is new or changed. What was replaced is closed when the last request that it
carries is answered. A route that left the configuration stays usable as it was until nobody can
name it any more: no transaction that began under an older configuration, no message in the queue.

Errors: `UnusableRoute` from `relay.aws`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from relay.aws import RouteClients, UnusableRoute, open_clients
from relay.delivery.account import AccountPoller, Look
from relay.delivery.ses import SesTransport, ses_transport
from relay.model import replies
from relay.model.clock import Clock
from relay.model.message import Message, Request
from relay.model.outcome import Cause, Deferred, Outcome, Scope, ScopeKind
from relay.model.settings import Route
from relay.service.senders import VerifiedSenders


@dataclass(slots=True, kw_only=True, eq=False)
class _Way:
    """One route as it was configured once, with the clients that lead there."""

    name: str
    route: Route
    connections: int
    transport: SesTransport
    poller: AccountPoller
    known: Callable[[], float | None]  # how long ago anybody looked
    clients: RouteClients
    opened: AsyncExitStack
    in_use: int = 0  # by requests under way, and by who looks at the account

    async def send(self, message: Message, request: Request) -> Outcome:
        """Make a request; the clients stay open until it is answered."""
        self.in_use += 1
        try:
            return await self.transport.send(message, request)
        finally:
            self.in_use -= 1

    async def watch(self) -> None:
        """Look at the account for ever."""
        self.in_use += 1
        try:
            await self.poller.run(self.known)
        finally:
            self.in_use -= 1


class Routes:
    """Implements `relay.model.ports.Transport`."""

    def __init__(
        self,
        senders: VerifiedSenders,
        clock: Clock,
        told: Callable[[str, Look], None],
        known: Callable[[str], float | None] = lambda _route: None,
    ) -> None:
        """Tell each look at a route's account; `known` gives the age of the last, whoever's."""
        self._senders = senders
        self._clock = clock
        self._told = told
        self._known = known
        self._ways: dict[str, _Way] = {}
        self._leaving: set[str] = set()  # not configured any more, and perhaps still named
        self._before: dict[str, _Way] = {}  # what `open` replaced, until `keep`
        self._replaced: list[_Way] = []
        self._changed = asyncio.Event()

    @property
    def usable(self) -> Mapping[str, Route]:
        """The routes that requests can be made by: the configured ones, and those that leave."""
        return {name: way.route for name, way in self._ways.items()}

    @property
    def leaving(self) -> frozenset[str]:
        """Those of them that are not configured any more."""
        return frozenset(self._leaving)

    async def open(self, routes: Mapping[str, Route], connections: int) -> Callable[[], None]:
        """Open clients for these routes; nothing is replaced unless all of them can be.

        Then either `keep` follows, or what comes back: routes are then again as they were.
        """
        fresh: dict[str, _Way] = {}
        try:
            for name, route in routes.items():
                way = self._ways.get(name)
                if way is None or (way.route, way.connections) != (route, connections):
                    fresh[name] = await self._open(name, route, connections)
        except BaseException:
            self._replace(fresh.values())
            raise
        self._before = {name: self._ways[name] for name in fresh if name in self._ways}
        self._ways |= fresh

        def take_back() -> None:
            self._replace([self._ways.pop(name) for name in fresh])
            self._ways |= self._before
            self._before = {}

        return take_back

    def keep(self, configured: Iterable[str]) -> None:
        """Let what was replaced end, and all routes but these leave."""
        self._leaving = self._ways.keys() - set(configured)
        self._replace(self._before.values())
        self._before = {}

    def forget(self, gone: Iterable[str]) -> None:
        """End routes that left, and that nobody can name any more."""
        self._replace([self._ways.pop(name) for name in gone])
        self._leaving &= self._ways.keys()

    async def send(self, message: Message, request: Request) -> Outcome:
        """Hand the request to the account and Region of the message's route."""
        way = self._ways.get(message.route)
        if way is None:
            return Deferred(
                cause=Cause.HELD,
                scope=Scope(ScopeKind.ROUTE, message.route),
                reply=replies.HELD,
                detail="the route is not in the configuration",
            )
        return await way.send(message, request)

    @asynccontextmanager
    async def borrowed(
        self, name: str, route: Route, _requests: int
    ) -> AsyncIterator[RouteClients]:
        """Give the open clients of a route, for questions; see `relay.aws.open_clients`."""
        way = self._ways.get(name)
        if way is None or way.route != route:
            raise UnusableRoute(f"routes.{name}: was changed meanwhile")
        way.in_use += 1
        try:
            yield way.clients
        finally:
            way.in_use -= 1

    async def watch_accounts(self) -> None:
        """Look at every route's account, as long as there is the route, for ever."""
        async with asyncio.TaskGroup() as tasks:
            looking: dict[_Way, asyncio.Task[None]] = {}
            while True:
                self._changed.clear()
                wanted = set(self._ways.values())
                for way in looking.keys() - wanted:
                    looking.pop(way).cancel()
                for way in wanted - looking.keys():
                    looking[way] = tasks.create_task(way.watch())
                await self._changed.wait()

    async def close_unused(self) -> None:
        """Close what was replaced and carries no request any more."""
        unused = [way for way in self._replaced if not way.in_use]
        for way in unused:
            self._replaced.remove(way)
            await way.opened.aclose()

    async def close(self) -> None:
        """Close everything; nothing is under way any more, or nobody waits for it."""
        while self._ways or self._replaced:
            self._replace([self._ways.pop(name) for name in tuple(self._ways)])
            while self._replaced:
                await self._replaced.pop().opened.aclose()

    async def _open(self, name: str, route: Route, connections: int) -> _Way:
        stack = AsyncExitStack()
        try:
            clients = await stack.enter_async_context(open_clients(name, route, connections))
            return _Way(
                name=name,
                route=route,
                connections=connections,
                transport=await ses_transport(route.api, clients, self._senders.of(route)),
                poller=AccountPoller(clients, self._clock, partial(self._told, name)),
                known=partial(self._known, name),
                clients=clients,
                opened=stack,
            )
        except BaseException:
            await stack.aclose()
            raise

    def _replace(self, ways: Iterable[_Way]) -> None:
        self._replaced += ways
        self._changed.set()
