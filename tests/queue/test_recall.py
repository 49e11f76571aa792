"""A wall clock that is set back by days makes no mail wait for days."""

import pytest
from fake_relay import FakeRelay
from fakes import FakeClock

from relay.model.outcome import Cause, Deferred, Scope, ScopeKind
from relay.model.ports import StoreFault
from relay.model.reply import Reply
from relay.model.settings import Queue, SqliteStore
from relay.queue.recall import LOOK_EACH
from relay.simulator import Account

pytestmark = pytest.mark.fake_time

DAYS = 86_400.0
NO_ANSWER = Reply(451, "4.4.1", "SES cannot be reached")
FAST = Account(max_send_rate=1000)


async def unreachable(message, _request):
    return Deferred(
        cause=Cause.NETWORK,
        scope=Scope(ScopeKind.MESSAGE, message.id),
        reply=NO_ANSWER,
        detail="no route to host",
    )


async def test_mail_that_waits_for_its_next_attempt_goes_after_the_jump(tmp_path):
    async with FakeRelay(tmp_path, account=FAST) as relay:
        relay.ses.before = unreachable
        assert str(await relay.submit()).startswith("250 2.0.0 Ok: queued")
        await relay.clock.sleep(1)
        relay.ses.before = None
        relay.clock.jump(-5 * DAYS)
        await relay.until_empty(LOOK_EACH + 5)
        [told] = relay.log.named("store.fault")
        assert told["operation"] == "clock"
        assert told["reason"].startswith("1 kept message waited beyond 2026-11-16 ")


async def test_mail_found_at_the_start_goes_though_the_clock_was_set_back_before_it(tmp_path):
    async with FakeRelay(tmp_path, account=FAST) as relay:
        relay.ses.before = unreachable
        await relay.submit()
    earlier = FakeClock()
    earlier.jump(-5 * DAYS)
    async with FakeRelay(tmp_path, account=FAST, clock=earlier) as relay:
        await relay.until_empty(5)


async def test_a_clock_that_is_kept_by_small_steps_makes_nothing_due(tmp_path):
    slow = Queue(store=SqliteStore(tmp_path), backoff_min=600.0)
    async with FakeRelay(tmp_path, account=FAST, queue=slow) as relay:
        relay.ses.before = unreachable
        await relay.submit()
        tried = relay.ses.requests
        for _ in range(20):
            relay.clock.jump(-1)
            await relay.clock.sleep(LOOK_EACH)
        assert relay.ses.requests == tried
        assert not relay.log.named("store.fault")


async def test_a_clock_set_forward_and_back_again_makes_nothing_wait(tmp_path):
    async with FakeRelay(tmp_path, account=FAST) as relay:
        relay.clock.jump(5 * DAYS)
        await relay.clock.sleep(2 * LOOK_EACH)
        relay.ses.before = unreachable
        await relay.submit()
        relay.ses.before = None
        relay.clock.jump(-5 * DAYS)
        await relay.until_empty(LOOK_EACH + 5)


async def test_a_store_that_cannot_be_asked_is_asked_again(tmp_path):
    async with FakeRelay(tmp_path, account=FAST) as relay:
        relay.ses.before = unreachable
        await relay.submit()
        relay.ses.before = None
        relay.parts.recall.control = Ill(relay.control)
        relay.clock.jump(-5 * DAYS)
        await relay.until_empty(2 * LOOK_EACH + 5)
        assert relay.log.named("store.fault")[0]["reason"] == "disk is full"


class Ill:
    """A control that has a fault once."""

    def __init__(self, control):
        self._control = control
        self._well = False

    async def retry(self, chosen, now):
        if not self._well:
            self._well = True
            return StoreFault("disk is full")
        return await self._control.retry(chosen, now)
