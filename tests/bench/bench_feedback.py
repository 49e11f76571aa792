"""Events through SQS over the wire: how many a second, what each costs, and that memory stays flat.

    python tests/bench/bench_feedback.py [EVENTS] [--one-in 20] [--latency-ms 10]

The simulator's queue is served by a process of its own and filled before it starts; the relay's
half of it (SQS client, reader, learner, a SQLite store with its threads) works in this one. Of
twenty events one is a hard bounce of an address of its own (it is stored), the others are
deliveries (they are logged and go into the history). The log is rendered and thrown away.

A line for each tenth, in columns: events, events a second since the line before, CPU milliseconds
of this process for each event since then, resident MiB. The last line is a JSON object with
`events`, `events_per_second`, `cpu_ms_per_event`, `resident_mib` (at the first line and the last)
and `source_cpu_ms_per_event` (what the simulator used: it shares the machine). It exits with 1 when
memory grew by more than 32 MiB from the first line to the last or an event was not learned.
"""

# ruff: noqa: E402 - the script finds the package and the tests' own modules first

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent), str(TESTS / "feedback")]

import said
from feedback_world import World

from relay.aws.queues import open_queue
from relay.feedback.sqs import SqsReader
from relay.model.clock import SystemClock
from relay.model.settings import Log, Route, SqsQueue
from relay.simulator import Simulator, running
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.telemetry import Output, log_writer

GROWTH = 32  # MiB
KEYS = {"AWS_ACCESS_KEY_ID": "simulator", "AWS_SECRET_ACCESS_KEY": "simulator"}


# --- the source, a process of its own ---


def event(number, one_in):
    about = {"ses_id": f"0102-{number}", "tags": {**said.OURS, "relay-queue-id": f"q{number}"}}
    address = f"p{number}@example.org"
    if number % one_in == 0:
        told = said.bounce("Permanent/General", address, feedback_id=f"F{number}", **about)
    else:
        told = said.delivery(address, **about)
    return said.wrapped(told)


async def source(events, one_in):
    simulator = Simulator()
    queue, now = simulator.service.publisher.queue, simulator.service.clock()
    for number in range(events):
        queue.put(event(number, one_in), now, now)
    async with running(simulator) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.read)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu_s": used.ru_utime + used.ru_stime, "left": len(queue)}), flush=True)


@contextmanager
def filled(events, one_in):
    """Start the source; gives its URL and a list that its last words are put into."""
    words = []
    with subprocess.Popen(
        [sys.executable, __file__, str(events), "--one-in", str(one_in), "--source"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process.stdout.readline().strip(), words
        process.stdin.close()
        words.append(json.loads(process.stdout.readline()))


# --- the relay's half ---


class Far:
    """A queue whose answers take so many seconds more, as over a real network."""

    def __init__(self, queue, latency):
        self.queue, self.latency = queue, latency

    async def receive(self):
        await asyncio.sleep(self.latency)
        return await self.queue.receive()

    async def delete(self, receipts):
        await asyncio.sleep(self.latency)
        return await self.queue.delete(receipts)


class Counted:
    """A learner that counts what it has learned."""

    def __init__(self, learn):
        self.learn = learn
        self.learned = 0
        self.changed = asyncio.Event()

    async def __call__(self, text):
        answer = await self.learn(text)
        assert answer is None, answer
        self.learned += 1
        self.changed.set()


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def lines(events, tenth):
    """Give a function that prints where it stands, and the values it printed."""
    began, used, done = time.perf_counter(), time.process_time(), 0
    printed = []

    def line(learned):
        nonlocal began, used, done
        now, cpu = time.perf_counter(), time.process_time()
        rate, each = (learned - done) / (now - began), (cpu - used) / (learned - done) * 1000
        printed.append(resident())
        print(f"{learned:>9,} {rate:>8,.0f}/s {each:>7.3f} ms {printed[-1]:>7.1f} MiB", flush=True)
        began, used, done = now, cpu, learned

    return line, printed


async def relay(url, events, folder, latency, nowhere):
    world = World(Path(folder) / "store")
    world.clock = SystemClock()
    world.crew = Crew.threads(Files(), world.clock)
    world.log = log_writer(Log(), world.clock, Output(nowhere))
    queue = SqsQueue(queue_url=f"{url}/123456789012/events")
    async with world, open_queue("default", Route(region="eu-west-1"), queue) as opened:
        counted = Counted(world.learner.learn)
        reader = SqsReader(
            source=Far(opened, latency),
            url=queue.queue_url,
            route="default",
            learn=counted,
            telemetry=world.telemetry,
            clock=world.clock,
        )
        return await measured(reader, counted, events)


async def measured(reader, counted, events):
    tenth = max(events // 10, 1)
    line, residents = lines(events, tenth)
    reading = asyncio.create_task(reader.run())
    began, used = time.perf_counter(), time.process_time()
    while counted.learned < events:
        counted.changed.clear()
        await counted.changed.wait()
        if counted.learned >= tenth * (len(residents) + 1):
            line(counted.learned)
    took, cpu = time.perf_counter() - began, time.process_time() - used
    await asyncio.sleep(1.0)  # what was learned last is being deleted
    reading.cancel()
    await asyncio.wait([reading])
    return {
        "events": events,
        "events_per_second": round(events / took),
        "cpu_ms_per_event": round(cpu / events * 1000, 3),
        "resident_mib": [round(residents[0], 1), round(residents[-1], 1)],
    }


def main(events, one_in, latency_ms):
    os.environ.update(KEYS)
    with (
        tempfile.TemporaryDirectory() as folder,
        filled(events, one_in) as (url, words),
        Path(os.devnull).open("wb", buffering=0) as nowhere,
    ):
        found = asyncio.run(relay(url, events, folder, latency_ms / 1000, nowhere))
    [last] = words
    found["source_cpu_ms_per_event"] = round(last["cpu_s"] / events * 1000, 3)
    found["left_in_queue"] = last["left"]
    print(json.dumps(found))
    first, end = found["resident_mib"]
    return int(end - first > GROWTH or last["left"] > 0)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("events", nargs="?", type=int, default=100_000)
    asked.add_argument("--one-in", type=int, default=20, help="of so many events one is a bounce")
    asked.add_argument(
        "--latency-ms", type=float, default=10, help="added to each answer of SQS (10: one Region)"
    )
    asked.add_argument("--source", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.source:
        asyncio.run(source(given.events, given.one_in))
    else:
        sys.exit(main(given.events, given.one_in, given.latency_ms))
