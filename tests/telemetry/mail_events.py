"""One example of each event, and a telemetry that can be looked into."""

import io
from ipaddress import ip_address

import orjson
from fakes import START, FakeClock

from relay.model.address import Address
from relay.model.content import Content
from relay.model.envelope import Client, Recipient, Tls
from relay.model.message import Message, Parameters, Request
from relay.model.outcome import Cause, Deferred, Failed, Relayed, Scope, ScopeKind, Unknown
from relay.model.reply import Reply
from relay.model.settings import Lane, Log, LogFormat, LogLevel, LogRecipients
from relay.telemetry import (
    Attempt,
    Event,
    FeedbackFacts,
    Metrics,
    Output,
    Standing,
    Step,
    Telemetry,
    log_writer,
)

ANN = Address("ann", "example.com")
BOB = Address("bob", "Example.ORG")
CAROL = Address("carol", "example.net")


class Notes:
    """A history to look into."""

    def __init__(self):
        self.noted = []

    def note(self, event, at, facts):
        self.noted.append((event, at, dict(facts)))


class Heard:
    """A telemetry with all its ears."""

    def __init__(
        self,
        recipients=LogRecipients.FULL,
        form=LogFormat.JSON,
        level=LogLevel.DEBUG,
        stream=None,
    ):
        self.clock = FakeClock(START)
        self.stream = stream or io.BytesIO()
        self.metrics = Metrics()
        self.history = Notes()
        settings = Log(format=form, level=level, recipients=recipients)
        self.output = Output(self.stream)
        self.log = log_writer(settings, self.clock, self.output)
        self.telemetry = Telemetry(
            log=self.log,
            metrics=self.metrics,
            history=self.history,
            clock=self.clock,
            settings=settings,
        )

    @property
    def text(self):
        return self.stream.getvalue().decode()

    @property
    def lines(self):
        return [orjson.loads(line) for line in self.text.splitlines()]

    def sample(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels)


