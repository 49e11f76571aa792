"""Relays that know of each other by nothing but the refusals of the account that they share."""

import asyncio
import random

import pytest
from ses_account import SesAccount, key, scheduler, scopes, state

from relay.model.ports import Granted

pytestmark = pytest.mark.fake_time

SECONDS = 300.0


class Sidecar:
    """One relay that always has mail to send."""

    def __init__(self, clock, ses):
        self.ses, self.relayed = ses, 0
        self.fair = scheduler(clock)
        self.fair.account("default", state(rate=ses.rate))

    async def send(self):
        while True:
            turn = await self.fair.turn(key(), scopes(key()), 1, None)
            assert isinstance(turn, Granted)
            outcome = await self.ses.send(turn)
            self.relayed += type(outcome).__name__ == "Relayed"
            self.fair.learn(turn, outcome)


async def until(clock, ses, sidecars, seconds):
    """Let all of them send for a while."""
    run = [asyncio.create_task(one.send()) for one in sidecars for _ in range(12)]
    await clock.sleep(seconds)
    for task in run:
        task.cancel()
    ended = await asyncio.gather(*run, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended


@pytest.mark.parametrize("rate", [50.0, 100.0])
async def test_twenty_sidecars_use_the_account_and_none_starves(clock, rate):
    chance = random.Random(4)
    ses = SesAccount(clock, rate, lambda: chance.uniform(0.05, 0.2))
    sidecars = [Sidecar(clock, ses) for _ in range(20)]
    await until(clock, ses, sidecars, SECONDS)
    relayed, throttled = ses.counts["relayed"], ses.counts["throttled"]
    assert relayed >= 0.8 * rate * SECONDS
    assert throttled < 0.05 * (relayed + throttled)
    assert min(one.relayed for one in sidecars) >= 0.3 * relayed / len(sidecars)


async def test_who_is_left_alone_has_the_whole_rate_again_within_minutes(clock):
    chance = random.Random(5)
    ses = SesAccount(clock, 50.0, lambda: chance.uniform(0.05, 0.2))
    sidecars = [Sidecar(clock, ses) for _ in range(20)]
    await until(clock, ses, sidecars, 120.0)
    last = sidecars[0]
    assert last.fair.status()["default"].rate < 15
    await until(clock, ses, [last], 240.0)
    assert last.fair.status()["default"].rate == 45
