"""The relay is killed while clients submit: nothing is lost, and nothing is sent twice but where
nobody could know better.

The long campaign, run on 2026-11-21: 200 kills in 208 s, 6,717 messages to 13,356 recipients, none
lost. Duplicates, by recipient: 107 answers of SES cut off, 404 kills between SES's acceptance and
the record, 198 kills between the record and the reply (RFC 1047); none unexplained, among them none
of the 185 clients that hung up on a living relay.

Over PostgreSQL, the same day: 40 kills, 2,371 messages to 5,765 recipients, none lost, no duplicate
unexplained.
"""

import asyncio
import random
from dataclasses import replace
from functools import partial

import pytest
from crash_clients import Crowd
from crash_points import POINTS
from crash_relay import KilledRelay
from crash_ses import BAD, WORSE, bad_ses
from crash_verdict import judge
from postgres_server import PostgresServer

from relay.simulator import running

# Seconds between two messages of each client. Who makes none soon has a backlog, and then its mail
# is kept first; who does hears SES's own verdict.
BUSY, UNHURRIED = (0.0, 0.05, 0.1, 0.2, 0.3), (0.05, 0.1, 0.1, 0.2, 0.3)
SLOW = 80.0  # recipients a second
FAST = 2_000.0
DRAINED = 240.0  # seconds at most for the backlog of the long campaign
POLLED = 1.1  # seconds; SES answers one control call a second


async def campaign(folder, seed, deaths, pauses, **queue):
    """Let `deaths` start and kill the relay under its clients; gives the findings."""
    rng = random.Random(seed)
    # Lives of a second are too short to ask for the account's rate each time.
    in_a_rush = pauses is BUSY
    rate, told, weather = (SLOW, "auto", WORSE) if in_a_rush else (FAST, FAST, BAD)
    route = {"headroom": 1.0, "max_send_rate": told}
    simulator, ledger = bad_ses(rng, rate, weather)
    launched = partial(KilledRelay.launched, folder, route=route, **queue)
    async with running(simulator) as url, launched(url) as relay:
        crowd = Crowd(relay.port, rng, large=0.04 if in_a_rush else 0.2)
        submitting = asyncio.create_task(crowd.run(*pauses))
        await deaths(relay, rng)
        crowd.stop()
        simulator.faults.fine = True
        simulator.account = replace(simulator.account, max_send_rate=FAST)
        await asyncio.sleep(POLLED)
        await relay.start()
        await submitting
        released = await relay.until_empty(DRAINED)
        findings = judge(crowd.letters, ledger.taken, relay)
        findings.released = released
    return findings


async def check(folder, deaths, pauses=BUSY, **queue):
    seed = random.getrandbits(32)
    findings = await campaign(folder, seed, deaths, pauses, **queue)
    print(f"\nseed {seed}: {findings}")
    assert not findings.missing, (seed, findings.missing[:3])
    assert not findings.unexplained, (seed, findings.unexplained[:3])
    return findings


def at_random(kills):
    async def deaths(relay, rng):
        for _ in range(kills):
            await relay.start()
            await asyncio.sleep(rng.uniform(0.2, 1.6))
            await relay.kill()

    return deaths


async def at_each_point(relay, rng):
    points = list(POINTS)
    rng.shuffle(points)
    for point in points:
        passes = 1 if POINTS[point].once else rng.randint(1, 2)
        await relay.start(f"{point.replace(' ', '_')} {passes}")
        try:
            await relay.died()
        except TimeoutError:
            pytest.fail(f"nobody came to the point where it dies: {point}")


async def test_20_kills_lose_nothing(tmp_path):
    findings = await check(tmp_path, at_random(20))
    assert findings.letters > 200, findings  # it was busy when it died
    assert findings.hung_up, findings


async def test_a_kill_at_each_named_point_loses_nothing(tmp_path):
    await check(tmp_path, at_each_point, UNHURRIED)


@pytest.mark.long
async def test_200_kills_lose_nothing(tmp_path):
    await check(tmp_path, at_random(200))


@pytest.mark.long
async def test_40_kills_over_postgresql_lose_nothing(tmp_path):
    server = PostgresServer()
    try:
        server.create()
        findings = await check(tmp_path, at_random(40), store=server.url())
    finally:
        server.remove()
    assert findings.letters > 200, findings
