"""Load in fake time against an account that counts as SES does."""

import asyncio
import random
from collections import Counter
from itertools import pairwise

import pytest
from fakes import FakeClock
from ses_account import ROUTE, SesAccount, deferred, key, scheduler, scopes, state

from relay.model.outcome import Cause, Deferred, Relayed, Scope, ScopeKind
from relay.model.ports import Granted
from relay.model.settings import Lane

pytestmark = pytest.mark.fake_time

BULK = key("news", Lane.BULK)
RATE = 50.0
SECOND_OF_RATE = 1 / 0.9  # what a second's worth of MaxSendRate takes at the default headroom


class Sender:
    """Sends as the queue and the sessions do, and remembers how long turns took."""

    def __init__(self, clock: FakeClock, fair, ses: SesAccount):
        self.clock, self.fair, self.ses = clock, fair, ses
        self.waits = []

    async def once(self, whose, recipients=1, deadline=None, more=()):
        """Make one attempt; None: relayed, otherwise why not."""
        began = self.clock.monotonic()
        turn = await self.fair.turn(whose, scopes(whose, *more), recipients, deadline)
        if not isinstance(turn, Granted):
            return turn
        self.waits.append(self.clock.monotonic() - began)
        outcome = await self.ses.send(turn)
        self.fair.learn(turn, outcome)
        return None if isinstance(outcome, Relayed) else outcome

    async def kept(self, whose, recipients=1, more=()):
        """Send one kept message, as often as it takes."""
        while (refusal := await self.once(whose, recipients, None, more)) is not None:
            until = refusal.not_before or self.clock.now()
            await self.clock.sleep((until - self.clock.now()).total_seconds())


@pytest.fixture
async def ses(clock):
    chance = random.Random(1)
    return SesAccount(clock, RATE, lambda: chance.uniform(0.02, 0.3))


@pytest.fixture
async def fair(clock):
    fair = scheduler(clock)
    fair.account("default", state(rate=RATE))
    return fair


async def test_ten_thousand_messages_use_the_rate_and_are_hardly_throttled(clock, fair, ses):
    sender, began = Sender(clock, fair, ses), clock.monotonic()
    await asyncio.gather(*[sender.kept(key()) for _ in range(10_000)])
    used = 10_000 / (clock.monotonic() - began)
    assert used >= 0.95 * 0.9 * RATE
    assert ses.counts["throttled"] < 0.005 * 10_000


@pytest.mark.parametrize(("largest", "slowest"), [(50, 0.06), (40, 0.3)])
async def test_requests_of_all_sizes_use_the_rate_and_are_hardly_throttled(
    clock, fair, largest, slowest
):
    # The more requests overtake each other, the more of SES's bucket has to be left for them.
    chance = random.Random(2)
    ses = SesAccount(clock, RATE, lambda: chance.uniform(0.02, slowest))
    sender, began = Sender(clock, fair, ses), clock.monotonic()
    sizes = [chance.choice([1, 1, 1, 2, 10, largest]) for _ in range(1_000)]
    await asyncio.gather(*[sender.kept(key(), size) for size in sizes])
    used = sum(sizes) / (clock.monotonic() - began)
    assert used >= 0.95 * 0.9 * RATE
    assert ses.counts["throttled"] < 0.005 * len(sizes)


@pytest.mark.parametrize("lane", Lane)
async def test_a_run_of_nine_thousand_hardly_delays_anothers_single_messages(
    clock, fair, ses, lane
):
    heavy, single = Sender(clock, fair, ses), Sender(clock, fair, ses)
    run = [asyncio.create_task(heavy.kept(key("heavy", lane))) for _ in range(9_000)]
    while not all(task.done() for task in run):
        await clock.sleep(1.7)
        assert await single.once(key("single"), deadline=clock.monotonic() + 5) is None
    await asyncio.gather(*run)
    assert len(single.waits) > 100
    assert max(single.waits) <= SECOND_OF_RATE


