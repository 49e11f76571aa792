"""A relay's flow with nothing real around it: scripted SES, open scheduler, a store in memory."""

import asyncio
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from fakes import FakeClock, never_withdrawn

from relay.flow.admission import Admission
from relay.flow.allowance import Allowance
from relay.flow.attempt import Attempts
from relay.flow.fallback import Fallback
from relay.flow.keep import Keeper
from relay.flow.owner import Owner
from relay.flow.receive import Receiver
from relay.flow.reception import MailReception
from relay.flow.resubmission import Resubmissions
from relay.flow.snapshot import Snapshot
from relay.flow.transaction import Desk
from relay.mail.signers import Signers
from relay.model.address import Address
from relay.model.backoff import times
from relay.model.envelope import Client, Recipient
from relay.model.outcome import Relayed
from relay.model.ports import Granted, MailParameters, NoCustody, StoreFault
from relay.model.settings import (
    AddressPattern,
    Listener,
    NoStore,
    Queue,
    Route,
    Settings,
    SqliteStore,
    TcpBind,
    User,
)
from relay.policy.policy import Policy
from relay.stores.none import NoHistory
from relay.telemetry import Metrics, Telemetry

MAIL = b"From: t@example.com\r\nTo: a@example.org\r\nSubject: hi\r\n\r\nHello\r\n"


class Lines(list):
    """A log that keeps its lines."""

    def _write(self, event, **facts):
        self.append((str(event), facts))

    debug = info = warning = error = _write

    def events(self, prefix=""):
        return [event for event, _ in self if event.startswith(prefix)]


class ScriptedSes:
    """Answers requests from a list; a callable or an event in it is waited for."""

    def __init__(self):
        self.answers = []
        self.sent = []

    async def send(self, message, request):
        self.sent.append((message, request))
        answer = self.answers.pop(0) if self.answers else Relayed(ses_message_id="ses-1")
        if callable(answer):
            answer = await answer()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def hold_back(self):
        """Answer the next request, as taken, when the event that comes back is set."""
        gate = asyncio.Event()

        async def later():
            await gate.wait()
            return Relayed(ses_message_id="m")

        self.answers = [later]
        return gate


class OpenScheduler:
    """Grants every turn at once, or answers with a scripted deferral."""

    def __init__(self):
        self.deferral = None
        self.learned = []
        self.most = {}  # recipients of one request, by lane

    def largest(self, key):
        return self.most.get(key.lane, 50)

    async def turn(self, key, scopes, recipients, deadline):
        return self.deferral or Granted(key=key, recipients=recipients, scopes=scopes)

    def instead(self, key, scopes, *, fresh):
        return None

    def learn(self, granted, outcome):
        self.learned.append(outcome)


@dataclass
class MemoryQueue:
    """Keeps entries in a dict; `answer` makes the next puts fail."""

    answer: StoreFault | NoCustody | None = None
    kept: dict = field(default_factory=dict)
    recorded: list = field(default_factory=list)

    async def put(self, new):
        if self.answer is None:
            self.kept |= {one.entry.id: one for one in new}
        return self.answer

    async def record(self, entry, spawn=()):
        self.recorded.append(entry)
        return replace(entry, version=entry.version + 1)


class Reported:
    """Writes no mail; remembers what was to be reported."""

    def __init__(self):
        self.refused = []

    async def failed(self, message, refusal):
        self.refused.append(refusal)
        return ()

    async def relayed(self, message, recipients):
        return ()


class NobodySuppressed:
    def __init__(self):
        self.found = {}

    def surely_absent(self, address):
        return str(address) not in self.found

    async def suppressed(self, address, now):
        return self.found.get(str(address))


class MemoryVerdicts:
    def __init__(self):
        self.kept = {}

    async def keep(self, fingerprint, reply, until):
        self.kept[fingerprint] = reply

    def surely_none(self, fingerprint):
        return False

    async def take(self, fingerprint, now):
        return self.kept.pop(fingerprint, None)


USER = User(
    name="tickets",
    senders=(AddressPattern("*@example.com"), AddressPattern("<>")),
    tags={"app": "t"},
)


def settings(**fields):
    known = {
        "hostname": "relay.example.com",
        "listeners": (Listener(bind=TcpBind("127.0.0.1", 0)),),
        "users": (USER,),
        "routes": {"default": Route(region="eu-west-1")},
        "queue": Queue(store=SqliteStore("unused")),
    }
    return Settings(**{**known, **fields})


def no_store(**fields):
    return settings(queue=Queue(store=NoStore()), **fields)


class World:
    def __init__(self, configuration=None, verdicts=None):
        configuration = configuration or settings()
        self.clock = FakeClock()
        self.log = Lines()
        telemetry = Telemetry(
            log=self.log, metrics=Metrics(), history=NoHistory(), clock=self.clock
        )
        self.ses = ScriptedSes()
        self.scheduler = OpenScheduler()
        without = isinstance(configuration.queue.store, NoStore)
        self.queue = MemoryQueue(NoCustody() if without else None)
        self.suppression = NobodySuppressed()
        self.reports = Reported()
        self.verdicts = verdicts or MemoryVerdicts()
        self.owner = Owner(telemetry.relay.fault)
        fallback = Fallback(lambda: configuration.routes, self.clock)
        attempts = Attempts(self.scheduler, self.ses, telemetry, self.clock, fallback)
        self.admission = Admission(configuration.limits.octets_in_flight, self.clock)
        desk = Desk(
            receiver=Receiver(
                attempts=attempts,
                keeper=Keeper(
                    self.queue,
                    self.reports,
                    self.owner,
                    telemetry,
                    lambda entry: times(configuration.queue, entry.attempts, self.clock.now(), 0.5),
                ),
                owner=self.owner,
                suppression=self.suppression,
                telemetry=telemetry,
                clock=self.clock,
            ),
            resubmissions=Resubmissions(
                verdicts=self.verdicts, owner=self.owner, telemetry=telemetry, clock=self.clock
            ),
            owner=self.owner,
            admission=self.admission,
            allowance=Allowance(),
            suppression=self.suppression,
            telemetry=telemetry,
            clock=self.clock,
        )
        self.snapshot = Snapshot(
            settings=configuration,
            hostname="relay.example.com",
            policy=Policy(configuration),
            signers=Signers(),
        )
        self.reception = MailReception(desk, lambda: self.snapshot)

    def begin(self, **client):
        known = {
            "session_id": "s1",
            "address": ip_address("10.0.0.1"),
            "helo": "client",
            "esmtp": True,
            "tls": None,
            "user": "tickets",
            "authenticated": True,
            "listener": "inside",
        }
        return self.reception.begin(Client(**{**known, **client}))

    async def submit(self, *recipients, octets=MAIL, sender="t@example.com"):
        """Go through one transaction; gives the reply that ended it."""
        transaction = self.begin()
        address = None if sender is None else Address.parse(sender)
        reply = transaction.mail(address, MailParameters(size=len(octets)))
        for recipient in recipients or ("a@example.org",):
            if reply.positive:
                reply = await transaction.rcpt(Recipient(Address.parse(recipient)))
        if reply.positive:
            reply = transaction.ready(never_withdrawn)
        if reply.positive:
            reply = await transaction.receive(octets)
        transaction.close()
        return reply

    async def hang_up(self, **mail):
        """Go through a transaction up to the content, and leave before SES has answered."""
        session = asyncio.ensure_future(self.submit(**mail))
        await asyncio.sleep(0.1)
        session.cancel()
        [ended] = await asyncio.gather(session, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)

    async def settle(self):
        """Let work that outlives its session end."""
        assert await self.owner.drain(3600) == 0
