"""The routes that mail names, which may not be the configured ones.

A route with kept mail cannot be removed: a reload that wants to is refused. Where the mail was kept
before the relay started, or by another node of the store, it waits, shown with its reason, until
the route is configured again or an operator drops it.

A transaction under way may also name a route that a reload removes. It can still be sent by it.

Errors: `StoreFault` where the queue cannot be counted.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from weakref import ref

from relay.flow.snapshot import Snapshot
from relay.model.clock import Clock
from relay.model.ports import KeyBacklog, Queue, StoreFault
from relay.service.routes import Routes
from relay.service.snapshot import Unusable
from relay.telemetry import Telemetry

LOOK_EACH = 5.0  # seconds


async def refuse_removal(queue: Queue, removed: Iterable[str]) -> None:
    """Raise `Unusable` where mail is kept for a route that shall be removed."""
    routes = set(removed)
    if not routes:
        return
    found = await queue.backlog()
    if isinstance(found, StoreFault):
        raise Unusable(f"queue.store: nobody can say what waits for a route: {found.reason}")
    counts = count(found)
    faults = [
        f"routes.{name}: cannot be removed, {_messages(counts[name])} kept for it; give its users "
        f"another route and wait until `ses-relay queue list --route {name}` is empty, or drop "
        f"what is left with `ses-relay queue drop --route {name}`"
        for name in sorted(routes & counts.keys())
    ]
    if faults:
        raise Unusable("\n".join(faults))


def count(backlog: Iterable[KeyBacklog]) -> Mapping[str, int]:
    """Count what is kept by route, held and leased mail included."""
    counts: Counter[str] = Counter()
    for line in backlog:
        counts[line.key.route] += line.waiting + line.leased + line.held
    return +counts


@dataclass(slots=True, kw_only=True)
class Departures:
    """Ends the routes that left the configuration when nothing names them any more."""

    routes: Routes
    queue: Queue
    on_end: Callable[[Iterable[str]], None]
    clock: Clock
    _older: list[ref[Snapshot]] = field(default_factory=list)

    def replaced(self, snapshot: Snapshot) -> None:
        """Know of a configuration that transactions may still go by."""
        self._older.append(ref(snapshot))

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.clock.sleep(LOOK_EACH)
            await self.look()

    async def look(self) -> None:
        """Look once."""
        await self._end_unnamed()
        await self.routes.close_unused()

    async def _end_unnamed(self) -> None:
        alive = [snapshot for known in self._older if (snapshot := known()) is not None]
        self._older = [ref(snapshot) for snapshot in alive]
        named = {name for snapshot in alive for name in snapshot.settings.routes}
        if not (gone := self.routes.leaving - named):
            return
        backlog = await self.queue.backlog()
        # The runner tells of a fault; another look will tell more.
        if not isinstance(backlog, StoreFault) and (gone := gone - count(backlog).keys()):
            self.routes.forget(gone)
            self.on_end(gone)


@dataclass(slots=True, kw_only=True)
class Stranded:
    """Watches for kept mail whose route nobody configured."""

    backlog: Callable[[], Iterable[KeyBacklog]]  # as last looked at
    routes: Callable[[], Iterable[str]]  # those that mail can go by
    telemetry: Telemetry
    clock: Clock
    _told: frozenset[str] = field(default=frozenset())

    def found(self) -> Mapping[str, int]:
        """Count the messages by the route that is missing."""
        known = set(self.routes())
        return {name: n for name, n in count(self.backlog()).items() if name not in known}

    def warnings(self) -> tuple[str, ...]:
        """Say it for readiness and the dashboard."""
        return tuple(
            f"route {name} is not in the configuration, {_messages(number)} kept for it: configure "
            f"it again, or drop what is kept with `ses-relay queue drop --route {name}`"
            for name, number in sorted(self.found().items())
        )

    async def run(self) -> None:
        """Tell of it when it begins and when it ends, for ever."""
        while True:
            await self.clock.sleep(LOOK_EACH)
            self.look()

    def look(self) -> None:
        """Look once."""
        found = self.found()
        for name in found.keys() - self._told:
            self._tell(name, f"not configured, {_messages(found[name])} kept for it", alarm=True)
        for name in self._told - found.keys():
            self._tell(name, "no kept message waits for its configuration any more", alarm=False)
        self._told = frozenset(found)

    def _tell(self, name: str, new: str, *, alarm: bool) -> None:
        self.telemetry.account.changed(name, what=f"route {name}", old="", new=new, alarm=alarm)


def _messages(number: int) -> str:
    return "1 message is" if number == 1 else f"{number} messages are"
