"""A queue is emptied of what the store has, and of nothing else."""

import asyncio

import pytest
import said
from feedback_world import World
from relay_world import until

from relay.aws.queues import QueueFault, Received
from relay.feedback.sqs import RECEIVERS, Poll, SqsReader
from relay.model.ports import StoreFault

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/ses-events"


class ScriptedQueue:
    """Gives what is scripted, and what was not deleted again."""

    def __init__(self, *polls):
        self.polls = list(polls)
        self.deleted = []
        self.fault = None
        self.empty = asyncio.Event()

    async def receive(self):
        if not self.polls:
            self.empty.set()
            await asyncio.get_running_loop().create_future()
        return self.polls.pop(0)

    async def delete(self, receipts):
        self.deleted += receipts
        return self.fault


def messages(*bodies):
    return [Received(f"id{n}", f"receipt{n}", body) for n, body in enumerate(bodies)]


@pytest.fixture
async def world(tmp_path):
    async with World(tmp_path / "store") as world:
        yield world


def reader(world, queue, learn=None):
    return SqsReader(
        source=queue,
        url=URL,
        route="default",
        learn=learn or world.learner.learn,
        telemetry=world.telemetry,
        clock=world.clock,
    )


def told(world):
    return [line["new"] for line in world.log.named("account.changed")]


async def test_wrapped_and_raw_events_are_taken_in_and_deleted(world):
    queue = ScriptedQueue(
        messages(
            said.bounce(), said.wrapped(said.complaint("y@example.org")), '{"eventType":"Open"}'
        )
    )
    assert await reader(world, queue).read() is Poll.DONE
    assert queue.deleted == ["receipt0", "receipt1", "receipt2"]
    assert {one.address for one in await world.listed()} == {"x@example.org", "y@example.org"}
    assert told(world) == []


async def test_poison_is_told_once_and_left_to_the_dead_letter_queue(world):
    queue = ScriptedQueue(messages("poison", said.bounce()), messages("poison"))
    reading = reader(world, queue)
    assert await reading.read() is Poll.DONE
    assert await reading.read() is Poll.DONE
    assert queue.deleted == ["receipt1"]
    assert told(world) == [
        "message id0 is no event of SES (the body is no JSON object); left to the dead-letter queue"
    ]


async def test_nothing_is_deleted_that_the_store_has_not(world):
    async def ill(text):
        return StoreFault("disk full") if "y@example.org" in text else None

    queue = ScriptedQueue(messages(said.bounce(), said.complaint("y@example.org")))
    assert await reader(world, queue, ill).read() is Poll.ILL
    assert queue.deleted == ["receipt0"]
    assert world.log.named("store.fault") == [{"operation": "learn", "reason": "disk full"}]


async def test_an_event_that_trips_a_bug_does_not_stop_the_others(world):
    async def buggy(text):
        if "y@example.org" in text:
            raise ZeroDivisionError

    queue = ScriptedQueue(messages(said.complaint("y@example.org"), said.bounce()))
    assert await reader(world, queue, buggy).read() is Poll.DONE
    assert queue.deleted == ["receipt1"]
    assert world.log.named("relay.fault")[0]["where"] == "feedback"


async def test_a_queue_that_cannot_be_read_is_asked_with_growing_pauses(world):
    fault = QueueFault("no credentials")
    queue = ScriptedQueue(*[fault] * 8, messages(said.bounce()))
    began = world.clock.monotonic()
    reading = asyncio.create_task(reader(world, queue).run())
    await queue.empty.wait()
    reading.cancel()
    assert world.clock.monotonic() - began == 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60
    assert told(world) == ["cannot be read: no credentials", "reachable"]
    assert queue.deleted == ["receipt0"]


async def test_what_cannot_be_deleted_does_nothing_twice(world):
    queue = ScriptedQueue(messages(said.bounce()), messages(said.bounce()))
    queue.fault = QueueFault("timeout")
    reading = reader(world, queue)
    assert await reading.read() is Poll.ILL
    queue.fault = None
    assert await reading.read() is Poll.DONE
    assert len(world.log.named("feedback.bounce")) == 1
    assert told(world) == ["cannot be emptied: timeout", "reachable"]


class Backlog:
    """A queue with so many messages, whose answers wait until all that may ask have asked."""

    def __init__(self, count):
        self.left, self.count = count, count
        self.waiting = self.most = self.deleted = 0
        self.everybody, self.empty = asyncio.Event(), asyncio.Event()

    async def receive(self):
        if not self.left:
            await asyncio.get_running_loop().create_future()
        if self.left < self.count:  # the first poll is alone
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            if self.waiting == RECEIVERS:
                self.everybody.set()
            await self.everybody.wait()
            self.waiting -= 1
        given = min(self.left, 10)
        self.left -= given
        return messages(*[said.bounce(feedback_id=f"F{self.left + n}") for n in range(given)])

    async def delete(self, receipts):
        self.deleted += len(receipts)
        if self.deleted == self.count:
            self.empty.set()


async def test_a_full_queue_is_read_by_several_at_a_time(world):
    backlog = Backlog(207)

    async def learn(_text):
        return None

    reading = asyncio.create_task(reader(world, backlog, learn).run())
    await asyncio.wait_for(backlog.empty.wait(), 15)
    reading.cancel()
    assert backlog.most == RECEIVERS


async def test_poison_slows_nobody_down(world):
    good = [said.bounce(feedback_id=f"F{number}") for number in range(9)]
    queue = ScriptedQueue(*[messages("poison", *good)] * 20)
    began = world.clock.monotonic()
    reading = asyncio.create_task(reader(world, queue).run())
    await until(lambda: len(queue.deleted) == 180)
    reading.cancel()
    assert world.clock.monotonic() == began
