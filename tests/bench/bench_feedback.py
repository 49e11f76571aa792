"""How fast events are learned, and that a hundred thousand of them take no more memory than ten.

    .venv/bin/python tests/bench/bench_feedback.py [EVENTS]

A source in memory stands for the queue, ten messages a poll as SQS gives them; store, learner and
reader are the real ones. One event in twenty is a hard bounce of an address of its own, the others
are deliveries. Printed: events a second, and resident memory as it goes.
"""

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent), str(TESTS / "feedback")]

import said  # noqa: E402 - the path above leads to it
from feedback_world import World  # noqa: E402 - likewise

from relay.aws.queues import Received  # noqa: E402 - likewise
from relay.feedback.sqs import SqsReader  # noqa: E402 - likewise


class Source:
    """Events without end."""

    def __init__(self):
        self.given = 0

    async def receive(self):
        numbers = range(self.given, self.given + 10)
        self.given += 10
        return [Received(f"m{n}", f"r{n}", _event(n)) for n in numbers]

    async def delete(self, receipts):
        assert len(receipts) == 10


def _event(number):
    address = f"p{number}@example.org"
    if number % 20 == 0:
        return said.wrapped(said.bounce("Permanent/General", address, feedback_id=f"F{number}"))
    return said.wrapped(said.delivery(address, ses_id=f"m{number}"))


class Silent(list):
    """A log that keeps nothing."""

    def _write(self, event, **facts):
        pass

    debug = info = warning = error = _write


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


async def main(events):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "store")
        world.log = Silent()
        async with world:
            source = Source()
            reader = SqsReader(
                source=source,
                url="https://sqs.example/1/events",
                route="default",
                learn=world.learner.learn,
                telemetry=world.telemetry,
                clock=world.clock,
            )
            began, step = time.perf_counter(), max(events // 5, 10)
            while source.given < events:
                assert await reader.read()
                if source.given % step == 0:
                    rate = source.given / (time.perf_counter() - began)
                    print(f"{source.given:>8} events  {rate:>7.0f}/s  {resident():>6.1f} MiB")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
