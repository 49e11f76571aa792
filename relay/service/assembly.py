"""Builds one worker from the parts: the only place that knows all of them.

Errors: `Unusable` and `UnusableRoute` for what the configuration names and cannot be used.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

from relay.feedback.ledger import Ledger
from relay.flow.admission import Admission, for_clients
from relay.flow.allowance import Allowance
from relay.flow.attempt import Attempts
from relay.flow.fallback import Fallback
from relay.flow.keep import Keeper
from relay.flow.owner import Owner
from relay.flow.receive import Receiver
from relay.flow.reception import MailReception
from relay.flow.report import BounceReports
from relay.flow.resubmission import Resubmissions
from relay.flow.snapshot import Snapshot
from relay.flow.transaction import Desk
from relay.model import backoff
from relay.model.clock import Clock
from relay.model.entry import QueueEntry
from relay.model.ports import Custody, History, Transport
from relay.model.progress import Times
from relay.queue.age import Ages
from relay.queue.case import Tools
from relay.queue.intake import Intake
from relay.queue.recall import Recall
from relay.queue.reserve import Reserve
from relay.queue.runner import Runner
from relay.scheduler import FairScheduler
from relay.service.accounts import Accounts
from relay.service.dns_texts import Meanwhile
from relay.service.holds import HoldWatch
from relay.service.membership import Membership
from relay.service.notices import Notices
from relay.service.room import QueueRoom
from relay.service.seat import Seat
from relay.service.stores import Stores
from relay.smtp import Doors, Listeners, OwnDoors
from relay.stores.none import NoCustodyAtAll
from relay.telemetry import Histories, LogWriter, Metrics, Telemetry
from relay.web import Inbox, Recent

VERSION = version("ses-relay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the process gives the relay.

    A worker under a supervisor has an `outbox`: it tells what happens, and the supervisor shows it.
    """

    clock: Clock
    log: LogWriter
    inbox: Inbox | None = None  # only where SES is simulated
    published: Meanwhile | None = None  # the DNS; None: no network is asked but SES's
    metrics: Metrics = field(default_factory=Metrics)
    recent: Recent = field(default_factory=Recent)
    ledger: Ledger = field(default_factory=Ledger)
    seat: Seat = field(default_factory=Seat)
    doors: Doors = field(default_factory=OwnDoors)
    outbox: History | None = None

    @property
    def audience(self) -> History:
        """Who hears of events beside the store."""
        return self.outbox or Histories(self.recent, self.ledger)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The parts that live as long as the worker does."""

    telemetry: Telemetry
    scheduler: FairScheduler
    accounts: Accounts
    owner: Owner
    runner: Runner
    holds: HoldWatch
    membership: Membership | None  # None: there is no store by which anybody could share
    recall: Recall
    reports: BounceReports
    custody: Custody
    admission: Admission
    allowance: Allowance
    reception: MailReception
    listeners: Listeners


def assemble(
    snapshot: Callable[[], Snapshot], outside: Outside, stores: Stores, transport: Transport
) -> Assembly:
    """Wire everything; nothing is opened or started yet."""
    clock, limits = outside.clock, snapshot().settings.limits
    telemetry = Telemetry(
        log=outside.log,
        metrics=outside.metrics,
        history=Histories(outside.audience, stores.history),
        clock=clock,
        settings=snapshot().settings.log,
    )
    outside.metrics.price = lambda: snapshot().settings.prices.per_thousand_recipients

    def times(entry: QueueEntry) -> Times:
        chance = random.random()  # noqa: S311 - spreads retries, hides nothing
        return backoff.times(snapshot().settings.queue, entry.attempts, clock.now(), chance)

    notices = Notices(telemetry)
    scheduler = FairScheduler(clock, notices.tell)
    accounts = Accounts(scheduler, telemetry, clock)
    owner = Owner(telemetry.relay.fault)
    fallback = Fallback(lambda: snapshot().settings.routes, clock)
    attempts = Attempts(scheduler, transport, telemetry, clock, fallback)
    reports = BounceReports(snapshot, stores.queue.content, telemetry, clock)
    room_for_clients = for_clients(limits.octets_in_flight)
    runner = Runner(
        scheduler,
        Tools(
            queue=stores.queue,
            attempts=attempts,
            reports=reports,
            reserve=Reserve(limits.octets_in_flight - room_for_clients),
            telemetry=telemetry,
            clock=clock,
            ages=Ages(clock),
            times=times,
        ),
    )
    notices.when_opened(runner.wake)
    holds = HoldWatch(
        holds=stores.holds,
        scheduler=scheduler,
        routes=lambda: snapshot().settings.routes,
        on_release=runner.wake,
        telemetry=telemetry,
        clock=clock,
    )
    membership = None
    if stores.members is not None:
        membership = Membership(
            members=stores.members,
            scheduler=scheduler,
            routes=lambda: snapshot().settings.routes,
            on_look=accounts.told,
            telemetry=telemetry,
            clock=clock,
        )
        notices.when_short(membership.hurry)
    room = QueueRoom(lambda: stores.queue.usage, stores.folder, lambda: snapshot().settings, clock)
    admission = Admission(room_for_clients, clock, room.full)
    custody = Intake(stores.queue, runner, telemetry, clock) if stores.keeps else NoCustodyAtAll()
    allowance = Allowance()
    desk = Desk(
        receiver=Receiver(
            attempts=attempts,
            keeper=Keeper(custody, reports, owner, telemetry, times),
            owner=owner,
            suppression=stores.suppression,
            telemetry=telemetry,
            clock=clock,
        ),
        resubmissions=Resubmissions(
            verdicts=stores.verdicts, owner=owner, telemetry=telemetry, clock=clock
        ),
        owner=owner,
        admission=admission,
        allowance=allowance,
        suppression=stores.suppression,
        telemetry=telemetry,
        clock=clock,
    )
    reception = MailReception(desk, snapshot)
    listeners = Listeners(reception, lambda: snapshot().settings, telemetry, clock, outside.doors)
    return Assembly(
        telemetry=telemetry,
        scheduler=scheduler,
        accounts=accounts,
        owner=owner,
        runner=runner,
        holds=holds,
        membership=membership,
        recall=Recall(
            control=stores.control,
            longest=lambda: backoff.longest(snapshot().settings.queue),
            on_due=runner.wake,
            telemetry=telemetry,
            clock=clock,
        ),
        reports=reports,
        custody=custody,
        admission=admission,
        allowance=allowance,
        reception=reception,
        listeners=listeners,
    )
