"""One careless application among ten: it is held before the account has a problem."""

import asyncio

import pytest
from fake_relay import ANYBODY, FakeRelay

from relay.feedback.events import unwrap
from relay.model.outcome import Scope, ScopeKind
from relay.model.reputation import Kind
from relay.model.settings import BounceThresholds, Reputation, User
from relay.simulator import Account, Fate, Publishing, Scripted

NAMES = [f"app{number}" for number in range(10)]
CARELESS = "app3"
BAD = Fate(kind="Bounce", type="Permanent", subtype="General", status="5.1.1")
LATE = 30.0  # seconds


async def read_events(relay):
    """Bring the simulator's events to the relay, as its reader of SQS does."""
    publisher = relay.simulator.service.publisher
    while True:
        await relay.clock.sleep(0.5)
        for one in publisher.queue.receive(10_000, 600, relay.clock.now()):
            assert await relay.feedback.learner.learn(unwrap(one.body)) is None
            publisher.queue.delete(one.receipt)


async def send(relay, user, second):
    """Two recipients a second; of the careless one's, six in a hundred do not exist."""
    recipients = []
    for number in (2 * second, 2 * second + 1):
        bad = user == CARELESS and (number * 6) // 100 != ((number + 1) * 6) // 100
        recipients.append(f"{'bad' if bad else 'good'}{number}.{user}@example.org")
    return await relay.submit(*recipients, user=user)


@pytest.mark.fake_time
async def test_a_careless_user_is_held_and_the_others_go_on(tmp_path):
    users = tuple(User(name=name, senders=ANYBODY) for name in NAMES)
    rules = Reputation(bounce=BounceThresholds(hold=0.05))
    async with FakeRelay(
        tmp_path, users=users, account=Account(max_send_rate=1_000.0), reputation=rules
    ) as relay:
        publisher = relay.simulator.service.publisher
        publisher.change(Publishing(format="configuration_set", delay_s=LATE, shuffled=True))
        publisher.fates.add(Scripted(recipient="bad*", fate=BAD))
        parts = relay.parts
        tasks = [
            asyncio.create_task(work)
            for work in (read_events(relay), parts.holds.run(), relay.feedback.reputation.run())
        ]
        scope = Scope(ScopeKind.USER, CARELESS)
        second = 0
        while not relay.log.named("reputation.held"):
            assert second < 300, "it was never held"
            replies = await asyncio.gather(*(send(relay, name, second) for name in NAMES))
            assert all(reply.text.startswith("Ok") for reply in replies)
            await relay.clock.sleep(1)
            second += 1

        await relay.clock.sleep(2)  # the scheduler hears of it within a second
        sent = len(relay.taken)
        bounced = sum(recipient.startswith("bad") for recipient in relay.taken)
        assert bounced / sent < 0.01
        assert relay.feedback.reputation.ratios(Kind.BOUNCE)[(CARELESS,)] >= 0.05
        [line] = relay.log.named("reputation.held")
        assert (line["user"], line["kind"]) == (CARELESS, "bounce")
        [hold] = await relay.sqlite.shared.holds.holds(relay.clock.now())
        assert hold.held.reason.startswith("bounce ratio 5.")

        before = len(relay.taken)
        replies = await asyncio.gather(*(send(relay, name, second) for name in NAMES))
        await relay.clock.sleep(10)
        taken = relay.taken[before:]
        assert len(taken) == 2 * (len(NAMES) - 1)
        assert not any(f".{CARELESS}@" in recipient for recipient in taken)
        assert [reply.code for reply in replies] == [250] * len(NAMES)  # its mail waits
        assert await relay.kept() == 1

        assert await relay.sqlite.shared.holds.release(scope) is True
        await relay.until_empty(120)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
