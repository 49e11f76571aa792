"""Runs every check, the quick ones first.

Errors: none; what cannot be found out is a finding, too.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from relay.aws import UnusableRoute, open_clients
from relay.delivery.control import Pace
from relay.delivery.inspection import Inspector
from relay.model.clock import Clock
from relay.model.settings import Settings
from relay.service.check.account import RouteCheck
from relay.service.check.certificates import check_certificates
from relay.service.check.dkim import Published, check_keys
from relay.service.check.finding import Finding, fault
from relay.service.check.ports import check_ports
from relay.service.check.storage import check_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the checks stand on. `published` is None where no network may be used."""

    clock: Clock
    published: Published | None


async def check(settings: Settings, ground: Ground) -> AsyncIterator[Finding]:
    """Give one finding after the other, as soon as it is known."""
    for finding in await asyncio.to_thread(lambda: list(_of_this_machine(settings, ground))):
        yield finding
    if ground.published is None:
        return
    pace = Pace(ground.clock)
    for name, route in settings.routes.items():
        try:
            async with open_clients(name, route, 1) as clients:
                looking = RouteCheck(
                    name=name,
                    route=route,
                    settings=settings,
                    ask=Inspector(route, clients, pace),
                    clock=ground.clock,
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
