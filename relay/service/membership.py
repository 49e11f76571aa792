"""Keeps this relay's shares of the accounts' rates, among all that share its store.

Every two seconds or so, less often where there are very many members, one short transaction: it
says what each route has use for, and learns what it may have, what all have sent today, whether SES
refused somebody's rate, and what the account said to whoever asked last. A route that could send
more than its share, or was refused, does not wait for the next time.

A store that cannot be reached leaves each route what it has until shortly before the lease ends,
and then its floor (`relay.scheduler.shares`).

Errors: `StoreFault` from `join`; later faults are told once, until the store can be reached again.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from relay.model.account import AccountState
from relay.model.clock import Clock
from relay.model.ports import Members, Pool, Renewal, Seen, StoreFault
from relay.model.settings import Route
from relay.scheduler import Allotment, FairScheduler, Part, shares
from relay.scheduler.shares import Claim
from relay.telemetry import Telemetry

PERIOD = 2.0  # seconds between two renewals
CROWD = 0.05  # seconds of it for each member, where that is more
SLOWEST = 4.0  # seconds: a lease is renewed twice before it ends
SOON = 0.5  # seconds, while there is more to come
AT_ONCE = 0.2  # seconds, where others wait for a word
NOTABLE = 0.01  # share of the rate
NEWER = 0.5  # seconds; less is what a look's age loses on its way through the store
JITTER = 0.2  # of each pause, either way


@dataclass(frozen=True, slots=True)
class _Look:
    """When anybody has looked at an account last; `told`: the store knows of it."""

    state: AccountState
    at: float  # monotonic seconds
    told: bool


@dataclass(slots=True, kw_only=True)
class Membership:
    """One relay's place among those who share its store. Each of its routes is a member."""

    members: Members
    scheduler: FairScheduler
    routes: Callable[[], Mapping[str, Route]]  # those configured now
    on_look: Callable[[str, AccountState], None]  # somebody else has looked at a route's account
    telemetry: Telemetry
    clock: Clock
    chance: Callable[[], float] = random.random
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _joined: dict[str, str] = field(default_factory=dict)  # members and their accounts
    _looks: dict[str, _Look] = field(default_factory=dict)  # by account
    _fault: StoreFault | None = None
    _pause: float = PERIOD

    async def run(self) -> None:
        """Renew for ever."""
        while True:
            await self._sleep()
            fault = await self.renew()
            if fault is not None and fault != self._fault:
                self.telemetry.store.fault("members", fault.reason)
            self._fault = fault

    def hurry(self) -> None:
        """Renew soon: a route could send more, SES refused its rate, or there are other routes."""
        self._wanted.set()

    def looked(self, route: str, state: AccountState) -> None:
        """Pass on what this relay has seen of an account itself."""
        self._looks[self._account(route)] = _Look(state, self.clock.monotonic(), told=False)

    def age(self, route: str) -> float | None:
        """Give how long ago anybody has looked at a route's account; None: nobody did."""
        look = self._looks.get(self._account(route))
        return None if look is None else self.clock.monotonic() - look.at

    async def renew(self) -> StoreFault | None:
        """Renew all leases once."""
        self._wanted.clear()
        self._pause = SOON
        began = self.clock.monotonic()
        routes = {f"{self.members.name} {route}": route for route in self.routes()}
        accounts = {member: self._account(route) for member, route in routes.items()}
        await self._leave({one for one in self._joined if accounts.get(one) != self._joined[one]})
        said = self.scheduler.claims(routes.values())
        claims = {
            member: replace(
                said[route],
                kin=frozenset(accounts),
                first=member not in self._joined,
                seen=self._untold(accounts[member], began),
            )
            for member, route in routes.items()
        }
        renewed = await self.members.renew(accounts, partial(_decide, claims))
        if isinstance(renewed, StoreFault):
            self.scheduler.reclaim(routes.values())
            return renewed
        self._joined |= accounts
        self._pause = min(_pause(claims[one], *renewed[one]) for one in renewed)
        for member, (pool, renewal) in renewed.items():
            self._take_over(routes[member], pool.after(renewal), renewal, began)
        return None

    async def leave(self) -> StoreFault | None:
        """Give all leases back, when nothing is sent any more."""
        return await self._leave(set(self._joined))

    async def _leave(self, members: Collection[str]) -> StoreFault | None:
        fault = await self.members.leave(members) if members else None
        for member in members:
            del self._joined[member]
        return fault

    def _account(self, route: str) -> str:
        return " ".join(part or "-" for part in self.routes()[route].account)

    def _untold(self, account: str, now: float) -> Seen | None:
        look = self._looks.get(account)
        return None if look is None or look.told else Seen(look.state, now - look.at)

    def _take_over(self, route: str, pool: Pool, renewal: Renewal, began: float) -> None:
        part = Part(
            share=renewal.share,
            # The store counted from its transaction, which began later than we did.
            until=began + renewal.lease.left - shares.MARGIN,
            floor=renewal.floor,
        )
        slowed = None if pool.slowed is None else (pool.slowed.peak, began - pool.slowed.age)
        self.scheduler.allot(route, Allotment(part=part, day=pool.day, slowed=slowed))
        if pool.seen is not None:
            self._hear(route, pool.seen, began - pool.seen.age)

    def _hear(self, route: str, seen: Seen, at: float) -> None:
        """Take over a look that the store knows, if it is not our own."""
        account = self._account(route)
        known = self._looks.get(account)
        if known is None or at > known.at + NEWER:
            self._looks[account] = _Look(seen.state, at, told=True)
            self._pass_on(account, seen.state)
        elif not known.told:
            self._looks[account] = replace(known, told=True)

    def _pass_on(self, account: str, state: AccountState) -> None:
        for route in self.routes():
            if self._account(route) == account:
                self.on_look(route, state)

    async def _sleep(self) -> None:
        pause = self._pause * (1 + JITTER * (2 * self.chance() - 1))
        await self.clock.sleep(AT_ONCE)
        try:
            async with asyncio.timeout(pause - AT_ONCE):
                await self._wanted.wait()
        except TimeoutError:
            return


def _decide(claims: Mapping[str, Claim], member: str, pool: Pool) -> Renewal:
    return shares.renew(member, claims[member], pool)


def _pause(claim: Claim, pool: Pool, renewal: Renewal) -> float:
    if renewal.lease.bound > renewal.share + NOTABLE:
        return AT_ONCE  # the others hear by the next renewal that we know of our smaller share
    if renewal.share < min(renewal.due, claim.want) - NOTABLE:
        return SOON
    return min(max(PERIOD, CROWD * len(pool.leases)), SLOWEST)
