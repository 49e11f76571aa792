"""A whole relay and a simulated SES in one process, over real sockets on loopback.

    async with simulated() as ses, relaying(settings(ses.url)) as world:
        reply = await world.send(b"From: …")
        assert ses.messages[-1].raw == …

A delay that the simulator's faults script is no time but a gate: the answer comes when the test
opens it (`ses.answer()`), so that "in the middle of a slow call" is a moment and not a race.
"""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

from smtp_fakes import ANYBODY, Lines, certificate_files
from smtp_line import SmtpLine

from relay.model.clock import Clock, SystemClock
from relay.model.settings import (
    AuthMode,
    Http,
    IdentifyBy,
    Limits,
    Listener,
    NoStore,
    Queue,
    Route,
    Settings,
    TcpBind,
    TlsMode,
    User,
)
from relay.service.assembly import Outside
from relay.service.relay import Relay
from relay.simulator import Account, Delay, Fault, Simulator, running

PATIENCE = 15.0  # real seconds until a test gives up; a green run never waits that long
FAST = 1_000_000.0  # recipients a second: the rate is not what these tests are about
HELD_BACK = Delay(1.0)  # until `SimulatedSes.answer`

LOCAL = User(
    name="local",
    identify_by=IdentifyBy.NETWORK,
    networks=(ip_network("127.0.0.0/8"),),
    senders=ANYBODY,
)
MAIL = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: Hello\r\n\r\nIt works.\r\n"


async def until(what, seconds=PATIENCE):
    """Wait until something holds, and give it."""
    async with asyncio.timeout(seconds):
        while not (found := what()):  # noqa: ASYNC110 - nobody announces what tests look for
            await asyncio.sleep(0.005)
    return found


async def eventually(look, seconds=PATIENCE):
    """Wait until a look that takes I/O finds something, and give it."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):  # noqa: ASYNC110 - nobody announces what tests look for
            await asyncio.sleep(0.05)
    return found


@dataclass
class SimulatedSes:
    """The simulator as it is served."""

    simulator: Simulator
    url: str
    gate: asyncio.Event
    held: int = 0

    @property
    def messages(self):
        return self.simulator.mailbox.messages()

    def script(self, then, *, operation="SendRawEmail", times=1):
        assert self.simulator.faults.add(Fault(operation=operation, times=times, then=then)) is None

    def hold_back(self):
        """Take the next message at once and answer when `answer` is called."""
        self.gate.clear()
        self.script(HELD_BACK)

    def answer(self):
        self.gate.set()

    async def wait(self, seconds):
        self.held += 1
        await self.gate.wait()
        self.held -= 1

    async def holding(self):
        """Wait until a request is in SES's hands and not yet answered."""
        await until(lambda: self.held)

    def change(self, **changes):
        self.simulator.account = replace(self.simulator.account, **changes)


@asynccontextmanager
async def simulated(**account):
    """Serve a simulator of an account that is fast enough for any test."""
    simulator = Simulator(Account(max_send_rate=FAST, **account))
    ses = SimulatedSes(simulator, "", asyncio.Event())
    async with running(simulator, sleep=ses.wait) as ses.url:
        yield ses
        ses.answer()  # nobody hangs because a test failed


def route(url, **changes):
    return Route(region="eu-west-1", endpoint_url=url, max_send_rate=FAST, headroom=1.0, **changes)


def settings(url, *, users=(LOCAL,), store=None, wait=5.0, **changes):
    """Give settings: one listener on a free port, no store unless it is named, local clients."""
    listener = Listener(bind=TcpBind("127.0.0.1", 0), tls=TlsMode.STARTTLS, auth=AuthMode.OPTIONAL)
    defaults = {
        "hostname": "relay.example.com",
        "listeners": (listener,),
        "tls": certificate_files(),
        "users": tuple(users),
        "routes": {"default": route(url)},
        "queue": Queue(store=store or NoStore(), wait=wait, backoff_min=0.02, backoff_max=0.1),
        "limits": Limits(stop_grace=10.0),
        "http": Http(bind=TcpBind("127.0.0.1", 0)),
    }
    return Settings(**{**defaults, **changes})


@dataclass
class World:
    """A relay that is up."""

    relay: Relay
    log: Lines
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def port(self):
        [names] = self.relay.parts.listeners.addresses.values()
        return names[0][1]

    def line(self, **options):
        """Connect to the relay and say EHLO."""
        return SmtpLine.to("127.0.0.1", self.port, **options)

    async def send(self, octets=MAIL, sender="a@example.com", recipients=("b@example.org",)):
        """Send one message on a connection of its own; gives the last reply."""
        async with self.line() as line:
            return await line.send(octets, sender, recipients)

    async def logged(self, event, **facts):
        """Wait for a line of the log."""
        return await until(lambda: self.lines(event, **facts))

    def lines(self, event, **facts):
        return [line for line in self.log.named(event) if facts.items() <= line.items()]


@asynccontextmanager
async def relaying(configuration, clock: Clock | None = None, published=None):
    """Start a relay, and stop it in order in the end; `published` is the DNS, if it is asked."""
    log, ready = Lines(), asyncio.Event()
    outside = Outside(clock=clock or SystemClock(), log=log, published=published)
    relay = Relay(configuration, outside)
    world = World(relay, log)
    serving = asyncio.create_task(relay.serve(world.stop, ready.set))
    up = asyncio.create_task(ready.wait())
    await asyncio.wait({serving, up}, return_when=asyncio.FIRST_COMPLETED)
    up.cancel()
    if serving.done():
        await serving
    try:
        yield world
    finally:
        world.stop.set()
        async with asyncio.timeout(2 * PATIENCE):
            await serving
    assert not log.named("relay.fault"), log.named("relay.fault")
