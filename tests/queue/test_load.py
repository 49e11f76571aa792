"""Many messages against one account: its rate is used, and nobody waits for somebody else's run.

The short run is part of the suite, the whole one stands behind the marker `long`.
"""

from dataclasses import replace

import pytest
from fake_relay import ANYBODY, FakeRelay

from relay.model.settings import Lane, Queue, SqliteStore, User
from relay.simulator import Account

pytestmark = pytest.mark.fake_time

RATE, HEADROOM = 50, 0.9
COUNTS = [1500, pytest.param(10_000, marks=pytest.mark.long)]


def keeping_first(folder, users=()):
    account = Account(max_send_rate=RATE, max_24_hour_send=-1)
    queue = Queue(store=SqliteStore(folder), wait=0)
    return FakeRelay(folder, account=account, queue=queue, users=users)


@pytest.mark.parametrize("count", COUNTS)
async def test_the_rate_of_the_account_is_used_and_not_exceeded(tmp_path, count):
    async with keeping_first(tmp_path) as relay:
        for number in range(count):
            await relay.submit(f"r{number}@example.org")
        already, began = len(relay.taken), relay.clock.monotonic()
        await relay.until_empty(count)
        took = relay.clock.monotonic() - began
        assert sorted(relay.taken) == sorted(f"r{n}@example.org" for n in range(count))
        used = (count - already) / took / (RATE * HEADROOM)
        assert used >= 0.95, f"{used:.1%} of the rate used"
        throttled = len(relay.ses.refused) / relay.ses.requests
        assert throttled < 0.005, f"{throttled:.2%} of the requests throttled"


@pytest.mark.parametrize("lane", list(Lane))
@pytest.mark.parametrize("run", [900, pytest.param(9_000, marks=pytest.mark.long)])
async def test_one_users_run_delays_anothers_message_by_a_second_of_the_rate(tmp_path, lane, run):
    users = (
        User(name="news", senders=ANYBODY, lane=lane),
        User(name="login", senders=ANYBODY),
    )
    async with keeping_first(tmp_path, users) as relay:
        for number in range(run):
            await relay.submit(f"n{number}@example.org", user="news")
        delays = []
        for number in range(10):
            await relay.clock.sleep(0.7)
            began = relay.clock.monotonic()
            name = f"login{number}@example.org"
            await relay.submit(name, user="login")
            while name not in relay.taken[-200:]:
                await relay.clock.sleep(0.02)
                assert relay.clock.monotonic() - began < 10
            delays.append(relay.clock.monotonic() - began - relay.ses.seconds)
        assert max(delays) <= 1.0, delays
        assert len(relay.taken) < run  # the run was still going on


@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.long)])
async def test_an_identity_that_lost_its_verification_holds_its_own_mail_alone(tmp_path, count):
    both = frozenset({"example.com", "lost.example"})
    account = Account(max_send_rate=1000, max_24_hour_send=-1, identities=both)
    users = (User(name="a", senders=ANYBODY), User(name="b", senders=ANYBODY))
    async with FakeRelay(tmp_path, account=account, users=users) as relay:
        # Seen verified once: what fails later is verification lost, not a stranger's address.
        assert (await relay.submit(user="a", sender="x@lost.example")).positive
        relay.simulator.account = replace(account, identities=frozenset({"example.com"}))
        for number in range(count):
            reply = await relay.submit(f"a{number}@example.org", user="a", sender="x@lost.example")
            assert reply.text.startswith("Ok: queued as")
            reply = await relay.submit(f"b{number}@example.org", user="b")
            assert reply.text.startswith("Ok 0"), reply
        await relay.clock.sleep(3600)
        assert relay.log.named("message.failed") == []
        assert len(relay.taken) == count + 1
        relay.simulator.account = account
        await relay.until_empty(3600)
        assert len(relay.taken) == 2 * count + 1
