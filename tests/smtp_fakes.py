"""A reception that takes everything or answers as told, and listeners on loopback to reach it by.

For the tests of `relay.smtp`: they drive real sessions over real sockets, with fake mail behind.
"""

import asyncio
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import argon2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fakes import FakeClock

from relay.model import replies
from relay.model.settings import (
    AddressPattern,
    AuthMode,
    Bounces,
    BounceTo,
    ClearPassword,
    HashedPassword,
    LineEndings,
    Listener,
    Secret,
    SessionLimits,
    Settings,
    TcpBind,
    Tls,
    TlsMode,
    User,
)
from relay.smtp import Listeners, OwnDoors
from relay.stores.none import NoHistory
from relay.telemetry import Metrics, Telemetry

HOSTNAME = "relay.test"
PASSWORD = "correct horse"
ANYBODY = (AddressPattern("*"), AddressPattern("<>"))
# The cheapest Argon2id there is: tests check the way, not the cost.
QUICK = argon2.PasswordHasher(1, 8, 1)


@dataclass
class FakeTransaction:
    """Takes the mail of one transaction; `reception` says what to answer."""

    reception: "FakeReception"
    client: object
    sender: object = None
    parameters: object = None
    recipients: list = field(default_factory=list)
    octets: bytes | None = None
    unheard_replies: list = field(default_factory=list)
    withdraw: object = None  # takes a reply, and the content away
    closed: int = 0

    @property
    def size_limit(self):
        return self.reception.limit

    def mail(self, sender, parameters):
        self.sender, self.parameters = sender, parameters
        if parameters.size is not None and parameters.size > self.size_limit:
            return replies.TOO_BIG
        return self.reception.answer("MAIL", replies.SENDER_OK)

    def rcpt_at_once(self, recipient):
        # Every other recipient must be looked up, so that both ways are tried everywhere.
        if self.reception.keep and len(self.recipients) % 2:
            return None
        reply = self.reception.answer("RCPT", replies.RECIPIENT_OK)
        if reply.positive:
            self.recipients.append(recipient)
        return reply

    async def rcpt(self, recipient):
        reply = self.reception.answer("RCPT", replies.RECIPIENT_OK)
        if reply.positive:
            self.recipients.append(recipient)
        return reply

    def ready(self, withdraw):
        self.withdraw = withdraw
        return self.reception.answer("READY", replies.SEND_CONTENT)

    def room_for(self, octets):
        return replies.TOO_BIG if octets > self.size_limit else None

    async def receive(self, octets):
        if self.reception.keep:
            self.octets = bytes(octets)
            self.reception.received.append(self)
        if self.reception.gate is not None:
            self.reception.waiting.set()
            await self.reception.gate.wait()
        return self.reception.answer("DATA", replies.OK)

    def unheard(self, reply):
        self.unheard_replies.append(reply)
        self.reception.unheard.append(reply)

    def close(self):
        self.closed += 1


@dataclass
class FakeReception:
    """Hands out transactions and remembers them."""

    keep: bool = True
    limit: int = 40 * 2**20
    answers: dict = field(default_factory=dict)  # step → Reply, or an exception to raise
    transactions: list = field(default_factory=list)
    received: list = field(default_factory=list)
    unheard: list = field(default_factory=list)
    gate: asyncio.Event | None = None  # holds `receive` back until set
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def size_limit(self, user):
        return self.limit

    def begin(self, client):
        transaction = FakeTransaction(self, client)
        if self.keep:
            self.transactions.append(transaction)
        return transaction

    def answer(self, step, usual):
        told = self.answers.get(step, usual)
        if isinstance(told, Exception):
            raise told
        return told


class Lines:
    """A log that keeps its lines."""

    def __init__(self):
        self.lines = []

    def debug(self, event, **facts):
        self.lines.append({"event": str(event), **facts})

    info = warning = error = debug

    def named(self, event):
        return [line for line in self.lines if line["event"] == event]


@cache
def certificate_files(name="localhost"):
    """Make a certificate and its key once for all tests; they live as long as the process."""
    folder = Path(tempfile.mkdtemp(prefix="relay-test-"))
    write_certificate(folder, name)
    return Tls(certificate=(folder / "cert.pem",), key=(folder / "key.pem",))


def write_certificate(folder, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def hashed_user(name="tickets", password=PASSWORD, **more):
    held = HashedPassword(Secret(quick_hash(password)))
    return User(name=name, password=held, senders=ANYBODY, **more)


def clear_user(name="printer", password=PASSWORD, **more):
    return User(name=name, password=ClearPassword(Secret(password)), senders=ANYBODY, **more)


@cache
def quick_hash(password):
    return QUICK.hash(password)


def listener(**options):
    """Make a listener; words may be given as in the file, limits as `limits_…`."""
    limits = {
        name.removeprefix("limits_"): options.pop(name)
        for name in tuple(options)
        if name.startswith("limits_")
    }
    words = {"tls": TlsMode, "auth": AuthMode, "line_endings": LineEndings}
    plain = Listener(bind=TcpBind("127.0.0.1", 0), tls=TlsMode.OFF, auth=AuthMode.OPTIONAL)
    return replace(
        plain,
        limits=SessionLimits(**limits),
        **{name: words.get(name, lambda value: value)(value) for name, value in options.items()},
    )


def settings_for(*listeners, users=(), dsn=True):
    return Settings(
        hostname=HOSTNAME,
        listeners=listeners,
        tls=certificate_files(),
        users=tuple(users),
        routes={},
        bounces=Bounces(to=BounceTo.SENDER if dsn else BounceTo.OFF),
    )


@dataclass
class OpenListeners:
    """Listeners that listen, and what stands behind them."""

    listeners: Listeners
    reception: FakeReception
    clock: FakeClock
    log: Lines
    metrics: Metrics
    settings: list  # the one of now is the last

    @property
    def addresses(self):
        return [name for names in self.listeners.addresses.values() for name in names]

    @property
    def port(self):
        return self.addresses[0][1]


async def open_settings(reception, settings, doors=None):
    clock, log, metrics = FakeClock(), Lines(), Metrics()
    telemetry = Telemetry(
        log=log, metrics=metrics, history=NoHistory(), clock=clock, settings=settings.log
    )
    history = [settings]
    listeners = Listeners(reception, lambda: history[-1], telemetry, clock, doors or OwnDoors())
    faults = await listeners.start()
    assert not faults, faults
    return OpenListeners(listeners, reception, clock, log, metrics, history)


async def open_listeners(reception, *, users=(), dsn=True, **options):
    return await open_settings(reception, settings_for(listener(**options), users=users, dsn=dsn))


@asynccontextmanager
async def listening(reception=None, *, users=(), dsn=True, **options):
    """Open one listener for the length of a test."""
    opened = await open_listeners(reception or FakeReception(), users=users, dsn=dsn, **options)
    try:
        yield opened
    finally:
        await opened.listeners.stop(5)
