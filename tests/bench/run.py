"""Measure the relay from outside, in one run: `python tests/bench/run.py [PART…]`.

Parts: `throughput` (CPU and rate by path and size, beside references), `latency` (added to a 50 ms
SES at half the best rate), `large` (ten messages of 40 MB beside small ones), `memory` (idle
connections). Without a part all of them; `--rounds N` repeats each throughput case N times, the
cases in turn, so that a noisy minute hits all of them; `--json FILE` keeps the numbers.

Trust the ratios: machines swing by a factor of two, references measured beside swing with them. CPU
is that of the relay's whole process tree. A line says so when the generator or the sink, and not
the relay, was at its limit.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import processes
from processes import HERE, load, relay, report, sink, taken

KB, MB = 1024, 1024 * 1024
LARGEST = 39_900_000  # octets: SES's 40 MB but for what the relay adds
BUSY = 0.85  # of a core: who is this busy, limits


@dataclass
class Case:
    """One line of the table."""

    name: str
    size: int = 4 * KB
    messages: int = 2000
    sessions: int = 10
    start: dict = field(default_factory=dict)  # how the relay is configured
    naive: str | None = None  # not the relay: the 40-line program, or stock aiosmtpd
    tls: bool = False
    per_connection: int = 1_000_000
    drained: bool = False  # CPU counts until the sink has all of it
    cpu: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    limits: set[str] = field(default_factory=set)


V2 = {"route": ", api: v2"}
SIGNED = {"dkim": True}
LATER = {"store": "sqlite", "queue": ", wait: 0s"}
# One recipient a second may go: what is measured is taking and keeping, replies included.
KEPT = {**LATER, "route": ", max_send_rate: 1"}


def cases():
    yield Case("stock aiosmtpd, mail thrown away", naive="discard")
    yield Case("40 lines: aiosmtpd + aioboto3", naive="relay", messages=600)
    yield Case("accept → SES v1")
    yield Case("accept → SES v2", start=V2)
    yield Case("accept → DKIM → SES v1", start=SIGNED)
    yield Case("accept → DKIM → SES v2", start=SIGNED | V2)
    yield Case("the same, TLS and AUTH, 20 a connection", start=SIGNED, tls=True, per_connection=20)
    yield Case("with a store, attempt first", start={"store": "sqlite"})
    yield Case("accept → queue → DKIM → SES v1", start=LATER | SIGNED, drained=True, messages=1000)
    yield Case("accept → queue only", start=KEPT)
    for size, name, messages in (
        (100 * KB, "100 KB", 200),
        (5 * MB, "5 MB", 16),
        (LARGEST, "40 MB", 4),
    ):
        sessions = 2 if size > MB else 10
        for api, how in (("v1", {}), ("v2", V2)):
            if size > 10 * MB and api == "v1":
                continue  # SES v1 takes 10 MiB
            yield Case(f"{name}, accept → DKIM → SES {api}", size, messages, sessions, SIGNED | how)
        if size < 10 * MB:
            yield Case(f"{name}, 40 lines", size, max(messages // 4, 2), sessions, naive="relay")


def throughput(rounds, results):
    """Measure CPU per message and rate of every case, and the references, round by round."""
    every = list(cases())
    rsa, call = [], []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ses = stack.enter_context(sink())
        programs = [_started(stack, folder / str(n), case, ses) for n, case in enumerate(every)]
        for case, program in zip(every, programs, strict=True):
            _load(case, program, case.messages // 10 + 2)  # warm
        for _ in range(rounds):
            rsa.append(_child("rsa"))
            call.append(_child("call", ses.port))
            for case, program in zip(every, programs, strict=True):
                _measure(case, program, ses)
    results["rsa_ms"], results["send_raw_email_ms"] = (
        statistics.median(rsa),
        statistics.median(call),
    )
    print(f"\nbare RSA-2048 signature       {_middle(rsa, 3)} ms")
    print(f"stock send_raw_email, 4 KB    {_middle(call, 3)} ms")
    print(f"\n{'CPU ms a message':44} {'median (least - most)':24} {'/ RSA':>6} {'msg/s':>7}")
    for case in every:
        unit = statistics.median(case.cpu) / results["rsa_ms"]
        print(
            f"{case.name:44} {_middle(case.cpu, 3):24} {unit:6.2f} {max(case.rate):7.0f}"
            f"{'  limited by ' + ' and '.join(sorted(case.limits)) if case.limits else ''}"
        )
        results[case.name] = {"cpu_ms": case.cpu, "rate": case.rate, "limits": sorted(case.limits)}
    _postfix(results)


def _started(stack, folder, case, ses):
    if case.naive == "discard":
        program = processes.Program(HERE / "naive.py")
    elif case.naive:
        program = processes.Program(HERE / "naive.py", f"http://127.0.0.1:{ses.port}")
    else:
        program = relay(folder, ses, **case.start)
    return stack.enter_context(program)


def _load(case, program, messages):
    tls = ["--tls"] if case.tls else []
    return load(
        program.port,
        *("--messages", messages, "--size", case.size, "--sessions", case.sessions),
        *("--per-connection", case.per_connection, *tls),
    )


def _measure(case, program, ses):
    before, theirs, there = program.cpu(), ses.cpu(), taken(ses)
    began = time.perf_counter()
    said = _load(case, program, case.messages)
    if case.drained:
        while taken(ses) < there + case.messages:
            time.sleep(0.05)
    seconds = time.perf_counter() - began if case.drained else said["seconds"]
    if said["refusals"]:
        raise SystemExit(f"{case.name}: {said['refusals']}")
    case.cpu.append((program.cpu() - before) / case.messages * 1000)
    case.rate.append(case.messages / seconds)
    if said["cpu_seconds"] > BUSY * said["seconds"]:
        case.limits.add("the generator")
    if ses.cpu() - theirs > BUSY * seconds:
        case.limits.add("the sink")


def _child(what, *arguments):
    out = subprocess.run(
        [sys.executable, HERE / "references.py", what, *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        env=processes.ENVIRONMENT,
    ).stdout
    return float(out)


def _postfix(results):
    if shutil.which("postfix") is None or shutil.which("smtp-sink") is None:
        print("\nPostfix is not installed here; the bar in relay/README.md was measured elsewhere.")
        results["postfix"] = None
        return
    print("\nPostfix is installed, but a measurement may not change a running system's set-up.")


def latency(rounds, results):
    """Measure what the relay adds to a bare call of a 50 ms SES, at half of what it can do."""
    print("\nadded to SES's 50 ms, at half the best rate       p50        p99 (ms)")
    for name, start in (
        ("no DKIM", {}),
        ("DKIM", SIGNED),
        ("DKIM, store", SIGNED | {"store": "sqlite"}),
    ):
        added, lag = {"p50_ms": [], "p99_ms": []}, []
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            ses = stack.enter_context(sink(0.05))
            program = stack.enter_context(relay(folder / "r", ses, **start))
            load(program.port, "--messages", 500, "--sessions", 100)
            best = load(program.port, "--messages", 3000, "--sessions", 100)
            rate = best["messages"] / best["seconds"] / 2
            for _ in range(rounds):
                paced = ("--messages", int(rate * 4), "--sessions", 100, "--rate", rate)
                plain = load(ses.port, "--kind", "bare", *paced)
                said = load(program.port, *paced)
                for key, values in added.items():
                    values.append(said[key] - plain[key])
                lag.append(said["own_lag_ms"])
        results[f"latency, {name}"] = {"rate": rate, "own_lag_ms": lag, **added}
        print(
            f"  {name:20} {rate:6.0f} msg/s   {_middle(added['p50_ms'], 1):20} "
            f"{_middle(added['p99_ms'], 1):20} generator late by up to {max(lag)} ms"
        )


def large(_rounds, results):
    """Ten messages of 40 MB at once beside small ones: stalls, the small ones' time, memory."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ses = stack.enter_context(sink(0.05))
        program = stack.enter_context(
            relay(folder / "r", ses, dkim=True, more="limits: {octets_in_flight: 2GiB}")
        )
        load(program.port, "--messages", 200)
        load(program.port, "--messages", 2, "--size", LARGEST)
        resting = program.memory()
        program.forget_peak()
        small = load(program.port, "--messages", 400, "--rate", 40, wait=False)
        probing = load(
            program.port, "--kind", "probe", "--sessions", 1, "--seconds", 10, wait=False
        )
        big = load(program.port, "--messages", 10, "--sessions", 10, "--size", LARGEST)
        octets = 10 * LARGEST * (1 + 4 / 3)  # received, and sent in base64
        peak = program.memory("VmHWM") - resting
        said, probed = report(small), report(probing)
        ratio = peak / octets
    print(
        f"\nten of 40 MB at once: {big['seconds']:.1f} s, refused {sum(big['refusals'].values())}"
    )
    print(f"  small ones beside: p50 {said['p50_ms']} ms, p99 {said['p99_ms']} ms (50 are SES's)")
    print(
        f"  NOOP at the same time: p99 {probed['p99_ms']} ms, longest {probed['max_ms']} ms "
        f"(the generator's own lag: {probed['own_lag_ms']} ms)"
    )
    print(
        f"  memory: {peak / MB:.0f} MB more than at rest, {ratio:.2f} per octet received and sent"
    )
    results["large"] = {"big": big, "small": said, "probe": probed, "octets_ratio": ratio}


def memory(_rounds, results):
    """Measure what an idle connection holds, in clear and under TLS."""
    for name, count, tls in (("in clear", 1000, []), ("with TLS and AUTH", 300, ["--tls"])):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            ses = stack.enter_context(sink())
            program = stack.enter_context(relay(folder / "r", ses))
            load(program.port, "--messages", 200, *tls)
            before = program.memory()
            held = load(program.port, "--kind", "idle", "--sessions", count, *tls, wait=False)
            held.stdout.readline()
            each = (program.memory() - before) / count / KB
            held.communicate("")
        print(f"an idle connection {name}: {each:.1f} KB")
        results[f"idle {name}"] = each


def _middle(values, digits):
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} - {high:.{digits}f})"


PARTS = {"throughput": throughput, "latency": latency, "large": large, "memory": memory}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", help=" ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")
    results = {}
    for name in args.parts or PARTS:
        PARTS[name](args.rounds, results)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
