"""A learner over a real store, with somebody to hear what it reports."""

from dataclasses import replace

from fakes import START, FakeClock

from relay.feedback.learn import Learner
from relay.feedback.ledger import Ledger
from relay.feedback.reputation import Reputation
from relay.model.address import Address
from relay.model.settings import (
    AddressPattern,
    Bounces,
    BounceTo,
    Listener,
    Route,
    Settings,
    TcpBind,
    User,
)
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite
from relay.telemetry import Histories, Metrics, Telemetry

X = Address("x", "example.org")
ON = Bounces(to=BounceTo.SENDER, from_=Address("bounces", "example.com"))


class Lines(list):
    """A log that keeps its lines, and remembers which were errors."""

    def __init__(self):
        super().__init__()
        self.errors = []

    def _write(self, event, **facts):
        self.append((str(event), facts))

    debug = info = warning = _write

    def error(self, event, **facts):
        self.errors.append(str(event))
        self._write(event, **facts)

    def named(self, event):
        return [facts for name, facts in self if name == event]


class Post:
    """Reports and custody in one: keeps what was reported, and fails on demand."""

    def __init__(self):
        self.reported = []
        self.kept = []
        self.fault = None

    async def failed(self, message, refusal):
        return [(message, refusal)]

    async def put(self, new):
        if self.fault is None:
            self.kept += new
        return self.fault


def settings(**changes):
    given = {
        "listeners": (Listener(bind=TcpBind("127.0.0.1", 0)),),
        "users": tuple(
            User(name=name, senders=(AddressPattern("*"),)) for name in ("tickets", "web shop")
        ),
        "routes": {"default": Route(region="eu-west-1")},
    }
    return Settings(**given | changes)


class World:
    """Use as `async with World(folder) as world`."""

    def __init__(self, folder, **changes):
        self.folder = folder
        self.clock = FakeClock(START)
        self.settings = settings(**changes)
        self.crew = None
        self.log = Lines()
        self.post = Post()

    async def __aenter__(self):
        crew = self.crew or Crew.inline(Files(), self.clock)
        self.stores = await open_sqlite(self.folder, 0, crew, 30 * 86_400.0)
        shared = self.shared = self.stores.shared
        self.ledger = Ledger()
        self.telemetry = Telemetry(
            log=self.log,
            metrics=Metrics(),
            history=Histories(shared.history, self.ledger),
            clock=self.clock,
        )
        self.reputation = Reputation(
            ledger=self.ledger,
            store=shared.tallies,
            holds=shared.holds,
            rules=lambda: self.settings.reputation,
            telemetry=self.telemetry,
            clock=self.clock,
        )
        self.learner = Learner(
            lessons=shared.lessons,
            sendings=shared.sendings,
            reports=self.post,
            custody=self.post,
            score=self.reputation,
            settings=lambda: self.settings,
            telemetry=self.telemetry,
            clock=self.clock,
        )
        assert await self.reputation.load() is None
        return self

    async def __aexit__(self, *_raised):
        await self.stores.close()

    def change(self, **changes):
        self.settings = replace(self.settings, **changes)

    async def relayed(self, *recipients, ses_id, queue_id="q1", user="tickets", **facts):
        """Note a request that SES took, as telemetry does."""
        facts = {
            "queue_id": queue_id,
            "user": user,
            "route": "default",
            "sender": "t@example.com",
            "ses_message_id": ses_id,
            "recipients": list(recipients or ("x@example.org",)),
            **facts,
        }
        for history in (self.shared.history, self.ledger):
            history.note("message.relayed", self.clock.now(), facts)
        # The writer takes notes along with its next piece of work.
        await self.shared.tallies.add([])

    async def learn(self, *texts):
        for text in texts:
            assert await self.learner.learn(text) is None

    async def listed(self):
        return await self.shared.suppression.listed("", 1000)

    async def tallied(self):
        return await self.shared.tallies.tallied(START.replace(year=2020))
