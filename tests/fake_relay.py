"""A whole relay in fake time: real flow, scheduler, queue and SQLite; a simulated SES in process.

No sockets: clients are transactions, and requests reach the simulated service as calls. What SES
refuses is read by the relay's own table, as if it had come over the wire.
"""

import asyncio
import contextlib
from ipaddress import ip_address

from fakes import FakeClock, never_withdrawn

from relay.delivery.answer import Answer, Sending
from relay.delivery.answers import judge
from relay.delivery.verified import Verified
from relay.flow.snapshot import Snapshot
from relay.mail.signers import Signers
from relay.model.account import AccountState
from relay.model.address import Address
from relay.model.envelope import Client, Recipient
from relay.model.outcome import Relayed
from relay.model.ports import MailParameters
from relay.model.settings import (
    AddressPattern,
    Listener,
    Route,
    Settings,
    SqliteStore,
    TcpBind,
    User,
)
from relay.model.settings import Queue as QueueSettings
from relay.policy.policy import Policy
from relay.service.assembly import Outside, assemble
from relay.service.feedback import Around, learning
from relay.service.stores import Stores
from relay.simulator import Account, Caller, Refusal, Simulator, Submission
from relay.stores.none import NoSenders
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite

CALLER = Caller(
    arn="arn:aws:iam::123456789012:role/relay",
    account_id="123456789012",
    user_id="relay",
    region="eu-west-1",
)
ANYBODY = (AddressPattern("*"), AddressPattern("<>"))


class Lines(list):
    """A log that keeps its lines."""

    def _write(self, event, **facts):
        self.append((str(event), facts))

    debug = info = warning = error = _write

    def named(self, event):
        return [facts for name, facts in self if name == event]


class InProcessSes:
    """A transport that calls the simulated service. `seconds` is how long SES takes to answer."""

    def __init__(self, simulator, seconds=0.05):
        self.simulator = simulator
        self.seconds = seconds
        self.verified = Verified(NoSenders(), "account", FakeClock())
        self.requests = 0
        self.refused = []  # SES's words
        self.taken = []  # recipients of what SES took, in its order
        self.before = None  # awaited first; may return an outcome instead of asking

    async def send(self, message, request):
        self.requests += 1
        if self.before is not None and (outcome := await self.before(message, request)):
            return outcome
        told = self.simulator.service.send(
            Submission(
                api="v1",
                raw=message.content.octets(),
                source=str(message.source),
                destinations=tuple(str(address) for address in request.recipients),
                configuration_set=message.parameters.configuration_set,
                tags=message.parameters.tags,
            ),
            CALLER,
        )
        if not isinstance(told, Refusal):
            self.taken += told.destinations
        await asyncio.sleep(self.seconds)
        if isinstance(told, Refusal):
            self.refused.append(told.message)
            code = told.query_code.removesuffix("Exception")
            answer = Answer(status=told.query_status, code=code, words=told.message)
            return judge(answer, Sending(message, request), self.verified)
        self.verified.remember((message.source, *message.authors))
        return Relayed(ses_message_id=told.id)


