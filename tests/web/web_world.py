"""A web application with known contents, on a loopback port of its own."""

from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer
from fakes import START, FakeClock

from relay.feedback.reputation import share_of
from relay.model.account import RouteAccount
from relay.model.reputation import Count, Day, Kind, Record
from relay.model.settings import Reputation, Secret, TcpBind
from relay.telemetry import Metrics, ScrapeTime
from relay.web import Access, InboxMessage, Readiness, Recent, Sources, make_app

LOOPBACK = TcpBind("127.0.0.1", 8080)
EVERYWHERE = TcpBind("0.0.0.0", 8080)
EVIL = "<script>alert(1)</script>"

LETTER = (
    b"From: =?utf-8?q?J=C3=BCrgen?= <juergen@example.com>\r\n"
    b"To: bob@example.org\r\n"
    b"Subject: =?utf-8?b?UsOpc3Vtw6k=?= " + EVIL.encode() + b"\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="m"\r\n'
    b"\r\n--m\r\n"
    b'Content-Type: multipart/alternative; boundary="a"\r\n'
    b"\r\n--a\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe " + EVIL.encode() + b"\r\n"
    b"--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<p onclick='alert(2)'>Hello</p>" + EVIL.encode() + b"\r\n--a--\r\n"
    b"--m\r\nContent-Type: application/pdf\r\n"
    b'Content-Disposition: attachment; filename="' + EVIL.encode() + b'.pdf"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--m--\r\n"
)


def taken(number=1, raw=LETTER, **changes):
    given = {
        "id": f"ses-{number}",
        "api": "v1",
        "accepted_at": START + timedelta(seconds=number),
        "source": "juergen@example.com",
        "destinations": ("bob@example.org", "hidden@example.net"),
        "raw": raw,
        "configuration_set": "app-a",
        "tags": (("queue-id", "q-1"), ("app", EVIL)),
    }
    return InboxMessage(**given | changes)


class FakeInbox:
    """Messages in a list."""

    def __init__(self, *messages):
        self.messages = list(messages)

    def list(self):
        return self.messages[::-1]

    def get(self, message_id):
        return next((m for m in self.messages if m.id == message_id), None)


class FakeUsers:
    """Counts in a dict: of each user, the last day's and those that are judged."""

    def __init__(self):
        self.counts = {}

    def records(self):
        return [self.record(user) for user in self.counts]

    def record(self, user):
        count = self.counts.get(user, Count())
        shares = tuple(share_of(kind, count, Reputation()) for kind in Kind)
        return Record(
            user=user,
            day=count,
            judged=count,
            since=START if user in self.counts else None,
            shares=shares,
        )

    def days(self, user):
        return [Day(START.date(), self.counts[user])] if user in self.counts else []


class World:
    """Everything a page is made from, to be changed by the test."""

    def __init__(self, inbox=None):
        self.clock = FakeClock(START)
        self.recent = Recent()
        self.metrics = Metrics()
        self.readiness = Readiness()
        self.users = FakeUsers()
        self.accounts = [RouteAccount(route="default", region="eu-west-1")]
        self.sources = Sources(
            hostname="relay.example.com",
            version="1.0",
            metrics=self.metrics,
            recent=self.recent,
            readiness=lambda: self.readiness,
            clock=self.clock,
            users=self.users,
            accounts=lambda: self.accounts,
            inbox=inbox,
        )

    def happen(self, event, **facts):
        self.recent.note(event, self.clock.now(), facts)
        self.clock.advance(1)

    def one_message(self, queue_id="q-1", **facts):
        given = {
            "queue_id": queue_id,
            "user": "tickets",
            "sender": "ann@example.com",
            "recipients": ["bob@example.org"],
        } | facts
        self.happen("message.received", **given, message_id=f"<{EVIL}@example.com>")
        self.happen("message.relayed", **given, ses_message_id="ses-1", attempt=1)

    def rates(self):
        self.metrics.read(ScrapeTime.SEND_RATE, lambda: {("default",): 7.0})
        self.metrics.read(ScrapeTime.SEND_RATE_LIMIT, lambda: {("default",): 14.0})
        self.metrics.read(ScrapeTime.QUOTA_USED, lambda: {("default",): 0.25})
        self.metrics.read(ScrapeTime.SMTP_SESSIONS, lambda: {(): 3})

    @asynccontextmanager
    async def browser(self, bind=LOOPBACK, token=None, signed=None):
        access = Access(bind, Secret(token) if token else None, self.clock)
        server = TestServer(make_app(self.sources, access, signed))
        async with TestClient(server, cookie_jar=CookieJar(unsafe=True)) as client:
            yield client
