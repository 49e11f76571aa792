"""Real processes: a command beside the relay, and a relay that is killed without warning."""

import asyncio
import subprocess
import sys

import pytest
from stored import AT, KEY, later, new

from relay.model.ports import Corrupt

COMMAND = """
import asyncio, pathlib, sys
from relay.model.clock import SystemClock
from relay.model.custody import Selection
from relay.model.entry import Held
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_guest
from stored import AT

async def main():
    shared = await open_guest(pathlib.Path(sys.argv[1]), Crew.inline(Files(), SystemClock()))
    control, chosen = shared.control, Selection(ids=frozenset({"a", "b"}))
    held = await control.hold(chosen, Held(reason="by hand"), AT)
    print(",".join(held.ids), ",".join(held.leased))
    await shared.close()

asyncio.run(main())
"""

RELAY = """
import asyncio, pathlib, sys
from relay.model.clock import SystemClock
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite
from stored import new

async def main():
    folder, first = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    stores = await open_sqlite(folder, 0, Crew.threads(Files(), SystemClock()), 0.0)
    numbers = iter(range(first, first + 100_000))

    async def client():
        for number in numbers:
            size = 200_000 if number % 5 == 0 else 2_000
            assert await stores.queue.put([new(f"m{number}", body=b"x" * size)]) is None
            print(number, flush=True)

    await asyncio.gather(*[client() for _ in range(8)])

asyncio.run(main())
"""


def start(program, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    )


def output_of(program, folder):
    with start(program, folder) as process:
        octets, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return octets.decode().split()


def acknowledged_before_a_kill(folder, first, count):
    """Let a relay work, kill it after `count` acknowledgements, and say all that it made."""
    with start(RELAY, folder, first) as process:
        lines = [process.stdout.readline() for _ in range(count)]
        process.kill()
        lines += process.stdout.readlines()
    return [int(line) for line in lines if line.endswith(b"\n")]


async def test_a_command_works_beside_the_relay(folder):
    queue = (await folder.open()).queue
    await queue.put([new("a")])
    [leased] = await queue.claim({KEY: 1}, AT, later(60))
    await queue.put([new("b"), new("c")])
    assert await asyncio.to_thread(output_of, COMMAND, folder.folder) == ["b", "a"]
    assert (await queue.record(leased)).id == "a"
    assert [one.id for one in await queue.claim({KEY: 9}, AT, later(60))] == ["c"]


@pytest.mark.parametrize("count", [1, 17, 60])
async def test_what_was_acknowledged_before_a_kill_is_there_after_it(folder, count):
    owed = set()
    for life in range(2):
        owed.update(
            await asyncio.to_thread(acknowledged_before_a_kill, folder.folder, life * 1_000, count)
        )
    assert len(owed) >= 2 * count
    queue = (await folder.open()).queue
    found = {one.id: one for one in await queue.claim({KEY: 10_000}, AT, later(60))}
    for number in owed:
        assert not isinstance(found[f"m{number}"], Corrupt)
        content = await queue.content(f"m{number}")
        assert len(content.body) == (200_000 if number % 5 == 0 else 2_000)
    assert queue.usage.corrupt == 0
