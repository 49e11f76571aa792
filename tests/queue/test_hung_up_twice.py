"""A client that hangs up, comes back, hangs up again and comes back gets its mail sent once."""

import asyncio

import pytest
from fake_relay import FakeRelay

from relay.simulator import Account

pytestmark = pytest.mark.fake_time


async def hang_up(submission):
    """Let a client submit, and be gone before its verdict."""
    task = asyncio.create_task(submission)
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_message_that_was_joined_and_left_again_is_not_sent_twice(tmp_path):
    account = Account(max_send_rate=1000)
    async with FakeRelay(tmp_path, account=account, seconds=2.0) as relay:
        await hang_up(relay.submit())
        await hang_up(relay.submit())
        reply = await relay.submit()
        assert reply.positive
        assert relay.taken == ["a@example.org"]


async def test_a_verdict_that_came_between_two_hang_ups_is_still_given(tmp_path):
    account = Account(max_send_rate=1000)
    async with FakeRelay(tmp_path, account=account, seconds=1.0) as relay:
        await hang_up(relay.submit())
        await hang_up(relay.submit())
        await relay.clock.sleep(60)
        assert (await relay.submit()).positive
        assert relay.taken == ["a@example.org"]
        # It was heard now: the next one is another message.
        await relay.submit()
        assert len(relay.taken) == 2


async def test_a_verdict_that_was_being_fetched_at_the_second_hang_up_is_not_lost(tmp_path):
    async with FakeRelay(tmp_path, account=Account(max_send_rate=1000), seconds=1.0) as relay:
        await hang_up(relay.submit())
        await relay.clock.sleep(60)  # SES has it, and the verdict is written down
        verdicts = relay.sqlite.shared.verdicts
        take = type(verdicts).take

        async def slowly(self, fingerprint, now):
            found = await take(self, fingerprint, now)
            await asyncio.sleep(1)
            return found

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(type(verdicts), "take", slowly)
            await hang_up(relay.submit())
        await relay.clock.sleep(60)
        assert (await relay.submit()).positive
        assert relay.taken == ["a@example.org"]
