"""Keeps our suppression list and the SES accounts' together, for as long as the relay runs.

Relays that share a store share the work: who takes a list's turn does it, the others hear of it by
the store. Relays that share an account alone meet in its list.

Errors: none; what goes wrong is told when it changes, and is a warning until it is right again.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from relay.aws import UnusableRoute
from relay.feedback.account_list.passing import LEASE, Around, Extent, ListPass, Passed
from relay.feedback.account_list.work import trouble_with
from relay.model.address import Address
from relay.model.clock import Clock
from relay.model.ports import AccountListAtSes, Mirrors, StoreFault, Suppressed
from relay.model.settings import AccountList, Route, Settings
from relay.model.unanswered import Unanswered
from relay.telemetry import Telemetry

FIRST = 30.0  # seconds after the start, at most
SHORTEST, LONGEST = 300.0, 600.0  # seconds between two rounds
_WHAT = "suppression list"

Open = Callable[[str, Route], AbstractAsyncContextManager[AccountListAtSes]]


@dataclass(slots=True, kw_only=True)
class ListWatch:
    """Looks at the list of each route's account now and then."""

    open_list: Open
    mirrors: Mirrors
    settings: Callable[[], Settings]
    telemetry: Telemetry
    clock: Clock
    chance: Callable[[], float] = random.random
    _troubles: dict[str, str] = field(default_factory=dict)  # by route

    async def run(self) -> None:
        """Look for ever; not at the same moment as all other relays of an account."""
        await self.clock.sleep(self.chance() * FIRST)
        while True:
            if not await self.round():
                await self.clock.sleep(SHORTEST + self.chance() * (LONGEST - SHORTEST))

    def warnings(self) -> tuple[str, ...]:
        """Say what is wrong, for readiness and the dashboard."""
        return tuple(
            f"route {route}: {_WHAT} of the SES account: {trouble}"
            for route, trouble in self._troubles.items()
            if trouble
        )

    async def round(self) -> bool:
        """Look at all lists once; True: there is more to do at once."""
        settings = self.settings()
        mode = settings.suppression.account_list
        routes = {} if mode is AccountList.OFF else settings.routes
        for route in self._troubles.keys() - routes.keys():
            del self._troubles[route]
        more = await asyncio.gather(
            *(self._look(name, route, mode) for name, route in routes.items())
        )
        return any(more)

    async def _look(self, name: str, route: Route, mode: AccountList) -> bool:
        try:
            async with self.open_list(name, route) as there:
                return await self._pass(name, there, mode)
        except UnusableRoute as unusable:
            self._tell(name, str(unusable))
        except Exception as error:  # noqa: BLE001 - one list must not end the relay, now and at each start
            self.telemetry.relay.fault("account list", error)
        return False

    async def _pass(self, route: str, there: AccountListAtSes, mode: AccountList) -> bool:
        name = await there.name()
        if isinstance(name, Unanswered):
            self._tell(route, str(trouble_with("GetCallerIdentity", name)))
            return False
        now = self.clock.now()
        standing = await self.mirrors.take_turn(name, now, now + LEASE)
        if isinstance(standing, StoreFault):
            self.telemetry.store.fault("account list", standing.reason)
            return False
        if standing is None:
            return False
        around = Around(mirrors=self.mirrors, told=self, clock=self.clock, chance=self.chance)
        one = ListPass(name=name, there=there, mode=mode, extent=Extent.DUE, around=around)
        passed = await one.run(standing)
        if isinstance(passed, StoreFault):
            self.telemetry.store.fault("account list", passed.reason)
            return False
        rest = timedelta(seconds=0 if passed.more else SHORTEST / 2)
        await self.mirrors.keep_turn(name, self.clock.now() + rest)
        self._tell(route, " · ".join(map(str, passed.troubles)), passed)
        return passed.more

    def added(self, entry: Suppressed) -> None:
        """Hear of an address that gets no mail any more."""
        if isinstance(address := Address.parse(entry.address), Address):
            self.telemetry.suppression.added(address, entry.reason, by="account")

    def removed(self, address: str) -> None:
        """Hear of an address that gets mail again."""
        if isinstance(parsed := Address.parse(address), Address):
            self.telemetry.suppression.removed(parsed, by="account")

    def _tell(self, route: str, trouble: str, passed: Passed | None = None) -> None:
        """Tell what changed, and what is wrong now."""
        before = self._troubles.get(route, "")
        self._troubles[route] = trouble
        counts = asdict(passed.counts) if passed else {}
        news = ", ".join(f"{n} {key}" for key, n in counts.items() if n and key != "read")
        if trouble != before or news:
            new = " · ".join(filter(None, (news, trouble))) or "as it should be"
            self.telemetry.account.changed(
                route, what=_WHAT, old=before, new=new, alarm=trouble not in {"", before}
            )
