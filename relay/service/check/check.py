"""Runs every check, the quick ones first: before the first message, and while a relay runs.

Errors: none; what cannot be found out is a finding, too.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from relay.aws import RouteClients, UnusableRoute, open_clients
from relay.delivery.control import Pace
from relay.delivery.inspection import Inspector
from relay.mail.dkim_record import record_name
from relay.model.clock import Clock
from relay.model.settings import Route, Settings
from relay.service.check.account import RouteCheck
from relay.service.check.certificates import check_certificates, check_time
from relay.service.check.dkim import check_keys
from relay.service.check.finding import Finding, fault
from relay.service.check.ports import check_ports
from relay.service.check.storage import check_store
from relay.service.dns_texts import Lookup, Meanwhile

# As `relay.aws.open_clients`: gives the clients of a route for so many requests at a time.
Clients = Callable[[str, Route, int], AbstractAsyncContextManager[RouteClients]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the checks stand on. `published` is None where no network may be used."""

    clock: Clock
    published: Lookup | None


async def check(settings: Settings, ground: Ground) -> AsyncIterator[Finding]:
    """Give one finding after the other, as soon as it is known."""
    for finding in await asyncio.to_thread(lambda: list(_of_this_machine(settings, ground))):
        yield finding
    if ground.published is not None:
        async for finding in check_routes(settings, Pace(ground.clock), open_clients):
            yield finding


async def check_day(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Check what changes with the day alone: the time of certificates and keys."""

    def look() -> list[Finding]:
        now = clock.now()
        return [*check_time(settings, now), *check_keys(settings, None, now)]

    for finding in await asyncio.to_thread(look):
        yield finding


async def check_machine(
    settings: Settings, published: Meanwhile, clock: Clock
) -> AsyncIterator[Finding]:
    """Check what a running relay stands on; the addresses that it listens on are its own."""
    names = {record_name(key.domain, key.selector) for key in settings.dkim}
    found = {name: await published(name) for name in sorted(names)}

    def look() -> list[Finding]:
        now = clock.now()
        return [
            *check_certificates(settings, now),
            *check_store(settings),
            *check_keys(settings, found.__getitem__, now),
        ]

    for finding in await asyncio.to_thread(look):
        yield finding


async def check_routes(settings: Settings, pace: Pace, opened: Clients) -> AsyncIterator[Finding]:
    """Ask AWS about all routes, at this pace."""
    for name, route in settings.routes.items():
        try:
            async with opened(name, route, 1) as clients:
                looking = RouteCheck(
                    name=name,
                    route=route,
                    settings=settings,
                    ask=Inspector(route, clients, pace),
                    clock=pace.clock,
                )
                async for finding in looking.findings():
                    yield finding
        except UnusableRoute as wrong:
            yield fault(f"routes.{name}", str(wrong), "correct the route")


def _of_this_machine(settings: Settings, ground: Ground) -> Iterator[Finding]:
    now = ground.clock.now()
    yield from check_certificates(settings, now)
    yield from check_store(settings)
    yield from check_ports(settings)
    # The DNS is asked here too: it is quick, and no call of AWS.
    yield from check_keys(settings, ground.published, now)
