"""The store: durable puts on a slow disk, and how little a million entries cost.

    python tests/bench/bench_store.py [ENTRIES]

Goals: puts with a sync slowed by 1 ms at least ten times those of one commit for each message;
with 1,000,000 entries claims of 100 at 1 ms an entry or less, start under 10 s, memory under
200 MB; with as many suppressed addresses look-ups at 50 µs or less and a start under 2 s.
It exits with 1 when a goal is missed.
"""

# ruff: noqa: E402 - the script finds the package and the tests' own modules first

import asyncio
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from stored import AT, KEY, an_entry, later, new

from relay.model.address import Address
from relay.model.clock import SystemClock
from relay.model.entry import RequestState
from relay.model.ports import NewEntry, StoreFault, Suppressed
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite

ROUNDS = 3
BODY = b"0123456789" * 400
FAILED = []


class SlowFiles(Files):
    """A disk that takes a millisecond more for each sync."""

    def commit(self, connection):
        time.sleep(0.001)
        super().commit(connection)


def goal(what, value, unit, limit, *, at_least=False):
    good = value >= limit if at_least else value <= limit
    sign = "≥" if at_least else "≤"
    print(f"  {what}: {value:,.3g} {unit}  (goal {sign} {limit:g}){'' if good else '  MISSED'}")
    if not good:
        FAILED.append(what)


def told(answer):
    assert not isinstance(answer, StoreFault), answer
    return answer


async def opened(folder, files=None):
    return told(await open_sqlite(folder, 0, Crew.threads(files or Files(), SystemClock()), 0.0))


async def put_rate(folder, files, count, at_a_time):
    """Give puts a second when `at_a_time` clients wait for theirs."""
    stores = await opened(folder, files)
    numbers = iter(range(count))

    async def client():
        for number in numbers:
            assert await stores.queue.put([new(f"m{number}", body=BODY)]) is None

    began = time.perf_counter()
    await asyncio.gather(*[client() for _ in range(at_a_time)])
    rate = count / (time.perf_counter() - began)
    await stores.close()
    return rate


async def puts(root):
    print("durable puts of 4 KB")
    together, alone, plain = [], [], []
    for number in range(ROUNDS):
        together.append(await put_rate(root / f"t{number}", SlowFiles(), 4_000, 200))
        alone.append(await put_rate(root / f"a{number}", SlowFiles(), 300, 1))
        plain.append(await put_rate(root / f"p{number}", Files(), 4_000, 200))
    print(f"  200 clients, this disk: {median(plain):,.0f} a second")
    print(f"  200 clients, 1 ms more for a sync: {median(together):,.0f} a second")
    print(f"  one commit for each, 1 ms more for a sync: {median(alone):,.0f} a second")
    goal("ratio", median(together) / median(alone), "times", 10, at_least=True)


def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def queue(root, count):
    print(f"{count:,} entries")
    stores = await opened(root)
    content = new("any").content
    for start in range(0, count, 1_000):
        batch = [
            NewEntry(entry=an_entry(f"m{number}"), content=content)
            for number in range(start, min(start + 1_000, count))
        ]
        assert await stores.queue.put(batch) is None
    for entry in told(await stores.queue.claim({KEY: 500}, AT, later(600))):
        flying = tuple(replace(one, state=RequestState.IN_FLIGHT) for one in entry.requests)
        told(await stores.queue.record(replace(entry, requests=flying)))
    await stores.close()
    before = megabytes()

    began = time.perf_counter()
    stores = await opened(root)
    found = told(await stores.queue.recover(lambda entry: replace(entry, lease_until=None)))
    goal("start, 500 of them found in flight", time.perf_counter() - began, "s", 10)
    assert found == 500

    times = []
    for _ in range(100):
        began = time.perf_counter()
        claimed = told(await stores.queue.claim({KEY: 100}, AT, later(600)))
        times.append((time.perf_counter() - began) * 10)  # ms of one of 100
        assert len(claimed) == 100
    goal("claim, median", median(times), "ms an entry", 1)
    goal("claim, worst", max(times), "ms an entry", 1)

    began = time.perf_counter()
    told(await stores.queue.backlog())
    goal("backlog", (time.perf_counter() - began) * 1e3, "ms", 20)
    await stores.close()
    print(f"  memory before the start {before:,.0f} MB")
    goal("memory, highest", megabytes(), "MB", 200)


async def suppression(root, count):
    print(f"{count:,} suppressed addresses")
    stores = await opened(root)
    for start in range(0, count, 10_000):
        batch = [
            Suppressed(address=f"u{number}@example.org", reason="bounce", since=AT)
            for number in range(start, min(start + 10_000, count))
        ]
        told(await stores.shared.suppression.suppress(batch))
    await stores.close()

    began = time.perf_counter()
    stores = await opened(root)
    listed = stores.shared.suppression
    assert await listed.suppressed(Address("u7", "example.org"), AT) is not None
    goal("start to the first answer", time.perf_counter() - began, "s", 2)

    began = time.perf_counter()
    for number in range(20_000):
        assert await listed.suppressed(Address(f"v{number}", "example.org"), AT) is None
    goal("look-up, not listed", (time.perf_counter() - began) / 20_000 * 1e6, "µs", 50)
    began = time.perf_counter()
    for number in range(2_000):
        assert await listed.suppressed(Address(f"u{number}", "example.org"), AT) is not None
    each = (time.perf_counter() - began) / 2_000 * 1e6
    print(f"  look-up, listed, by the reading thread: {each:,.0f} µs")
    await stores.close()
    goal("memory, highest", megabytes(), "MB", 200)


async def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as root:
        await puts(Path(root))
        await queue(Path(root) / "queue", count)
        await suppression(Path(root) / "suppression", count)
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
