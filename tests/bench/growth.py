"""What a message costs as the relay has more to know: entries, history, rules, users, suppressions.

For each of them one relay with nothing, one with some and one with many, measured in turns; told is
CPU per message, as a ratio to the one with nothing, resident memory and the seconds to start.
"""

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from processes import ENVIRONMENT, HERE, ROOT, load, relay, sink
from throughput import LATER, MB, SIGNED, spread

STORE = {"store": "sqlite"}
QUEUEING = LATER | {"route": ", max_send_rate: 1"}
MESSAGES = 1000


def _rules(count):
    lines = [
        f"  - {{name: r{n}, when: {{recipient: r{n}@example.net}}, then: {{lane: bulk}}}}"
        for n in range(count)
    ]
    return {"more": "\n".join(["rules:", *lines])} if lines else {}


def _users(count):
    lines = [
        f'  - {{name: u{n}, password: {{secret: "s"}}, senders: ["u{n}@example.com"]}}\n'
        for n in range(count)
    ]
    return {"users": "".join(lines)}


# What there is more of: how the relay is configured for it, how much of it, and whether it is kept.
AXES = {
    "entries in the queue": (lambda _: QUEUEING, (0, 1_000, 100_000), "queue"),
    "events of history": (lambda _: STORE, (0, 1_000, 100_000), "history"),
    "suppressed addresses": (lambda _: STORE, (0, 1_000, 100_000), "suppression"),
    "users": (_users, (0, 1_000, 10_000), None),
    "rules that do not match": (_rules, (0, 100, 1_000), None),
}


def growth(effort, results):
    """Measure one axis after the other."""
    for axis, (how, counts, kept) in AXES.items():
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            ses = stack.enter_context(sink())
            programs, started = {}, {}
            for count in counts if effort.full else counts[:2]:
                place = folder / str(count)
                place.mkdir()
                if kept:
                    _fill(place / "queue", kept, count)
                began = time.perf_counter()
                programs[count] = stack.enter_context(relay(place, ses, **SIGNED | how(count)))
                started[count] = time.perf_counter() - began
            cpu = _measured(programs, effort.rounds)
            print(f"\n  {axis:24} {'CPU ms a message':26} {'/ none':26} memory   start")
            for count, program in programs.items():
                ratios = [one / none for one, none in zip(cpu[count], cpu[0], strict=True)]
                memory = program.memory() / MB
                print(
                    f"  {count:24,} {spread(cpu[count], 3)} {spread(ratios, 2)} "
                    f"{memory:4.0f} MB {started[count]:5.1f} s"
                )
                results[f"{count} {axis}"] = {
                    "cpu_ms": cpu[count],
                    "ratio": median(ratios),
                    "memory_mb": memory,
                    "start_s": started[count],
                }


def _measured(programs, rounds):
    cpu = {count: [] for count in programs}
    for program in programs.values():
        load(program.port, "--messages", 200)
    for _ in range(rounds):
        for count, program in programs.items():
            before = program.cpu()
            load(program.port, "--messages", MESSAGES)
            cpu[count].append((program.cpu() - before) / MESSAGES * 1000)
    return cpu


def _fill(folder, what, count):
    if count:
        subprocess.run(
            [sys.executable, HERE / "fill.py", folder, what, str(count)],
            check=True,
            cwd=ROOT,
            env=ENVIRONMENT,
        )
