"""A store that cannot write for a while, and a wall clock that is set: neither loses anything."""

import asyncio
import sqlite3

import pytest
from fake_relay import FakeRelay

from relay.model import replies
from relay.model.outcome import Cause, Deferred, Scope, ScopeKind
from relay.model.settings import Queue, SqliteStore
from relay.simulator import Account

pytestmark = pytest.mark.fake_time

FAST = Account(max_send_rate=1000, max_24_hour_send=-1)
DAY = 86_400.0


def full(connection):
    if not connection.execute("PRAGMA query_only").fetchone()[0]:  # reading goes on
        raise sqlite3.OperationalError("database or disk is full")
    connection.execute("COMMIT")


def keep_first(folder):
    return Queue(store=SqliteStore(folder), wait=0)


async def unreached(message, request):
    return Deferred(
        cause=Cause.NETWORK, scope=Scope(ScopeKind.MESSAGE, message.id), reply=replies.NOT_KEPT
    )


async def test_a_full_disk_is_a_451_and_over_without_a_restart(tmp_path):
    async with FakeRelay(tmp_path, account=FAST, queue=keep_first(tmp_path)) as relay:
        assert (await relay.submit("before@example.org")).positive
        relay.files.commit = full
        for number in range(5):
            reply = await relay.submit(f"m{number}@example.org")
            assert reply == replies.STORE_FAULT
        await relay.clock.sleep(60)
        puts = [line for line in relay.log.named("store.fault") if line["operation"] == "put"]
        assert len(puts) == 5
        assert "full" in puts[0]["reason"]
        del relay.files.commit
        assert (await relay.submit("after@example.org")).positive
        await relay.until_empty(60)
        assert sorted(relay.taken) == ["after@example.org", "before@example.org"]


async def test_with_a_full_disk_ses_itself_still_takes_mail(tmp_path):
    async with FakeRelay(tmp_path, account=FAST) as relay:
        relay.files.commit = full
        assert (await relay.submit()).text.startswith("Ok 0")
        relay.ses.before = unreached
        assert (await relay.submit()) == replies.STORE_FAULT
        assert relay.taken == ["a@example.org"]


async def test_a_message_in_flight_that_cannot_be_kept_is_answered_by_ses(tmp_path):
    async with FakeRelay(tmp_path, account=FAST, seconds=20.0) as relay:
        relay.files.commit = full
        began = relay.clock.monotonic()
        assert (await relay.submit()).text.startswith("Ok 0")
        assert relay.clock.monotonic() - began == pytest.approx(20.0)


async def a_backlog(relay):
    """Let some mail wait for its next attempt; gives its recipients."""
    relay.ses.before = unreached
    names = [f"m{number}@example.org" for number in range(20)]
    for name in names:
        assert (await relay.submit(name)).positive
    await relay.clock.sleep(120)
    return names


@pytest.mark.parametrize("days", [3, 30])
async def test_a_clock_set_forward_loses_nothing_and_starts_no_storm(tmp_path, days):
    async with FakeRelay(tmp_path, account=FAST) as relay:
        names = await a_backlog(relay)
        asked = relay.ses.requests
        relay.clock.jump(days * DAY)
        relay.ses.before = None
        await relay.until_empty(3_600)
        assert sorted(relay.taken) == sorted(names)
        assert relay.ses.requests - asked < 2 * len(names)
        assert relay.log.named("message.expired") == []


async def test_a_clock_set_forward_while_ses_is_away_lets_nothing_expire(tmp_path):
    async with FakeRelay(tmp_path, account=FAST) as relay:
        names = await a_backlog(relay)
        relay.clock.jump(30 * DAY)
        assert (await relay.submit("later@example.org")).positive
        await relay.clock.sleep(DAY)
        assert relay.log.named("message.expired") == []
        relay.ses.before = None
        await relay.until_empty(3_600)
        assert sorted(relay.taken) == sorted([*names, "later@example.org"])


async def test_a_lifetime_still_ends_after_the_clock_was_set_forward(tmp_path):
    async with FakeRelay(tmp_path, account=FAST) as relay:
        names = await a_backlog(relay)
        relay.clock.jump(30 * DAY)
        await relay.submit("later@example.org")
        await relay.until_empty(6 * DAY)
        assert relay.taken == []
        assert len(relay.log.named("message.expired")) == len(names) + 1


async def test_a_clock_set_back_loses_nothing_and_keeps_nothing_waiting(tmp_path):
    async with FakeRelay(tmp_path, account=FAST) as relay:
        names = await a_backlog(relay)
        relay.clock.jump(-3 * DAY)
        relay.ses.before = None
        assert (await relay.submit("fresh@example.org")).positive
        await relay.clock.sleep(150)  # the longest pause before a closed route's probe, spread
        await relay.until_empty(3_600)
        assert sorted(relay.taken) == sorted([*names, "fresh@example.org"])


async def test_a_clock_that_is_set_while_ses_has_a_request_sends_it_once(tmp_path):
    for jump in (3 * DAY, -3 * DAY):
        async with FakeRelay(tmp_path / f"{jump}", account=FAST, seconds=30.0) as relay:
            submitting = asyncio.create_task(relay.submit())
            await relay.clock.sleep(2)
            relay.clock.jump(jump)
            assert (await submitting).positive
            await relay.clock.sleep(3_600)
            assert relay.taken == ["a@example.org"]
            assert await relay.kept() == 0
