"""The supervisor: owns the sockets and what a relay has once, and keeps its workers at work.

It opens the listening sockets, hands each worker its own and keeps them: one that dies takes no
connection with it that it has not accepted.

Stop order: sockets closed → every worker drains → what they said last is heard → office closed. A
reload is taken by all of them or by none.

Errors: `Unusable` when it cannot start or take a configuration over.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack

from relay.aws import UnusableRoute
from relay.delivery.account import Look
from relay.flow.report import BounceReports
from relay.model.account import AccountState
from relay.model.ports import NewEntry, NoCustody, StoreFault
from relay.model.settings import Settings, SqliteStore
from relay.service.accounts import Accounts
from relay.service.assembly import VERSION, Outside
from relay.service.feedback import Around
from relay.service.furnishing import Premises, furnished
from relay.service.loop import forever
from relay.service.office import Office
from relay.service.reload import change
from relay.service.routes import Routes
from relay.service.seat import Seat
from relay.service.senders import VerifiedSenders
from relay.service.snapshot import STOPPING, Unusable, snapshot_of
from relay.service.stores import Stores, opened_beside
from relay.service.supervisor.deputies import Deputies
from relay.service.supervisor.post import Failure, Gone, Post
from relay.service.supervisor.sockets import Sockets
from relay.service.supervisor.staff import HOPELESS, Staff
from relay.service.supervisor.words import Begin, Elsewhere, Keep, Looked, TakeOver, Told
from relay.smtp import written
from relay.telemetry import Replaced, ScrapeTime, Telemetry
from relay.web import Readiness

LOOK_EACH = 1.0  # seconds between two looks for clients that nobody uses any more
_LAST_WORDS = 5.0  # seconds beyond the grace, for workers to end


class Supervisor:
    """A relay of several workers; it is served and reloaded like `relay.service.relay.Relay`.

    To its workers it is `relay.service.supervisor.post.Employer`, to what learns from feedback it
    is `relay.model.ports.Keeping`, to those who look at accounts `relay.service.accounts.Pacing`.
    """

    def __init__(self, settings: Settings, outside: Outside) -> None:
        self._snapshot = snapshot_of(settings)
        self._outside = outside
        self._telemetry = Telemetry(
            log=outside.log,
            metrics=outside.metrics,
            history=outside.audience,
            clock=outside.clock,
            settings=settings.log,
        )
        self._accounts = Accounts(self, self._telemetry, outside.clock)
        self._routes: Routes | None = None
        self._looks: dict[str, Look] = {}
        self._sockets = Sockets(settings.workers)
        self._office: Office | None = None
        self._readiness: dict[int, Readiness] = {}
        posts = [Post(number, self, outside.clock) for number in range(settings.workers)]
        self._staff = Staff(posts)
        self._deputies = Deputies(posts, self._sockets, outside.clock)
        self._open = False

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        return self._snapshot.settings

    @property
    def routes(self) -> Routes:
        """The ways to the accounts, of a supervisor that has been started."""
        if self._routes is None:
            raise RuntimeError("the supervisor has not been started")
        return self._routes

    # --- life ------------------------------------------------------------------------------------

    async def serve(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Serve until `stop` is set, then drain; raises `Unusable` when it cannot start."""
        async with AsyncExitStack() as stack:
            office = await self._start(stack)
            # Before the tasks, whose group would wrap what is wrong with a worker.
            await self._staff.start()
            self._open = True
            self._telemetry.relay.started(
                version=VERSION,
                listeners=[written(name) for name in self._sockets.names],
                http=office.http,
            )
            async with asyncio.TaskGroup() as tasks:
                working = [
                    tasks.create_task(forever(*work))
                    for work in (*office.work(), ("routes that leave", self._close_unused))
                ]
                working.append(tasks.create_task(self._staff.run()))
                deputising = tasks.create_task(forever("deputies", self._deputies.run))
                on_ready()
                await stop.wait()
                deputising.cancel()
                await self._stop()
                for task in working:
                    task.cancel()
                await office.close()

    async def _start(self, stack: AsyncExitStack) -> Office:
        settings = self.settings
        stores = await stack.enter_async_context(
            opened_beside(settings.queue.store, settings.history, self._outside.clock)
        )
        senders = VerifiedSenders(
            senders=stores.senders,
            on_fault=lambda fault: self._telemetry.store.fault("senders", fault.reason),
            clock=self._outside.clock,
        )
        self._routes = Routes(senders, self._outside.clock, self._looked)
        stack.push_async_callback(self._routes.close)
        await self._open_routes(settings)
        self._routes.keep(settings.routes)
        stack.callback(self._sockets.close_all_but)
        self._sockets.open(settings.listeners)
        # Runs before all that on the way out; after an orderly stop nobody is left.
        stack.push_async_callback(self._staff.end, _LAST_WORDS)
        self._read_reports()
        office = self._office = self._furnished(stores)
        await office.open(stack)
        return office

    async def _stop(self) -> None:
        began = self._outside.clock.monotonic()
        self._open = False
        self._sockets.close_all_but()
        cut = await self._staff.drain(self.settings.limits.stop_grace + _LAST_WORDS)
        if cut:
            await self._staff.end(_LAST_WORDS)
        self._telemetry.relay.stopped(
            reason="signal", in_flight=cut, duration_s=self._outside.clock.monotonic() - began
        )

    def _furnished(self, stores: Stores) -> Office:
        outside = self._outside
        around = Around(
            ledger=outside.ledger,
            reports=BounceReports(
                lambda: self._snapshot, stores.control.content, self._telemetry, outside.clock
            ),
            custody=self,
            settings=lambda: self.settings,
            telemetry=self._telemetry,
            clock=outside.clock,
        )
        return furnished(
            Premises(
                outside=outside,
                stores=stores,
                routes=self.routes,
                accounts=self._accounts,
                around=around,
                readiness=self.readiness,
            )
        )

    def _read_reports(self) -> None:
        """Show the gauges of all workers as one relay's."""
        # Each SQLite worker counts its own slots; of another store each counts all of it.
        parted = isinstance(self.settings.queue.store, SqliteStore)
        metrics = self._outside.metrics
        for metric, over_all in (
            (ScrapeTime.SMTP_SESSIONS, sum),
            (ScrapeTime.QUEUE_MESSAGES, sum if parted else max),
            (ScrapeTime.SEND_RATE, sum),
            (ScrapeTime.SEND_RATE_LIMIT, sum),
            (ScrapeTime.QUOTA_USED, max),
        ):
            metrics.read(metric, metrics.reports.reading(metric, over_all))
        own, others = (
            metrics.reading(ScrapeTime.LOG_LINES_LOST),
            metrics.reports.reading(ScrapeTime.LOG_LINES_LOST, sum),
        )
        metrics.read(
            ScrapeTime.LOG_LINES_LOST,
            lambda: {(): own().get((), 0.0) + others().get((), 0.0)},
        )

    async def _open_routes(self, settings: Settings) -> Callable[[], None]:
        try:
            return await self.routes.open(settings.routes, settings.limits.requests_in_flight)
        except UnusableRoute as fault:
            raise Unusable(str(fault)) from fault

    async def _close_unused(self) -> None:
        while True:
            await self._outside.clock.sleep(LOOK_EACH)
            self.routes.forget(self.routes.leaving)  # they are only looked at here
            await self.routes.close_unused()

    # --- configuration ---------------------------------------------------------------------------

    async def reload(self, settings: Settings) -> None:
        """Have all workers take over another configuration; raises `Unusable` when one cannot.

        What needs a restart stays as it is, and the log says so.
        """
        made = change(self.settings, settings)
        snapshot = snapshot_of(made.settings)
        take_back = await self._open_routes(made.settings)
        if not self._open:
            take_back()
            raise Unusable(STOPPING)
        try:
            fresh = self._sockets.open(made.settings.listeners)
        except Unusable:
            take_back()
            raise
        answers = await self._taken_over(made.settings, fresh)
        refusals = dict.fromkeys(str(why) for why in answers.values() if why is not None)
        if refusals:
            await self._taken_over(self.settings, None)
            take_back()
            self._sockets.close(fresh)
            raise Unusable("\n".join(refusals))
        before, self._snapshot = self._snapshot, snapshot
        self._staff.replace_all_but(answers.keys())  # they began meanwhile, with what was in force
        self._sockets.close_all_but(made.settings.listeners)
        self._deputies.hand_over()
        for name, route in before.settings.routes.items():
            if made.settings.routes.get(name) != route:
                self._accounts.forget(name)
                self._looks.pop(name, None)
        self.routes.keep(made.settings.routes)
        if self._office is not None:
            self._office.look_again()
        self._telemetry.relay.reloaded(changed=made.changed, needs_restart=made.needs_restart)

    async def _taken_over(
        self, settings: Settings, binds: Sequence[str] | None
    ) -> Mapping[int, object]:
        """Ask all workers; gives their answers: None, or why that cannot be."""
        word = TakeOver(settings=settings, sockets=self._sockets.told(binds))
        return await self._staff.take_over(
            word, lambda number: self._sockets.of(number, word.sockets)
        )

    def refuse_reload(self, reason: str, bug: Exception | None = None) -> None:
        """Say that a new configuration was refused and the old one stays."""
        if bug is not None:
            self._telemetry.relay.fault("reload", bug)
        self._telemetry.relay.reloaded(refused=reason)

    # --- what is told ----------------------------------------------------------------------------

    def readiness(self) -> Readiness:
        """Say if mail should be sent here: when every worker says so."""
        reasons = [] if self._open else ["starting or stopping"]
        reasons += self._staff.troubles
        warnings = [*self._accounts.warnings()]
        if self._office is not None:
            warnings += self._office.warnings()
        for number, told in sorted(self._readiness.items()):
            reasons += [f"worker {number}: {reason}" for reason in told.reasons]
            warnings += told.warnings
        return Readiness(reasons=tuple(reasons), warnings=tuple(dict.fromkeys(warnings)))

    def _looked(self, route: str, look: Look) -> None:
        self._looks[route] = look
        self._accounts.told(route, look)

    def account(self, route: str, state: AccountState) -> None:
        """Tell all workers what an account may do."""
        self._staff.say(Looked(route, state))

    async def put(self, new: Sequence[NewEntry]) -> NoCustody | StoreFault | None:
        """Have a worker keep what feedback causes."""
        match await self._staff.keep(Keep.of(new)):
            case None:
                return None
            case NoCustody() | StoreFault() as answer:
                return answer
            case Gone(why):
                return StoreFault(why)
            case other:
                raise TypeError(f"not an answer: {other}")

    # --- the workers' employer -------------------------------------------------------------------

    def begin(self, number: int) -> tuple[Begin, Iterable[socket.socket]]:
        """Say what a new worker begins with."""
        sockets = self._sockets.told()
        begin = Begin(
            seat=Seat(number=number, workers=self.settings.workers),
            settings=self.settings,
            sockets=sockets,
            looks=dict(self._looks),
            adopt=self._staff.drained_by(number),
        )
        return begin, self._sockets.of(number, sockets)

    def told(self, number: int, told: Told) -> None:
        """Hear how a worker stands, and show what has happened."""
        self._outside.metrics.reports.take(number, told.report)
        self._readiness[number] = told.readiness
        if told.counted:
            self._staff.say_to_others(number, Elsewhere(told.counted))
        for event, at, facts in told.happened:
            self._outside.audience.note(event, at, facts)

    def gone(self, number: int) -> None:
        """Know that a worker's process has ended, whatever the reason."""
        self._deputies.gone(number)
        self._outside.metrics.reports.end(number)
        self._readiness.pop(number, None)

    async def failed(self, number: int, failure: Failure) -> None:
        """Hear that a worker ended by itself, and when another is tried."""
        self._telemetry.relay.stopped(
            reason=failure.reason,
            in_flight=0,
            duration_s=failure.lived,
            worker=Replaced(number, failure.pause),
        )
        if failure.in_a_row >= HOPELESS:
            await self._staff.adopt(number)

    async def may_start(self, number: int) -> bool:
        """Say if a worker can be tried: its part of the store may be in other hands."""
        return await self._staff.give_back(number)
