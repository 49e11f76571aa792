"""CPU per message and rate of every path, size and protection, beside references and peers.

All programs run at the same time and are measured in turns, round by round, so that a noisy minute
hits all of them. What a case costs in a round is held against a bare RSA-2048 signature right
before and right after it in that round; a ratio is the median of the rounds'.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from peers import PEERS, Absent, smtp_source
from processes import HERE, GeneratorFailedError, Program, load, relay, sink, taken

KB, MB = 1024, 1024 * 1024
LARGEST = 39_900_000  # octets: SES's 40 MB but for what the relay adds
BUSY = 0.85  # of a core: who is this busy, limits

SIGNED, LATER = {"dkim": True}, {"store": "sqlite", "queue": ", wait: 0s"}
V1, V2 = {"route": ", api: v1"}, {"route": ", api: v2"}
# How the relay is configured for each path; `drained`: CPU counts until SES has all of it.
ACCEPT, PLAIN, SIGNING = "accept, discard", "→ SES v1", "→ DKIM → SES v1"
QUEUED, KEPT = "→ queue → DKIM → SES", "→ queue"
PATHS = {
    ACCEPT: {"more": "rules: [{name: all, then: {discard: true}}]"},
    PLAIN: V1,
    "→ SES v2": V2,
    SIGNING: SIGNED | V1,
    "→ DKIM → SES v2": SIGNED | V2,
    "→ SES, with a store": {"store": "sqlite"},
    # One recipient a second may go: what is measured is taking and keeping, replies included.
    KEPT: LATER | {"route": ", max_send_rate: 1"},
    QUEUED: LATER | SIGNED,
}
SIZES = {"4 KB": (4 * KB, 2000), "100 KB": (100 * KB, 200), "5 MB": (5 * MB, 12)}
SIZES["40 MB"] = (LARGEST, 4)
STOCK, NAIVE = list(PEERS)[:2]
TLS = " TLS, AUTH"
SOURCE = ", sent by smtp-source"
WIDTH = 40


@dataclass
class Case:
    """One line of the table: a program, a size, a protection."""

    name: str
    size: int
    messages: int
    program: Program
    ses: Program
    drained: object = None  # waits until all of it has left, where that counts
    tls: bool = False
    generate: object = load
    cpu: list[float] = field(default_factory=list)
    unit: list[float] = field(default_factory=list)  # the RSA signature beside it
    rate: list[float] = field(default_factory=list)
    generator: list[float] = field(default_factory=list)  # share of a core
    sink: list[float] = field(default_factory=list)

    @property
    def ratios(self):
        return [cpu / unit for cpu, unit in zip(self.cpu, self.unit, strict=True)]

    def warm(self):
        """Send a few; gives why the program cannot take them, if it cannot."""
        try:
            said, _ = self.load(self.messages // 10 + 2)
        except GeneratorFailedError as reason:
            return str(reason)
        return said["refusals"]

    def load(self, messages):
        """Send so many; gives what the generator says, and the seconds until all of it had left."""
        sessions = 10 if self.size < MB else 2
        how = ["--tls", "--per-connection", 20] if self.tls else []
        there = taken(self.ses) if self.drained else 0
        began = time.perf_counter()
        said = self.generate(
            self.program.port,
            *("--messages", messages, "--size", self.size, "--sessions", sessions, *how),
        )
        if not self.drained:
            return said, said["seconds"]
        self.drained(there + messages)
        return said, time.perf_counter() - began

    def measure(self, signature):
        unit, before, theirs = signature(), self.program.cpu(), self.ses.cpu()
        said, seconds = self.load(self.messages)
        spent, theirs = self.program.cpu() - before, self.ses.cpu() - theirs
        if said["refusals"]:
            raise SystemExit(f"{self.name}: {said['refusals']}")
        self.cpu.append(spent / self.messages * 1000)
        self.unit.append((unit + signature()) / 2)
        self.rate.append(self.messages / seconds)
        self.generator.append(said["cpu_seconds"] / said["seconds"])
        self.sink.append(theirs / seconds)

    def __str__(self):
        limits = [
            who
            for who, shares in (("generator", self.generator), ("sink", self.sink))
            if median(shares) > BUSY
        ]
        return (
            f"  {self.name:{WIDTH}} {spread(self.cpu, 3)} {spread(self.ratios, 2)} "
            f"{max(self.rate):7.0f} {median(self.generator):6.0%} {median(self.sink):5.0%}"
            f"{'  limited by ' + ' and '.join(limits) if limits else ''}"
        )


class References:
    """Programs of ours that do one thing, asked again and again."""

    def __init__(self, ses):
        self.process = Program(HERE / "references.py")
        self.ses = ses

    def ask(self, *words):
        self.process.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.process.stdin.flush()
        return float(self.process.process.stdout.readline())

    def signature(self):
        return self.ask("rsa")

    def call(self, *size):
        return self.ask("call", self.ses.port, *size)


def throughput(effort, results):
    """Measure every case and the references, round by round."""
    calls, rsa = [], []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        ses = stack.enter_context(sink())
        references = References(ses)
        stack.enter_context(references.process)
        cases = [
            case
            for case in (*_peers(stack, folder, ses), *_paths(stack, folder, ses))
            if effort.full or _essential(case)
        ]
        for case in cases:
            case.messages //= 2 if effort.quick else 1
        for case in tuple(cases):
            if fault := case.warm():
                print(f"not measured: {case.name}: {fault}")
                cases.remove(case)
        for _ in range(effort.rounds):
            for case in cases:
                case.measure(references.signature)
            calls.append(references.call())
            rsa.append(references.signature())
    _tell(cases, calls, rsa)
    results["rsa_ms"] = median(unit for case in cases for unit in case.unit)
    results["send_raw_email_ms"] = median(calls)
    for case in cases:
        results[case.name] = {"cpu_ms": case.cpu, "per_rsa": case.ratios, "rate": case.rate}


def _essential(case):
    """Tell what a quick pass measures: each path and peer in small, one large, one protected."""
    if case.tls:
        return case.name == f"4 KB {SIGNING}{TLS}"
    return case.size == 4 * KB or case.name in (f"5 MB {SIGNING}", f"5 MB {NAIVE}")


def _peers(stack, folder, ses):
    for number, (name, start) in enumerate(PEERS.items()):
        place = folder / f"peer{number}"
        place.mkdir()
        try:
            program, drained = stack.enter_context(start(place, ses))
        except Absent as reason:
            print(f"not measured: {name}: {reason}")
            continue
        yield Case(f"4 KB {name}", 4 * KB, 1000, program, ses, drained)
        if name != STOCK:
            yield Case(f"5 MB {name}", 5 * MB, 4, program, ses, drained)


def _paths(stack, folder, ses):
    for number, (path, how) in enumerate(PATHS.items()):
        program = stack.enter_context(relay(folder / f"relay{number}", ses, **how))
        for size, (octets, messages) in SIZES.items():
            if octets == LARGEST and how.get("route") == V1["route"]:
                continue  # SES v1 takes 10 MiB
            for tls in (False, True):
                name = f"{size} {path}{TLS * tls}"
                drained = partial(sent, ses) if path == QUEUED else None
                yield Case(name, octets, messages, program, ses, drained, tls)
            if path == PLAIN and size == "4 KB":
                yield from _by_another(f"{size} {path}", octets, messages, program, ses)


def _by_another(name, *what):
    """Let Postfix's generator send its own, plainer message: ours is no cheaper to be sent to."""
    try:
        yield Case(f"{name}{SOURCE}", *what, generate=smtp_source())
    except Absent as reason:
        print(f"not measured: {name}{SOURCE}: {reason}")


def sent(ses, count):
    """Wait until SES has so many."""
    while taken(ses) < count:
        time.sleep(0.02)


def spread(values, digits):
    low, high = min(values), max(values)
    return f"{median(values):8.{digits}f} ({low:.{digits}f} - {high:.{digits}f})".ljust(26)


def _tell(cases, calls, rsa):
    print(f"\nbare RSA-2048 signature       {spread(rsa, 3)} ms of CPU")
    print(f"stock send_raw_email, 4 KB    {spread(calls, 3)}")
    print(
        f"\n  {'':{WIDTH}} {'CPU ms a message':26} {'/ RSA signature':26} {'msg/s':>7} "
        f"{'generator':>6} {'sink':>5}"
    )
    for case in sorted(cases, key=lambda case: case.size):
        print(case)
