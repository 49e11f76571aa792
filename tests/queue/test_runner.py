"""Kept mail goes on: the whole way through store, runner, scheduler and a simulated SES."""

from dataclasses import replace

import pytest
from fake_relay import ANYBODY, FakeRelay

from relay.delivery.answer import Answer, Sending
from relay.delivery.answers import judge
from relay.model import replies
from relay.model.custody import Selection
from relay.model.outcome import Cause, Deferred, Scope, ScopeKind, Unknown
from relay.model.settings import Lane, Queue, SqliteStore, User
from relay.simulator import Account, ConfigurationSet, Enforcement

pytestmark = pytest.mark.fake_time

FAST = Account(max_send_rate=1000, max_24_hour_send=-1)


async def test_a_kept_message_is_sent_when_the_fault_is_over(tmp_path):
    async with FakeRelay(tmp_path, account=FAST) as relay:
        faults = [True, True]

        async def down(message, request):
            if faults:
                faults.pop()
                return Deferred(
                    cause=Cause.NETWORK,
                    scope=Scope(ScopeKind.MESSAGE, message.id),
                    reply=replies.NOT_KEPT,
                )
            return None

        relay.ses.before = down
        reply = await relay.submit()
        assert reply.text.startswith("Ok: queued as")
        took = await relay.until_empty(120)
        assert relay.taken == ["a@example.org"]
        assert took > 15  # two pauses, the second about twice the first


async def test_keep_first_sends_as_fast_as_it_may(tmp_path):
    queue = Queue(store=SqliteStore(tmp_path), wait=0)
    async with FakeRelay(tmp_path, account=FAST, queue=queue) as relay:
        for number in range(20):
            await relay.submit(f"r{number}@example.org")
        await relay.until_empty(10)
        assert sorted(relay.taken) == sorted(f"r{n}@example.org" for n in range(20))


async def test_fresh_mail_stays_behind_the_older_mail_of_its_user(tmp_path):
    queue = Queue(store=SqliteStore(tmp_path), wait=0)
    async with FakeRelay(tmp_path, account=Account(max_send_rate=2), queue=queue) as relay:
        for number in range(10):
            await relay.submit(f"r{number}@example.org")
        relay.snapshot = replace(
            relay.snapshot,
            settings=replace(relay.settings, queue=replace(queue, wait=5.0)),
        )
        late = await relay.submit("late@example.org")
        assert late.text.startswith("Ok: queued as")
        await relay.until_empty(60)
        assert relay.taken[-1] == "late@example.org"


async def test_each_of_120_recipients_is_relayed_once_or_failed_once(tmp_path):
    account = replace(
        FAST, max_send_rate=20.0, sandbox=True, identities=frozenset({"example.com", "example.org"})
    )
    async with FakeRelay(tmp_path, account=account) as relay:
        good = [f"r{n}@example.org" for n in range(118)]
        reply = await relay.submit(*good[:60], "x@bad.test", *good[60:], "y@bad.test")
        assert reply.text.startswith("Ok: queued as")
        await relay.until_empty(120)
        assert sorted(relay.taken) == sorted(good)
        failed = [name for line in relay.log.named("message.failed") for name in line["recipients"]]
        assert sorted(failed) == ["x@bad.test", "y@bad.test"]


async def test_a_lost_answer_goes_once_more_and_then_waits_for_an_operator(tmp_path):
    async with FakeRelay(tmp_path, account=FAST) as relay:

        async def lost(message, request):
            return Unknown(reply=replies.ANSWER_LOST)

        relay.ses.before = lost
        await relay.submit()
        await relay.clock.sleep(3600)
        assert relay.ses.requests == 2
        [held] = relay.log.named("message.held")
        assert "answers of SES were lost" in held["reason"]
        assert await relay.kept() == 1


async def test_what_expires_is_said_and_leaves_the_queue(tmp_path):
    user = User(name="tickets", senders=ANYBODY, lifetime=600)
    async with FakeRelay(tmp_path, account=FAST, users=(user,)) as relay:

        async def down(message, request):
            return Deferred(
                cause=Cause.NETWORK,
                scope=Scope(ScopeKind.MESSAGE, message.id),
                reply=replies.NOT_KEPT,
            )

        relay.ses.before = down
        await relay.submit()
        await relay.until_empty(3600)
        assert len(relay.log.named("message.expired")) == 1


