"""One pass over the lists of all accounts by an operator's word: whole, and to the end.

The same pass as the relay's own (`relay.feedback.account_list`), which may be under way on the same
store: what one of them has done, the other finds done.

Errors: `StoreFault` as a value; `UnusableRoute` for a route that names what does not exist.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from relay.aws import UnusableRoute
from relay.feedback.account_list.passing import Around, Extent, ListPass, Passed
from relay.feedback.account_list.work import Counts, Told, Trouble, trouble_with
from relay.model.clock import Clock
from relay.model.ports import AccountListAtSes, Mirrors, StoreFault
from relay.model.settings import AccountList, Route
from relay.model.unanswered import Unanswered
from relay.service.account_lists import open_account_list

__all__ = ["Extent", "Synced", "Syncing", "UnusableRoute"]

_PAGE = 10_000  # changes of our list that are looked at together, to tell how much there is to do


@dataclass(slots=True, kw_only=True)
class Synced:
    """What became of one account's list."""

    name: str  # whose: account and Region; empty where AWS did not say
    routes: list[str]
    counts: Counts = field(default_factory=Counts)
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Syncing:
    """What an operator wants. `shown`: hears the list's name, how much is done, and of how much."""

    mirrors: Mirrors
    mode: AccountList
    extent: Extent
    told: Told
    clock: Clock
    shown: Callable[[str, int, int], None]

    async def run(self, routes: Mapping[str, Route]) -> list[Synced] | StoreFault:
        """Take the lists one after the other, each once however many routes lead to it."""
        done: dict[str, Synced] = {}
        for route, configured in routes.items():
            async with open_account_list(route, configured, self.clock) as there:
                name = await there.name()
                if isinstance(name, Unanswered):
                    trouble = trouble_with("GetCallerIdentity", name)
                    done[route] = Synced(name="", routes=[route], troubles=(trouble,))
                elif name in done:
                    done[name].routes.append(route)
                else:
                    passed = await self._pass(name, there)
                    if isinstance(passed, StoreFault):
                        return passed
                    done[name] = Synced(
                        name=name, routes=[route], counts=passed.counts, troubles=passed.troubles
                    )
        return list(done.values())

    async def _pass(self, name: str, there: AccountListAtSes) -> Passed | StoreFault:
        standing = await self.mirrors.keep_turn(name, self.clock.now())
        if isinstance(standing, StoreFault):
            return standing
        to_do = await self._to_do(name)
        if isinstance(to_do, StoreFault):
            return to_do

        def shown(counts: Counts) -> None:
            written = counts.put + counts.deleted + counts.refused + counts.removed
            self.shown(name, counts.read + written, max(to_do, counts.read + written))

        around = Around(mirrors=self.mirrors, told=self.told, clock=self.clock, shown=shown)
        return await ListPass(
            name=name, there=there, mode=self.mode, extent=self.extent, around=around
        ).run(standing)

    async def _to_do(self, name: str) -> int | StoreFault:
        """Reckon how many addresses will be read and written; SES does not say how many it has."""
        counts = await self.mirrors.counts(name, self.clock.now())
        if isinstance(counts, StoreFault) or self.mode is not AccountList.SYNC:
            return counts if isinstance(counts, StoreFault) else counts.known
        total, after = counts.known, 0
        while True:
            owed = await self.mirrors.to_put(name, after, _PAGE)
            if isinstance(owed, StoreFault):
                return owed
            if owed.upto is None:
                return total
            total, after = total + len(owed.entries), owed.upto
