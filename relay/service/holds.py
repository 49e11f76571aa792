"""Obeys what is written among the store's holds, by an operator's command or by the breaker.

The table of holds is small, and it is read every second: the commands are other processes, and
there is no bell between processes that outlives either. A hold that ends by its time is ended here
and not by the scheduler, so that mail which it stops is not put off until then: an early release
must find it.

An identity that is held without a route is held on every route there is.

Errors: a store that cannot be read leaves everything as it is; told once until it can be again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from relay.model.clock import Clock
from relay.model.custody import ScopeHold
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import Holds, StoreFault
from relay.scheduler import FairScheduler
from relay.telemetry import Telemetry

LOOK = 1.0  # seconds between two looks


@dataclass(slots=True, kw_only=True)
class HoldWatch:
    """Carries the store's holds over to the scheduler, and touches no others."""

    holds: Holds
    scheduler: FairScheduler
    routes: Callable[[], Iterable[str]]  # the names of those configured now
    on_release: Callable[[], None]  # there may be mail to claim again
    telemetry: Telemetry
    clock: Clock
    _standing: Mapping[Scope, Held] = field(default_factory=dict)
    _fault: StoreFault | None = None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.clock.sleep(LOOK)
            fault = await self.obey()
            if fault is not None and fault != self._fault:
                self.telemetry.store.fault("holds", fault.reason)
            self._fault = fault

    async def obey(self) -> StoreFault | None:
        """Look once: hold what is new or has another reason, release what is gone."""
        found = await self.holds.holds(self.clock.now())
        if isinstance(found, StoreFault):
            return found
        before, self._standing = self._standing, dict(self._spread(found))
        for scope, held in self._standing.items():
            if before.get(scope) != held:
                self.scheduler.hold(scope, held.reason)
                self._tell(scope, old="open", new=f"held: {held.reason}")
        gone = before.keys() - self._standing.keys()
        for scope in gone:
            self.scheduler.release(scope)
            self._tell(scope, old=f"held: {before[scope].reason}", new="open")
        if gone:
            self.on_release()
        return None

    def _spread(self, found: Iterable[ScopeHold]) -> Iterator[tuple[Scope, Held]]:
        for hold in found:
            scope = hold.scope
            if scope.kind is ScopeKind.IDENTITY and not scope.route:
                for route in self.routes():
                    yield replace(scope, route=route), hold.held
            else:
                yield scope, hold.held

    def _tell(self, scope: Scope, *, old: str, new: str) -> None:
        route = scope.name if scope.kind is ScopeKind.ROUTE else scope.route
        self.telemetry.account.changed(route, what=str(scope), old=old, new=new, alarm=False)