async def test_many_recipients_per_bulk_request_delay_a_password_reset_by_a_second(
    clock, fair, ses
):
    heavy, single = Sender(clock, fair, ses), Sender(clock, fair, ses)
    most = fair.largest(BULK)
    assert most == 40
    run = [asyncio.create_task(heavy.kept(BULK, most)) for _ in range(200)]
    while not all(task.done() for task in run):
        await clock.sleep(1.7)
        assert await single.once(key("login"), deadline=clock.monotonic() + 5) is None
    assert max(single.waits) <= SECOND_OF_RATE
    assert ses.counts["throttled"] == 0


async def test_twenty_users_share_the_rate_evenly(clock, fair, ses):
    sender, users = Sender(clock, fair, ses), [f"user-{number}" for number in range(20)]
    run = [
        asyncio.create_task(sender.kept(key(user), recipients=1 + number % 5))
        for number, user in enumerate(users)
        for _ in range(200)
    ]
    await clock.sleep(40)
    got = dict.fromkeys(users, 0)
    for _, turn in ses.sent:
        got[turn.key.user] += turn.recipients
    assert max(got.values()) - min(got.values()) <= 10
    for task in run:
        task.cancel()
    await asyncio.gather(*run, return_exceptions=True)
    assert sum(fair.status()["default"].waiting.values()) == 0


async def test_two_relays_that_do_not_know_of_each_other_get_along(clock, ses):
    relays = [Sender(clock, scheduler(clock), ses) for _ in range(2)]
    for relay in relays:
        relay.fair.account("default", state(rate=RATE))
    run = [asyncio.create_task(relay.kept(key())) for relay in relays for _ in range(10_000)]
    await clock.sleep(300)
    for task in run:
        task.cancel()
    await asyncio.gather(*run, return_exceptions=True)
    assert ses.counts["relayed"] >= 0.9 * RATE * 300
    assert ses.counts["throttled"] <= 0.005 * ses.counts["relayed"]
    shares = sorted(len(relay.waits) for relay in relays)
    assert shares[0] >= 0.7 * shares[1]


async def test_an_account_whose_rate_cannot_be_read_is_found_out(clock, ses):
    fair = scheduler(clock)
    sender, began = Sender(clock, fair, ses), clock.monotonic()
    await asyncio.gather(*[sender.kept(key()) for _ in range(10_000)])
    used = 10_000 / (clock.monotonic() - began)
    assert used >= 0.6 * RATE
    assert ses.counts["throttled"] <= 0.02 * 10_000


async def run_queue(sender, entries):
    """Claim by eligible keys, at least once a second, until all entries are sent."""
    fair, claimed = sender.fair, Counter()

    async def attempt(whose):
        if await sender.once(whose) is not None:
            entries[whose] += 1
        claimed[whose] -= 1

    async with asyncio.TaskGroup() as attempts:
        while entries.total() or claimed.total():
            for whose in list(entries):
                fair.backlog(whose, entries[whose] + claimed[whose])
            for whose, number in fair.eligible(claimed, 100 - claimed.total()).items():
                for _ in range(min(number, entries[whose])):
                    entries[whose] -= 1
                    claimed[whose] += 1
                    attempts.create_task(attempt(whose))
            await sender.clock.sleep(0.25)


async def test_an_hour_without_ses_costs_few_probes_and_ends_at_once(clock, fair, ses):
    up, admit, refused = asyncio.Event(), ses.admit, []

    def find(turn):
        if up.is_set():
            return admit(turn)
        refused.append(clock.monotonic())
        return deferred(Cause.NETWORK, Scope(ScopeKind.MESSAGE, "q1"))

    ses.admit = find
    entries = Counter({key(f"user-{number}"): 50 for number in range(7)})
    run = asyncio.create_task(run_queue(Sender(clock, fair, ses), entries))
    await clock.sleep(3600)
    assert not ses.sent
    # Those under way when it was noticed, then a probe a minute.
    assert 50 <= len(refused) <= 45 + 90
    gaps = [after - before for before, after in pairwise(refused[-40:])]
    assert all(40 < gap < 80 for gap in gaps)
    up.set()
    await clock.sleep(72 + 350 / 45 + 2)
    assert len(ses.sent) == 350
    await run


