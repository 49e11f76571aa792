"""Who hears of a failure, who of a success, and who never does."""

import email

import pytest
from fake_relay import ANYBODY, FakeRelay

from relay.model.address import Address
from relay.model.envelope import Notify, Recipient, Ret
from relay.model.outcome import Failed
from relay.model.reply import Reply
from relay.model.settings import Bounces, BounceTo, Queue, Route, SqliteStore, User
from relay.simulator import Account

pytestmark = pytest.mark.fake_time

FAST = Account(max_send_rate=1000, max_24_hour_send=-1)
POSTMASTER = Address("postmaster", "example.com")
TO_SENDER = Bounces(to=BounceTo.SENDER, from_=POSTMASTER)


def refusing(address):
    """Make SES refuse one recipient for good."""

    async def before(message, request):
        if Address.parse(address) in request.recipients:
            return Failed(reply=Reply(554, "5.7.1", "Amazon SES: not this one"))
        return None

    return before


def relay_keeping_first(folder, **settings):
    queue = Queue(store=SqliteStore(folder), wait=0)
    known = {"queue": queue, "bounces": TO_SENDER, "account": FAST}
    return FakeRelay(folder, **{**known, **settings})


def reports(relay):
    """The bounces SES took, parsed, with their envelope."""
    return [
        (message, email.message_from_bytes(bytes(message.raw)))
        for message in relay.simulator.mailbox.messages()
        if message.source == str(POSTMASTER)
    ]


async def test_a_failure_is_reported_to_the_sender(tmp_path):
    async with relay_keeping_first(tmp_path) as relay:
        relay.ses.before = refusing("a@example.org")
        await relay.submit()
        await relay.until_empty(60)
        [(message, report)] = reports(relay)
        assert message.destinations == ("t@example.com",)
        assert report.get_content_type() == "multipart/report"
        assert report["Auto-Submitted"] == "auto-replied"
        status = report.get_payload(1).as_string()
        assert "Final-Recipient: rfc822;a@example.org" in status.replace("; ", ";")
        assert "Action: failed" in status
        assert "5.7.1" in status
        assert dict(message.tags)["relay-user"] == "tickets"
        assert len(relay.log.named("message.bounced")) == 1


async def test_a_report_that_fails_itself_causes_no_other(tmp_path):
    async with relay_keeping_first(tmp_path) as relay:

        async def refuse_all(message, request):
            return Failed(reply=Reply(554, "5.7.1", "Amazon SES: nobody"))

        relay.ses.before = refuse_all
        await relay.submit()
        await relay.until_empty(60)
        assert relay.ses.requests == 2
        assert len(relay.log.named("message.bounced")) == 1


async def test_mail_with_the_null_sender_is_never_reported_on(tmp_path):
    routes = {"default": Route(region="eu-west-1", null_sender=POSTMASTER)}
    async with relay_keeping_first(tmp_path, routes=routes) as relay:
        relay.ses.before = refusing("a@example.org")
        octets = b"From: t@example.com\r\n\r\nHello\r\n"
        reply = await relay.submit(sender=None, octets=octets)
        assert reply.positive
        await relay.until_empty(60)
        assert reports(relay) == []


async def test_who_asked_for_silence_hears_nothing(tmp_path):
    async with relay_keeping_first(tmp_path) as relay:
        relay.ses.before = refusing("a@example.org")
        silent = Recipient(Address("a", "example.org"), notify=frozenset({Notify.NEVER}))
        await relay.submit(silent)
        await relay.until_empty(60)
        assert reports(relay) == []


async def test_bounces_go_to_one_fixed_address_where_the_operator_says_so(tmp_path):
    fixed = Bounces(to=Address("ops", "example.com"), from_=POSTMASTER)
    async with relay_keeping_first(tmp_path, bounces=fixed) as relay:
        relay.ses.before = refusing("a@example.org")
        await relay.submit()
        await relay.until_empty(60)
        [(message, _)] = reports(relay)
        assert message.destinations == ("ops@example.com",)


async def test_without_bounces_a_failure_is_in_the_log_alone(tmp_path):
    async with relay_keeping_first(tmp_path, bounces=Bounces()) as relay:
        relay.ses.before = refusing("a@example.org")
        await relay.submit()
        await relay.until_empty(60)
        assert reports(relay) == []
        assert len(relay.log.named("message.failed")) == 1


async def test_success_is_reported_where_it_was_asked_for(tmp_path):
    async with relay_keeping_first(tmp_path) as relay:
        asking = Recipient(
            Address("a", "example.org"),
            notify=frozenset({Notify.SUCCESS}),
            orcpt="rfc822;first@example.org",
        )
        await relay.submit(asking, "b@example.org")
        await relay.until_empty(60)
        [(_, report)] = reports(relay)
        status = report.get_payload(1).as_string()
        assert "Action: relayed" in status
        assert "first@example.org" in status
        assert "b@example.org" not in status


async def test_expired_mail_is_reported(tmp_path):
    user = User(name="tickets", senders=ANYBODY, lifetime=60)
    async with relay_keeping_first(tmp_path, users=(user,)) as relay:
        relay.simulator.account = Account(identities=frozenset({"example.com"}))

        async def down(message, request):
            from relay.model import replies
            from relay.model.outcome import Cause, Deferred, Scope, ScopeKind

            if message.source == POSTMASTER:
                return None
            return Deferred(
                cause=Cause.SERVICE,
                scope=Scope(ScopeKind.MESSAGE, message.id),
                reply=replies.NOT_KEPT,
            )

        relay.ses.before = down
        await relay.submit()
        await relay.until_empty(3600)
        [(_, report)] = reports(relay)
        assert "5.4.7" in report.get_payload(1).as_string()


async def test_the_sender_gets_back_what_it_asked_for(tmp_path):
    async with relay_keeping_first(tmp_path) as relay:
        relay.ses.before = refusing("a@example.org")
        await relay.submit(ret=Ret.HEADERS, envid="QQ314159")
        await relay.until_empty(60)
        [(_, report)] = reports(relay)
        assert "Original-Envelope-Id: QQ314159" in report.get_payload(1).as_string()
        assert report.get_payload(2).get_content_type() == "text/rfc822-headers"
