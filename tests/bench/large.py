"""Ten messages of 40 MB at once beside small ones: stalls, the small ones' time, memory.

A stall is how late the relay answers NOOP meanwhile. The same question goes to a server beside it
that has nothing else to do: how late that one is, is the machine's doing.
"""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from latency import DELAY
from processes import HERE, Program, load, relay, report, sink
from throughput import LARGEST, MB, SIGNED

COUNT = 10


def large(effort, results):
    """Measure some rounds, and print each."""
    rounds = []
    print(f"\n{COUNT} messages of 40 MB at once, beside 40 small ones a second (SES takes 50 ms)")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        ses = stack.enter_context(sink(DELAY))
        idle = stack.enter_context(Program(HERE / "naive.py"))
        program = stack.enter_context(
            relay(folder / "r", ses, more="limits: {octets_in_flight: 2GiB}", **SIGNED)
        )
        load(program.port, "--messages", 200)
        load(program.port, "--messages", 2, "--size", LARGEST)
        for _ in range(effort.rounds):
            rounds.append(_measured(program, idle))
            print("  " + _told(rounds[-1]))
    results["large"] = rounds


def _measured(program, idle):
    resting = program.memory()
    program.forget_peak()
    small = load(program.port, "--messages", 200, "--rate", 40, wait=False)
    asked = ("--kind", "probe", "--sessions", 1, "--seconds", 5)
    probing = [load(port, *asked, wait=False) for port in (program.port, idle.port)]
    big = load(program.port, "--messages", COUNT, "--sessions", COUNT, "--size", LARGEST)
    if big["refusals"]:
        raise SystemExit(f"refused: {big['refusals']}")
    said, (probed, beside) = report(small), [report(one) for one in probing]
    octets = COUNT * LARGEST * (1 + 4 / 3)  # received, and sent in base64
    return {
        "seconds": big["seconds"],
        "small_p50_ms": said["p50_ms"] - DELAY * 1000,
        "small_p99_ms": said["p99_ms"] - DELAY * 1000,
        "stall_ms": probed["max_ms"],
        "idle_ms": beside["max_ms"],
        "peak_mb": (program.memory("VmHWM") - resting) / MB,
        "octets_ratio": (program.memory("VmHWM") - resting) / octets,
    }


def _told(one):
    return (
        f"{one['seconds']:4.1f} s; small ones + {one['small_p50_ms']:.0f} ms p50, "
        f"+ {one['small_p99_ms']:.0f} p99; longest stall {one['stall_ms']:.0f} ms "
        f"({one['idle_ms']:.0f} at the idle server); memory {one['peak_mb']:.0f} MB more than at "
        f"rest, {one['octets_ratio']:.2f} per octet received and sent"
    )
