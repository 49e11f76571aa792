"""Two workers beside one, in one run: CPU per message of the whole process tree, and how the
connections were split. `python tests/bench/bench_workers.py [--rounds N] [--json FILE]`.

Both relays are up all the time and take turns, so that a noisy minute hits both. A message costs a
relay of two workers at most 1.15 times what it costs one process, and of the connections each
worker takes between 35 and 65 of a hundred. Connections are dealt out by chance, so that the split
is judged where there are a hundred of them and only shown where there are twenty.
"""

import argparse
import collections
import json
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from processes import load, relay, sink, taken

MOST_CPU = 1.15  # times that of one worker
LEAST, MOST = 0.35, 0.65  # share of the connections
MANY = 100  # connections; beyond these bounds three of a thousand times


@dataclass
class Case:
    """How the mail comes."""

    name: str
    store: str
    sessions: int
    per_connection: int
    messages: int = 2000
    one: list[float] = field(default_factory=list)  # CPU ms a message
    two: list[float] = field(default_factory=list)
    rates: list[tuple[float, float]] = field(default_factory=list)  # messages a second
    shares: list[float] = field(default_factory=list)  # of the connections, worker 0's

    @property
    def ratio(self):
        return statistics.median(self.two) / statistics.median(self.one)

    @property
    def even(self):
        if self.messages // self.per_connection < MANY:
            return True
        return min(self.shares) >= LEAST and max(self.shares) <= MOST


CASES = (
    ("one message a connection, 4 clients", "none", 4, 1),
    ("20 messages a connection, 10 clients", "none", 10, 20),
    ("long connections, 20 clients", "none", 20, 100),
    ("the same with a store", "sqlite", 20, 100),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    cases = [Case(*case) for case in CASES]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ses = stack.enter_context(sink())
        relays = {}
        for store in ("none", "sqlite"):
            for workers in (1, 2):
                place = folder / f"{store}-{workers}"
                more = f"workers: {workers}\n"
                program = stack.enter_context(relay(place, ses, store=store, more=more))
                relays[store, workers] = program, place / "log"
        time.sleep(2)
        for case in cases:  # warm
            for workers in (1, 2):
                _measure(case, workers, relays[case.store, workers], ses, kept=False)
        for _ in range(args.rounds):
            for case in cases:
                for workers in (1, 2):
                    _measure(case, workers, relays[case.store, workers], ses)
    heads = ("CPU ms: 1", "2 workers", "ratio", "msg/s: 1", "2")
    print("\n{:40} {:>10} {:>10} {:>6}  {:>8} {:>6}  split".format("", *heads))
    good = True
    for case in cases:
        one, two = (max(rates) for rates in zip(*case.rates, strict=True))
        split = f"{min(case.shares):.0%} - {max(case.shares):.0%}"
        print(
            f"{case.name:40} {statistics.median(case.one):10.3f} "
            f"{statistics.median(case.two):10.3f} {case.ratio:6.2f}  {one:8.0f} {two:6.0f}  {split}"
        )
        good &= case.ratio <= MOST_CPU and case.even
    bounds = f"{MOST_CPU} times the CPU and a split of {LEAST:.0%} - {MOST:.0%}"
    print(f"{'within' if good else 'not within'} {bounds}")
    if args.json:
        args.json.write_text(json.dumps([vars(case) for case in cases]))


def _measure(case, workers, running, ses, *, kept=True):
    program, log = running
    place, before, began = log.stat().st_size, taken(ses), time.perf_counter()
    spent = program.cpu()
    told = load(
        program.port,
        *("--messages", case.messages, "--sessions", case.sessions),
        *("--per-connection", case.per_connection),
    )
    while taken(ses) - before < case.messages and time.perf_counter() - began < 60:
        time.sleep(0.05)
    time.sleep(1.2)  # what is told each second is part of the price
    spent = program.cpu() - spent
    assert not told["refusals"], told
    if not kept:
        return
    if workers == 1:
        case.one.append(spent * 1000 / case.messages)
        case.rates.append((case.messages / told["seconds"], 0.0))
        return
    case.two.append(spent * 1000 / case.messages)
    case.rates.append((0.0, case.messages / told["seconds"]))
    sessions = collections.defaultdict(set)
    with log.open() as lines:
        lines.seek(place)
        for line in lines:
            event = json.loads(line)
            if event["event"] == "message.received":
                sessions[event["worker"]].add(event["session_id"])
    counts = [len(sessions[number]) for number in (0, 1)]
    case.shares.append(counts[0] / sum(counts))


if __name__ == "__main__":
    main()