CASES = {
    "quota": (Cause.QUOTA, ROUTE),
    "paused": (Cause.ACCOUNT_PAUSED, ROUTE),
    "credentials": (Cause.CREDENTIALS, ROUTE),
    "configuration set": (
        Cause.CONFIGURATION_SET,
        Scope(ScopeKind.CONFIGURATION_SET, "app-a", "default"),
    ),
    "identity": (Cause.IDENTITY, Scope(ScopeKind.IDENTITY, "example.org", "default")),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_closed_scope_for_an_hour_stops_nobody_else_and_all_is_sent_after(
    clock, fair, ses, case
):
    cause, scope = CASES[case]
    mended = asyncio.Event()
    admit = ses.admit
    refused = []

    def pick(turn):
        if scope in turn.scopes and not mended.is_set():
            refused.append(clock.monotonic())
            return deferred(cause, scope)
        return admit(turn)

    ses.admit = pick
    sender = Sender(clock, fair, ses)
    inside = [asyncio.create_task(sender.kept(key(f"in-{n % 5}"), 1, (scope,))) for n in range(500)]
    outside = [asyncio.create_task(sender.kept(key(f"out-{n % 5}"))) for n in range(500)]
    await clock.sleep(3600)
    assert all(task.done() for task in outside) == (scope.kind is not ScopeKind.ROUTE)
    assert not any(task.done() for task in inside)
    assert len(refused) < 40  # those under way when it closed, and rare probes
    mended.set()
    await asyncio.gather(*inside, *outside)
    assert ses.counts["throttled"] == 0


async def test_refusals_halve_and_an_hour_later_all_is_as_before(clock, fair, ses):
    sender = Sender(clock, fair, ses)
    ses.rate = 20  # SES gives less than it promised (manage-sending-quotas)
    run = [asyncio.create_task(sender.kept(key())) for _ in range(12_000)]
    await clock.sleep(300)
    assert ses.counts["relayed"] >= 0.7 * 20 * 300
    assert ses.counts["throttled"] <= 0.05 * ses.counts["relayed"]
    ses.rate = RATE
    await asyncio.gather(*run)
    status = fair.status()["default"]
    assert status.rate == status.limit == 45


async def test_clocks_that_jump_do_not_matter_to_the_pace(clock, fair, ses):
    sender, began = Sender(clock, fair, ses), clock.monotonic()
    run = [asyncio.create_task(sender.kept(key())) for _ in range(450)]
    await clock.sleep(2)
    clock.jump(-86_400)
    await clock.sleep(2)
    clock.jump(7 * 86_400)
    await asyncio.gather(*run)
    assert 9 <= clock.monotonic() - began <= 11
    assert ses.counts["throttled"] == 0


async def test_clients_are_never_kept_waiting_for_nothing(clock, fair, ses):
    sender = Sender(clock, fair, ses)
    waited, put_off = [], []

    async def client():
        began = clock.monotonic()
        refusal = await sender.once(key("app"), deadline=began + 5)
        if isinstance(refusal, Deferred):
            put_off.append(clock.monotonic() - began)
        else:
            waited.append(clock.monotonic() - began)

    async with asyncio.TaskGroup() as clients:
        for _ in range(6_000):  # 100 a second for a minute, at a rate of 45
            clients.create_task(client())
            await clock.sleep(0.01)
    assert len(waited) >= 0.95 * 45 * 60
    assert max(waited) <= 5.5
    assert max(put_off) == 0
    assert fair.closed() == {}