@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "wrong",
    [
        {"max_24_hour_send": 0.0},
        {"sending_enabled": False},
        {"enforcement": Enforcement.SHUTDOWN},
    ],
)
async def test_an_hour_of_a_stopped_account_loses_nothing_and_counts_nothing(
    tmp_path, wrong, count
):
    account = replace(FAST, max_send_rate=100)
    users = tuple(User(name=f"u{n}", senders=ANYBODY) for n in range(4))
    async with FakeRelay(tmp_path, account=account, users=users) as relay:
        relay.simulator.account = replace(account, **wrong)
        await an_hour_of_trouble(relay, count)
        relay.simulator.account = account
        await all_are_sent(relay, count)


@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.parametrize("code", ["InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken"])
async def test_an_hour_of_wrong_credentials_loses_nothing_and_counts_nothing(tmp_path, code, count):
    users = tuple(User(name=f"u{n}", senders=ANYBODY) for n in range(4))
    async with FakeRelay(tmp_path, account=replace(FAST, max_send_rate=100), users=users) as relay:

        async def unauthorised(message, request):
            answer = Answer(status=403, code=code, words="The security token is not valid")
            return judge(answer, Sending(message, request), relay.ses.verified)

        relay.ses.before = unauthorised
        await an_hour_of_trouble(relay, count)
        relay.ses.before = None
        await all_are_sent(relay, count)


async def an_hour_of_trouble(relay, count):
    """Submit mail of four users; nothing of it is lost, sent, bounced or counted as an attempt."""
    for number in range(count):
        reply = await relay.submit(f"r{number}@example.org", user=f"u{number % 4}")
        assert reply.text.startswith("Ok: queued as")
    asked = relay.ses.requests
    await relay.clock.sleep(3600)
    assert relay.taken == []
    assert relay.ses.requests - asked < 100  # probes, not a storm
    assert relay.log.named("message.expired") == relay.log.named("message.failed") == []
    kept = await relay.control.select(Selection(), relay.clock.now(), count)
    assert [entry.attempts for entry in kept] == [0] * count


async def all_are_sent(relay, count):
    relay.learn_account()
    await relay.until_empty(1800)
    assert len(set(relay.taken)) == len(relay.taken) == count


async def test_a_missing_configuration_set_holds_its_own_mail_alone(tmp_path):
    users = (
        User(name="a", senders=ANYBODY, configuration_set="news"),
        User(name="b", senders=ANYBODY),
    )
    async with FakeRelay(tmp_path, account=FAST, users=users) as relay:
        for number in range(50):
            await relay.submit(f"a{number}@example.org", user="a")
            assert (await relay.submit(f"b{number}@example.org", user="b")).text.startswith("Ok 0")
        assert len(relay.taken) == 50
        await relay.clock.sleep(3600)
        assert relay.log.named("message.failed") == []
        relay.simulator.account = replace(FAST, configuration_sets={"news": ConfigurationSet()})
        await relay.until_empty(7200)
        assert len(relay.taken) == 100


async def test_bulk_mail_does_not_keep_transactional_mail_waiting(tmp_path):
    users = (
        User(name="news", senders=ANYBODY, lane=Lane.BULK),
        User(name="login", senders=ANYBODY),
    )
    queue = Queue(store=SqliteStore(tmp_path), wait=0)
    async with FakeRelay(
        tmp_path, account=replace(FAST, max_send_rate=50), users=users, queue=queue
    ) as relay:
        for number in range(500):
            await relay.submit(f"n{number}@example.org", user="news")
        await relay.clock.sleep(2)
        began = relay.clock.monotonic()
        await relay.submit("login@example.org", user="login")
        while "login@example.org" not in relay.taken:
            await relay.clock.sleep(0.05)
            assert relay.clock.monotonic() - began < 5
        assert relay.clock.monotonic() - began <= 1.5
