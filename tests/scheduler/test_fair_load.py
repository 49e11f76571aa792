"""Load in fake time against an account that counts as SES does."""

import asyncio

import pytest
from ses_account import SesAccount, key, scheduler, scopes, state

from relay.model.outcome import Relayed
from relay.model.ports import Granted

pytestmark = pytest.mark.fake_time


async def send_kept(fair, ses, whose, recipients=1):
    """Send one kept message as the queue does: as often as it takes."""
    while True:
        granted = await fair.turn(whose, scopes(whose), recipients, None)
        assert isinstance(granted, Granted)
        outcome = await ses.send(granted)
        fair.learn(granted, outcome)
        if isinstance(outcome, Relayed):
            return


async def test_ten_thousand_messages_use_the_rate_and_are_hardly_throttled(clock):
    ses = SesAccount(clock, rate=50)
    fair = scheduler(clock)
    fair.account("default", state(rate=50))
    began = clock.monotonic()
    await asyncio.gather(*[send_kept(fair, ses, key()) for _ in range(10_000)])
    rate = 10_000 / (clock.monotonic() - began)
    assert rate >= 0.95 * 0.9 * 50
    assert ses.counts["throttled"] < 0.005 * 10_000
