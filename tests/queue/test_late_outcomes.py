"""Outcomes that come late, or never: what the queue makes of attempts that did not end well."""

import asyncio
import sqlite3

import pytest
from fake_relay import FakeRelay

from relay.model.settings import Queue, SqliteStore
from relay.simulator import Account

pytestmark = pytest.mark.fake_time

FAST = Account(max_send_rate=1000, max_24_hour_send=-1)


def full(_connection):
    raise sqlite3.OperationalError("database or disk is full")


def keep_first(folder):
    return Queue(store=SqliteStore(folder), wait=0)


async def test_an_attempt_that_a_bug_ended_is_taken_up_again_when_its_lease_ends(tmp_path):
    async with FakeRelay(tmp_path, account=FAST, queue=keep_first(tmp_path)) as relay:
        bugs = [RuntimeError("a bug of ours")]

        async def buggy(message, request):
            if bugs:
                raise bugs.pop()

        relay.ses.before = buggy
        await relay.submit()
        # The lease (15 minutes), the longer delay of a lost answer (at most as much again).
        await relay.until_empty(2_000)
        assert relay.taken == ["a@example.org"]
        [lost] = [
            line for line in relay.log.named("message.deferred") if "in flight" in line["detail"]
        ]
        assert lost["cause"] == "lost_answer"


async def test_a_bug_in_one_request_leaves_the_others_of_its_message_alone(tmp_path):
    async with FakeRelay(tmp_path, account=FAST, queue=keep_first(tmp_path)) as relay:
        bugs = [RuntimeError("a bug of ours")]

        async def buggy(message, request):
            if request.number == 1 and bugs:
                raise bugs.pop()

        relay.ses.before = buggy
        wanted = [f"r{number}@example.org" for number in range(120)]
        await relay.submit(*wanted)
        await relay.until_empty(2_000)
        assert sorted(relay.taken) == sorted(wanted)


async def test_what_was_in_flight_at_a_crash_is_told_at_the_next_start(tmp_path):
    queue = keep_first(tmp_path)
    async with FakeRelay(tmp_path, account=FAST, queue=queue) as relay:
        asked = asyncio.Event()

        async def never(message, request):
            asked.set()
            await asyncio.Event().wait()

        relay.ses.before = never
        await relay.submit()
        await asked.wait()
    async with FakeRelay(tmp_path, account=FAST, queue=queue) as relay:
        [line] = relay.log.named("message.deferred")
        assert line["cause"] == "lost_answer"
        assert line["recipients"] == ["a@example.org"]
        assert relay.taken == []
        await relay.until_empty(1_000)
        assert relay.taken == ["a@example.org"]


async def test_an_outcome_that_could_not_be_recorded_for_an_hour_is_not_forgotten(tmp_path):
    async with FakeRelay(tmp_path, account=FAST, queue=keep_first(tmp_path)) as relay:
        taken = asyncio.Event()

        async def noted(message, request):
            taken.set()

        relay.ses.before = noted
        await relay.submit()
        await taken.wait()
        relay.files.commit = full
        await relay.clock.sleep(3_600)
        del relay.files.commit
        await relay.until_empty(7_200)
        assert relay.taken == ["a@example.org"]