class FakeRelay:
    """Use as `async with FakeRelay(folder, …) as relay`; leaving it is an orderly stop."""

    def __init__(self, folder, *, account=None, users=(), seconds=0.05, clock=None, **settings):
        self.clock = clock or FakeClock()
        self.log = Lines()
        self.files = Files()  # a test may make it fail
        self.simulator = Simulator(account or Account(), clock=self.clock.now)
        self.ses = InProcessSes(self.simulator, seconds)
        known = {
            "hostname": "relay.example.com",
            "listeners": (Listener(bind=TcpBind("127.0.0.1", 0)),),
            "users": users or (User(name="tickets", senders=ANYBODY),),
            "routes": {"default": Route(region="eu-west-1")},
            "queue": QueueSettings(store=SqliteStore(folder)),
        }
        self.settings = Settings(**{**known, **settings})
        self.snapshot = Snapshot(
            settings=self.settings,
            hostname="relay.example.com",
            policy=Policy(self.settings),
            signers=Signers(),
        )
        self._folder = folder
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self):
        sqlite = await open_sqlite(
            self._folder, 0, Crew.inline(self.files, self.clock), self.settings.history
        )
        self.sqlite = sqlite
        self._stack.push_async_callback(sqlite.close)
        self.queue = sqlite.queue
        self.control = sqlite.shared.control
        stores = Stores(
            keeps=True,
            queue=sqlite.queue,
            members=sqlite.members,
            control=sqlite.shared.control,
            holds=sqlite.shared.holds,
            suppression=sqlite.shared.suppression,
            verdicts=sqlite.shared.verdicts,
            senders=sqlite.shared.senders,
            history=sqlite.shared.history,
            trace=sqlite.shared.history,
            sendings=sqlite.shared.sendings,
            lessons=sqlite.shared.lessons,
            tallies=sqlite.shared.tallies,
        )
        outside = Outside(clock=self.clock, log=self.log)
        self.parts = assemble(lambda: self.snapshot, outside, stores, self.ses)
        self.feedback = learning(
            stores,
            Around(
                ledger=outside.ledger,
                reports=self.parts.reports,
                custody=self.parts.custody,
                settings=lambda: self.settings,
                telemetry=self.parts.telemetry,
                clock=self.clock,
            ),
        )
        self.scheduler = self.parts.scheduler
        self.scheduler.configure(self.settings.routes, self.settings.limits.requests_in_flight)
        self.learn_account()
        await self.parts.runner.recover()
        works = (self.parts.runner.run, self.parts.recall.run)
        self._running = [asyncio.create_task(work()) for work in works]
        return self

    async def __aexit__(self, *_raised):
        await self.parts.runner.stop(60)
        await self.parts.owner.drain(60)
        self.scheduler.stop()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._stack.aclose()

    def learn_account(self):
        """Let the scheduler see the account as the poller would."""
        account = self.simulator.account
        state = AccountState(
            max_send_rate=account.max_send_rate,
            max_24_hour_send=account.max_24_hour_send,
            sent_last_24_hours=self.simulator.service.usage.day.total(self.clock.now()),
            sending_enabled=account.can_send,
            enforcement=account.enforcement.value,
        )
        for route in self.settings.routes:
            self.scheduler.account(route, state)

    async def submit(
        self, *recipients, user="tickets", sender="t@example.com", octets=None, **said
    ):
        """Go through one transaction as a client would; gives the last reply."""
        client = Client(
            session_id="s1",
            address=ip_address("10.0.0.1"),
            helo="client",
            esmtp=True,
            tls=None,
            user=user,
            authenticated=True,
            listener="inside",
        )
        octets = octets or f"From: {sender}\r\nSubject: hi\r\n\r\nHello\r\n".encode()
        transaction = self.parts.reception.begin(client)
        try:
            reply = transaction.mail(
                Address.parse(sender) if sender else None, MailParameters(size=len(octets), **said)
            )
            for recipient in recipients or ("a@example.org",):
                if reply.positive:
                    named = isinstance(recipient, Recipient)
                    reply = await transaction.rcpt(
                        recipient if named else Recipient(Address.parse(recipient))
                    )
            if reply.positive:
                reply = transaction.ready(never_withdrawn)
            if reply.positive:
                reply = await transaction.receive(octets)
        finally:
            transaction.close()
        return reply

    @property
    def taken(self):
        """Recipients of everything SES took, in the order it took it."""
        return self.ses.taken

    async def kept(self):
        """How many messages are in the queue."""
        return self.queue.usage.messages

    async def until_empty(self, seconds):
        """Wait in fake time until nothing is kept; gives how long it took."""
        began = self.clock.monotonic()
        while self.queue.usage.messages:
            assert self.clock.monotonic() - began < seconds, (
                f"{self.queue.usage.messages} messages still kept after {seconds} s"
            )
            await asyncio.sleep(1)
        return self.clock.monotonic() - began
