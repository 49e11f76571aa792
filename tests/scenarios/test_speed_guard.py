"""What one message costs may not creep up: more than 15 % beyond what is known fails.

A small message is a matter of how much Python is run for it, so instructions and calls are counted,
the same on a busy machine and on an idle one (tests/scenarios/message_cost.py). A large one is a
matter of octets, so its CPU time is held against a fixed workload over the same octets, in turns,
the least of several of each (tests/scenarios/large_cost.py).

What is known stands in tests/golden/message_cost.json. When a test fails, look for what was added
per message. When the cost is meant, or fell, write it anew in the commit that causes it:
`UPDATE_GOLDEN=1 pytest tests/scenarios/test_speed_guard.py`.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from message_cost import Meter, measured
from relay_world import relaying, route, settings

import relay.flow.receive
from relay.mail.dkim_keys import generate_rsa, pem
from relay.mail.split import split
from relay.model.settings import DkimKey, Secret, SqliteStore
from relay.stores.sqlite.books import Done

DEARER, CHEAPER = 1.15, 0.90
PYTHON = "{}.{}".format(*sys.version_info)
SINK = Path(__file__).parents[1] / "bench" / "sink.py"
LARGE_COST = Path(__file__).parent / "large_cost.py"
GOLDEN = Path(__file__).parents[1] / "golden" / "message_cost.json"
KEY = generate_rsa(2048)
DKIM = (DkimKey(domain="example.com", selector="s1", key=Secret(pem(KEY).decode())),)
PLAIN, STORED = "accept, SES", "accept, SES, with a store"
SIGNED, KEPT = "accept, DKIM, SES", "accept, queue"
QUEUED, LARGE = "accept, queue, DKIM, SES", "5 MB in memory, read to wire form"
CPU = "times the fixed work's CPU"


@pytest.fixture
def sink():
    """Run an SES in a process of its own, so that its work is not counted."""
    with subprocess.Popen(
        [sys.executable, str(SINK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


def configured(path, url, folder):
    """Give the settings of a path."""
    store = {"store": SqliteStore(folder)}
    slow = {"default": replace(route(url), max_send_rate=1.0)}
    how = {
        PLAIN: {},
        SIGNED: {"dkim": DKIM},
        STORED: store,
        KEPT: store | {"wait": 0.0, "routes": slow},
        QUEUED: store | {"wait": 0.0, "dkim": DKIM},
    }
    return settings(url, **how[path])


async def cost(path, url, folder):
    meter = Meter()
    with meter.watching():
        async with relaying(configured(path, url, folder)) as world:
            return await measured(meter, world.port, url if path == QUEUED else None)


def known():
    return json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}


def judge(path, found, where="", *, least=CHEAPER):
    """Hold what was found against what is known, number by number."""
    if os.environ.get("UPDATE_GOLDEN"):
        told = known() | {path: found}
        GOLDEN.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
    else:
        compare(path, found, known()[path], where, least)


def compare(path, found, there, where="", least=CHEAPER):
    faults = [
        f"{number:,} {unit} where {there[unit]:,} are known: {number / there[unit]:.0%}"
        for unit, number in found.items()
        if not least <= number / there[unit] <= DEARER
    ]
    assert not faults, f"{path}: {'; '.join(faults)}{where}"


def judge_cost(path, found):
    most = ", ".join(f"{code.co_qualname} {n}" for code, n in found.places.most_common(8))
    numbers = {
        f"instructions of Python {PYTHON}": round(found.instructions),
        "calls": round(found.calls),
    }
    judge(path, numbers, f"; most instructions of the round: {most}")


@pytest.fixture
def judging(monkeypatch):
    """Judge, also while the known numbers are written anew."""
    monkeypatch.delenv("UPDATE_GOLDEN", raising=False)


@pytest.mark.skipif(
    f"instructions of Python {PYTHON}" not in known().get(PLAIN, {})
    and not os.environ.get("UPDATE_GOLDEN"),
    reason=f"what Python {PYTHON} compiles was not counted yet (UPDATE_GOLDEN=1)",
)
class TestSmallMessage:
    @pytest.mark.parametrize("path", [PLAIN, SIGNED, STORED, KEPT, QUEUED])
    async def test_costs_what_it_did(self, path, sink, tmp_path):
        judge_cost(path, await cost(path, sink, tmp_path / "queue"))

    @pytest.mark.usefixtures("judging")
    @pytest.mark.parametrize("added", ["instructions", "calls"])
    async def test_a_fifth_more_is_noticed(self, added, sink, tmp_path, monkeypatch):
        """The guard is tried: what it is there for happens, and it fails with the numbers."""
        numbers = known()[PLAIN]
        extra = {
            "instructions": numbers[f"instructions of Python {PYTHON}"] // 5 // 4,
            "calls": numbers["calls"] // 5,
        }[added]

        def slower(octets):
            if added == "calls":
                for _ in range(extra):
                    len(octets)
            number = 0
            while added == "instructions" and number < extra:
                number += 1
            return split(octets)

        monkeypatch.setattr(relay.flow.receive, "split", slower)
        with pytest.raises(AssertionError, match=f"{added}.*: 11[6-9]%|{added}.*: 1[2-5].%"):
            judge_cost(PLAIN, await cost(PLAIN, sink, tmp_path))

    @pytest.mark.usefixtures("judging")
    async def test_the_work_of_the_stores_threads_counts(self, sink, tmp_path, monkeypatch):
        real, more = Done.insert, known()[KEPT]["calls"] // 5

        def slower(*row):
            for _ in range(more):
                len(row)
            return real(*row)

        monkeypatch.setattr(Done, "insert", slower)
        with pytest.raises(AssertionError, match=r"calls.*: 1[1-3].%"):
            judge_cost(KEPT, await cost(KEPT, sink, tmp_path))


def large(*more):
    told = subprocess.run(
        [sys.executable, LARGE_COST, *more], check=True, capture_output=True, text=True
    )
    return {CPU: round(float(told.stdout), 2)}


def test_the_time_for_a_large_message():
    # A processor without instructions for SHA-256 makes the fixed work dearer, not this.
    judge(LARGE, large(), least=0)


def test_a_quarter_more_time_for_a_large_message_is_noticed():
    with pytest.raises(AssertionError, match=f"{CPU} where .*: 1[1-4].%"):
        compare(LARGE, large("0.25"), large())