def client(**changes):
    given = {
        "session_id": "s-7",
        "address": ip_address("10.1.2.3"),
        "helo": "app-1",
        "esmtp": True,
        "tls": Tls(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384"),
        "user": "tickets",
        "authenticated": True,
        "listener": "0.0.0.0:587",
    }
    return Client(**given | changes)


def message(*recipients, **changes):
    given = {
        "id": "q-1",
        "session_id": "s-7",
        "user": "tickets",
        "route": "default",
        "lane": Lane.TRANSACTIONAL,
        "sender": ANN,
        "source": ANN,
        "recipients": tuple(Recipient(address) for address in recipients or (BOB, CAROL)),
        "content": Content((), b"the body of the letter\r\n"),
        "parameters": Parameters(),
        "authors": (ANN,),
        "message_id": "<1@example.com>",
        "received_at": START,
        "size": 2048,
    }
    return Message(**given | changes)


REQUEST = Request(number=1, recipients=(BOB, CAROL))
FIRST = Attempt(number=1, duration_s=0.0421)

RELAYED = Relayed(ses_message_id="0102-ses", ses_request_id="r-1")
THROTTLED = Deferred(
    cause=Cause.RATE,
    scope=Scope(ScopeKind.ROUTE, "default"),
    reply=Reply(451, "4.4.5", "Sending rate of the account is exceeded, try again later"),
    ses_request_id="r-2",
    detail="Throttling: Maximum sending rate exceeded.",
)
NOT_VERIFIED = Failed(
    reply=Reply(554, "5.7.1", "Email address is not verified: bob@example.org"),
    recipients=frozenset({BOB}),
    ses_request_id="r-3",
    detail="MessageRejected: Email address is not verified: bob@example.org",
)
LOST = Unknown(reply=Reply(451, "4.4.2", "No answer from Amazon SES"), detail="ReadTimeoutError")

FEEDBACK = FeedbackFacts(
    ses_message_id="0102-ses",
    recipients=(BOB,),
    queue_id="q-1",
    user="tickets",
    route="default",
    kind="Permanent/General",
    detail="smtp; 550 5.1.1 <bob@example.org> user unknown",
)
STANDING = Standing(user="tickets", kind="bounce", ratio=0.0231234, threshold=0.02, messages=1200)


class BrokenParser(Exception):  # noqa: N818 - a bug of ours, whatever its name
    """Raised with the content it choked on, as careless code does."""


def _fault(telemetry):
    error = BrokenParser("cannot parse: the body of the letter")
    telemetry.relay.fault("flow.receive", error, session_id="s-7", queue_id="q-1")


EXAMPLES = {
    Event.RELAY_STARTED: lambda t: t.relay.started(
        version="1.0", listeners=["0.0.0.0:587"], http="127.0.0.1:8080"
    ),
    Event.RELAY_RELOADED: lambda t: t.relay.reloaded(
        changed=["users", "routes.default"], needs_restart=["queue.store"]
    ),
    Event.RELAY_STOPPED: lambda t: t.relay.stopped(reason="SIGTERM", in_flight=0, duration_s=1.5),
    Event.RELAY_FAULT: _fault,
    Event.SMTP_CONNECTED: lambda t: t.smtp.connected(
        client(helo="", tls=None, user=None, authenticated=False)
    ),
    Event.SMTP_AUTHENTICATED: lambda t: t.smtp.authenticated(client(), "PLAIN"),
    Event.SMTP_AUTH_FAILED: lambda t: t.smtp.auth_failed(
        client(user=None),
        Reply(535, "5.7.8", "Authentication credentials invalid"),
        mechanism="LOGIN",
        reason="wrong password for tickets",
    ),
    Event.SMTP_REFUSED: lambda t: t.smtp.refused(
        client(),
        Reply(550, "5.1.1", "Recipient is on the suppression list"),
        Step("RCPT", ANN, BOB),
        reason="bounced before",
    ),
    Event.SMTP_CLOSED: lambda t: t.smtp.closed(
        client(), reason="quit", messages=1, duration_s=0.25
    ),
    Event.MESSAGE_RECEIVED: lambda t: t.message.received(message(), client()),
    Event.MESSAGE_RELAYED: lambda t: t.message.relayed(message(), REQUEST, RELAYED, FIRST),
    Event.MESSAGE_DEFERRED: lambda t: t.message.deferred(
        message(), REQUEST, THROTTLED, Attempt(number=2, duration_s=0.01, delay_s=30)
    ),
    Event.MESSAGE_FAILED: lambda t: t.message.failed(message(), REQUEST, NOT_VERIFIED, FIRST),
    Event.MESSAGE_EXPIRED: lambda t: t.message.expired(
        message(), (CAROL,), Reply(554, "5.4.7", "Message could not be handed over in time")
    ),
    Event.MESSAGE_HELD: lambda t: t.message.held(message(), "rule staging"),
    Event.MESSAGE_RELEASED: lambda t: t.message.released(message(), "operator"),
    Event.MESSAGE_DISCARDED: lambda t: t.message.discarded(
        client(), None, BOB, reason="rule no-noise"
    ),
    Event.MESSAGE_BOUNCED: lambda t: t.message.bounced(
        message(), message(ANN, id="q-2", sender=None)
    ),
    Event.FEEDBACK_BOUNCE: lambda t: t.feedback.bounce(FEEDBACK),
    Event.FEEDBACK_COMPLAINT: lambda t: t.feedback.complaint(FEEDBACK),
    Event.FEEDBACK_DELIVERY: lambda t: t.feedback.delivery(FEEDBACK),
    Event.FEEDBACK_DELAY: lambda t: t.feedback.delay(FEEDBACK),
    Event.FEEDBACK_REJECT: lambda t: t.feedback.reject(FEEDBACK),
    Event.SUPPRESSION_ADDED: lambda t: t.suppression.added(BOB, "bounce", by="feedback"),
    Event.SUPPRESSION_REMOVED: lambda t: t.suppression.removed(BOB, by="operator"),
    Event.THROTTLE_CHANGED: lambda t: t.throttle.changed(
        "default", rate=7.0, limit=14.0, reason="refused for rate"
    ),
    Event.ACCOUNT_CHANGED: lambda t: t.account.changed(
        "default", what="sending", old="enabled", new="paused", alarm=True
    ),
    Event.REPUTATION_WARNED: lambda t: t.reputation.warned(STANDING),
    Event.REPUTATION_HELD: lambda t: t.reputation.held(STANDING),
    Event.STORE_FAULT: lambda t: t.store.fault("put", "No space left on device"),
}
