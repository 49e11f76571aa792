"""One worker between its start and its stop.

Stop order: listeners closed → idle sessions 421, data in progress may end → no more claims →
attempts end and are recorded, within the grace → clients and stores are closed.

Errors: `Unusable` when something the configuration names cannot be used. A task that must not end
and does, ends the service: a supervisor starts it anew.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack

from relay.aws import UnusableRoute
from relay.delivery.account import Look
from relay.model.account import AccountState
from relay.model.ports import StoreFault
from relay.model.settings import Settings
from relay.service.assembly import VERSION, Assembly, Outside, assemble
from relay.service.feedback import Around
from relay.service.furnishing import Premises, furnished
from relay.service.gauges import Gauges
from relay.service.loop import forever
from relay.service.named_routes import Departures, Stranded, refuse_removal
from relay.service.office import Office, Work
from relay.service.reload import change
from relay.service.routes import Routes
from relay.service.senders import VerifiedSenders
from relay.service.snapshot import STOPPING, Unusable, snapshot_of
from relay.service.stores import Stores, opened
from relay.smtp import written
from relay.web import Readiness

_Task = asyncio.Task[None]


class Relay:
    """Sessions, flow and queue; and the office, unless a supervisor has it."""

    def __init__(self, settings: Settings, outside: Outside) -> None:
        self._snapshot = snapshot_of(settings)
        self._outside = outside
        self._parts: Assembly | None = None
        self._routes: Routes | None = None
        self._office: Office | None = None
        self._open = False
        self._up = False  # the log said that it started, and not yet that it stopped

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        return self._snapshot.settings

    @property
    def parts(self) -> Assembly:
        """The parts of a worker that has been started."""
        if self._parts is None:
            raise RuntimeError("the relay has not been started")
        return self._parts

    @property
    def routes(self) -> Routes:
        """The ways to SES of a worker that has been started."""
        if self._routes is None:
            raise RuntimeError("the relay has not been started")
        return self._routes

    @property
    def office(self) -> Office | None:
        """The part of a started relay that is no worker's; None: a supervisor has it."""
        return self._office

    @property
    def http(self) -> str:
        """Where HTTP is reached, once it is."""
        return "" if self._office is None else self._office.http

    async def serve(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Serve until `stop` is set, then drain; raises `Unusable` when it cannot start."""
        async with AsyncExitStack() as stack:
            await self._start(stack)
            # Before the tasks, whose group would wrap what is wrong with a listener.
            await self._open_doors()
            parts = self.parts
            async with asyncio.TaskGroup() as tasks:
                claiming = [
                    tasks.create_task(forever("queue runner", parts.runner.run)),
                    tasks.create_task(forever("queue watch", parts.runner.watch)),
                ]
                others = [
                    tasks.create_task(forever("listeners", parts.listeners.run)),
                    tasks.create_task(forever("routes that leave", self.departures.run)),
                    tasks.create_task(forever("stranded mail", self.stranded.run)),
                    tasks.create_task(forever("holds", parts.holds.run)),
                    tasks.create_task(forever("clock", parts.recall.run)),
                    tasks.create_task(forever("verified senders", self.senders.run)),
                    *(tasks.create_task(forever(*work)) for work in self._office_work()),
                ]
                if parts.membership is not None:
                    others.append(tasks.create_task(forever("shares", parts.membership.run)))
                on_ready()
                await stop.wait()
                await self._stop(claiming, others)

    async def reload(self, settings: Settings) -> None:
        """Take over another configuration; raises `Unusable` and changes nothing if it cannot be.

        What needs a restart stays as it is, and the log says so. Transactions under way keep the
        snapshot they began with.
        """
        made = change(self.settings, settings)
        snapshot = snapshot_of(made.settings)
        await refuse_removal(
            self._stores.queue, self.settings.routes.keys() - made.settings.routes.keys()
        )
        take_back = await self._open_routes(made.settings)
        if not self._open:
            take_back()
            raise Unusable(STOPPING)
        before, self._snapshot = self._snapshot, snapshot
        try:
            await self._listen_anew()
        except BaseException:
            self._snapshot = before
            take_back()
            await self.parts.listeners.reload()
            raise
        self.departures.replaced(before)
        for name, route in before.settings.routes.items():
            if made.settings.routes.get(name) != route:
                self.parts.accounts.forget(name)
        self.routes.keep(made.settings.routes)
        self._configure()
        if self._office is not None:
            self._office.look_again()
        self.parts.telemetry.relay.reloaded(changed=made.changed, needs_restart=made.needs_restart)

    async def _listen_anew(self) -> None:
        if faults := await self.parts.listeners.reload():
            raise Unusable("; ".join(str(fault) for fault in faults))

    async def adopt(self, slot: int) -> None:
        """Drain a slot of the store whose worker does not start."""
        slots = self._stores.slots
        if slots is None:
            return
        fault = await slots.adopt(slot) or await self.parts.runner.recover()
        if isinstance(fault, StoreFault):
            self.parts.telemetry.store.fault("slot", fault.reason)
        self.parts.runner.wake()

    async def give_back(self, slot: int) -> bool:
        """Let its worker have a slot again; False: something of it is in work, ask again later."""
        slots = self._stores.slots
        return slots is None or await slots.give_back(slot)

    def looked(self, route: str, state: AccountState) -> None:
        """Take in what a route's account may do, and let those know who share the store."""
        self.parts.scheduler.account(route, state)
        self._pass_on(route, state)

    def _told(self, route: str, look: Look) -> None:
        self.parts.accounts.told(route, look)
        if isinstance(look, AccountState):
            self._pass_on(route, look)

    def _pass_on(self, route: str, state: AccountState) -> None:
        if self.parts.membership is not None:
            self.parts.membership.looked(route, state)

    def _known(self, route: str) -> float | None:
        membership = self.parts.membership
        return None if membership is None else membership.age(route)

    def refuse_reload(self, reason: str, bug: Exception | None = None) -> None:
        """Say that a new configuration was refused and the old one stays."""
        if bug is not None:
            self.parts.telemetry.relay.fault("reload", bug)
        self.parts.telemetry.relay.reloaded(refused=reason)

    def readiness(self) -> Readiness:
        """Say if mail should be sent here."""
        if self._parts is None:
            return Readiness(reasons=("starting",))
        reasons = []
        if not self._open:
            reasons.append("listeners are not open")
        if full := self._parts.admission.full:
            reasons.append(full)
        warnings = (
            *self._parts.accounts.warnings(),
            *self.stranded.warnings(),
            *(() if self._office is None else self._office.warnings()),
        )
        return Readiness(reasons=tuple(reasons), warnings=warnings)

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self.settings
        stores = await stack.enter_async_context(
            opened(settings.queue.store, settings.history, self._outside.clock, self._outside.seat)
        )
        self._stores = stores
        self.senders = VerifiedSenders(
            senders=stores.senders,
            on_fault=lambda fault: self.parts.telemetry.store.fault("senders", fault.reason),
            clock=self._outside.clock,
        )
        stack.push_async_callback(self.senders.save)
        routes = self._routes = Routes(self.senders, self._outside.clock, self._told, self._known)
        stack.push_async_callback(routes.close)
        self._parts = assemble(lambda: self._snapshot, self._outside, stores, self._routes)
        for left in stores.faults:
            self._parts.telemetry.store.fault("slot", left.reason)
        self.departures = Departures(
            routes=routes, queue=stores.queue, on_end=self._ended, clock=self._outside.clock
        )
        self.stranded = Stranded(
            backlog=lambda: self.parts.runner.backlog,
            routes=lambda: routes.usable,
            telemetry=self._parts.telemetry,
            clock=self._outside.clock,
        )
        # Runs first of all on the way out, while everything is still open; after an orderly stop
        # there is nothing left for it to do.
        stack.push_async_callback(self._cut_off)
        await self._open_routes(settings)
        self.routes.keep(settings.routes)
        self._configure()
        for fault in (
            await self._parts.runner.recover(),
            await self._parts.holds.obey(),
            await self._parts.membership.renew() if self._parts.membership else None,
        ):
            if isinstance(fault, StoreFault):
                raise Unusable(f"queue.store: {fault.reason}")
        Gauges(self._parts).register(self._outside.metrics)
        if self._outside.outbox is None:
            self._office = self._furnished(stores)
            await self._office.open(stack)

    def _office_work(self) -> Iterable[Work]:
        return () if self._office is None else self._office.work()

    def _furnished(self, stores: Stores) -> Office:
        outside, parts = self._outside, self.parts
        around = Around(
            ledger=outside.ledger,
            reports=parts.reports,
            custody=parts.custody,
            settings=lambda: self.settings,
            telemetry=parts.telemetry,
            clock=outside.clock,
        )
        return furnished(
            Premises(
                outside=outside,
                stores=stores,
                routes=self.routes,
                accounts=parts.accounts,
                around=around,
                readiness=self.readiness,
            )
        )

    async def _open_doors(self) -> None:
        faults = await self.parts.listeners.start()
        if faults:
            raise Unusable("\n".join(f"listeners: {fault}" for fault in faults))
        self._open = True
        self.parts.telemetry.relay.started(
            version=VERSION,
            # As the sockets say it: the port of a bind may have been 0.
            listeners=[
                written(name) for names in self.parts.listeners.addresses.values() for name in names
            ],
            http=self.http,
        )
        self._up = True

    async def _open_routes(self, settings: Settings) -> Callable[[], None]:
        try:
            return await self.routes.open(settings.routes, settings.limits.requests_in_flight)
        except UnusableRoute as fault:
            raise Unusable(str(fault)) from fault

    def _ended(self, routes: Iterable[str]) -> None:
        for name in routes:
            self.parts.accounts.forget(name)
        self._configure()

    def _configure(self) -> None:
        in_flight = self.settings.limits.requests_in_flight
        self.parts.scheduler.configure(self.routes.usable, in_flight)
        if self.parts.membership is not None:
            self.parts.membership.hurry()
        self.parts.runner.wake()  # what was closed may be tried again

    async def _stop(self, claiming: Iterable[_Task], others: Iterable[_Task]) -> None:
        """Drain: nothing that was accepted is dropped, and nobody waits longer than the grace."""
        began = self._outside.clock.monotonic()
        self._open = False
        grace = self.settings.limits.stop_grace
        parts = self.parts
        for task in claiming:  # no more claims; the others still have work to do
            task.cancel()
        _, cut = await asyncio.gather(parts.listeners.stop(grace), parts.runner.stop(grace))
        left = max(0.0, grace - (self._outside.clock.monotonic() - began))
        cut += await parts.owner.drain(left)
        parts.scheduler.stop()
        for task in others:
            task.cancel()
        if self._office is not None:
            await self._office.close()
        if parts.membership is not None:
            await parts.membership.leave()
        self._up = False
        parts.telemetry.relay.stopped(
            reason="signal", in_flight=cut, duration_s=self._outside.clock.monotonic() - began
        )

    async def _cut_off(self) -> None:
        """Leave nothing behind when something failed: no waiting, the store has what was kept."""
        parts = self.parts
        await parts.listeners.stop(0)
        cut = await parts.runner.stop(0)
        cut += await parts.owner.drain(0)
        parts.scheduler.stop()
        if self._up:
            parts.telemetry.relay.stopped(reason="cut off", in_flight=cut, duration_s=0.0)
