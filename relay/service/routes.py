"""The ways to SES of all routes as one transport, and the news of their accounts.

Errors: `UnusableRoute` from `relay.aws`; `KeyError` for a route that no configuration had, which
is a bug of ours.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from relay.aws import open_clients
from relay.delivery.account import AccountPoller, Look
from relay.delivery.ses import SesTransport, ses_transport
from relay.model.clock import Clock
from relay.model.message import Message, Request
from relay.model.outcome import Outcome
from relay.model.settings import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    route: Route
    transport: SesTransport
    poller: AccountPoller


class Routes:
    """Implements `relay.model.ports.Transport`.

    A reload opens what is new or changed; what was replaced stays open until the stop, because
    messages shaped under an older snapshot may still be on their way.
    """

    def __init__(
        self, stack: AsyncExitStack, clock: Clock, told: Callable[[str, Look], None]
    ) -> None:
        self._stack = stack
        self._clock = clock
        self._told = told
        self._ways: dict[str, _Way] = {}
        self._changed = asyncio.Event()

    async def open(self, routes: Mapping[str, Route], connections: int) -> Callable[[], None]:
        """Open clients for these routes; nothing is replaced unless all of them can be.

        What comes back takes it back: routes that were changed are then again as they were.
        """
        fresh: dict[str, _Way] = {}
        for name, route in routes.items():
            if name in self._ways and self._ways[name].route == route:
                continue
            clients = await self._stack.enter_async_context(open_clients(name, route, connections))
            fresh[name] = _Way(
                route=route,
                transport=await ses_transport(route.api, clients),
                poller=AccountPoller(clients, self._clock, self._teller(name)),
            )
        before = {name: way for name, way in self._ways.items() if name in fresh}
        self._use(fresh)
        return lambda: self._use(before)

    def _use(self, ways: Mapping[str, _Way]) -> None:
        self._ways |= ways
        self._changed.set()

    async def send(self, message: Message, request: Request) -> Outcome:
        """Hand the request to the account and Region of the message's route."""
        return await self._ways[message.route].transport.send(message, request)

    async def watch_accounts(self) -> None:
        """Look at every route's account for ever; begins anew when routes change."""
        while True:
            self._changed.clear()
            async with asyncio.TaskGroup() as looking:
                pollers = [looking.create_task(way.poller.run()) for way in self._ways.values()]
                await self._changed.wait()
                for poller in pollers:
                    poller.cancel()

    def _teller(self, name: str) -> Callable[[Look], None]:
        return lambda look: self._told(name, look)
