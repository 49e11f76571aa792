"""What the relay adds to a call of a 50 ms SES, at half of the rate that it reaches at most."""

from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from processes import load, relay, sink
from throughput import SIGNED, spread

DELAY = 0.05  # seconds that SES takes
STARTS = {"no DKIM": {}, "DKIM": SIGNED, "DKIM, with a store": SIGNED | {"store": "sqlite"}}


def latency(effort, results):
    """Compare the same calls with and without the relay before them, in turns."""
    print("\n  added to SES's 50 ms, at half the best rate         p50 (ms)                   p99")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        ses = stack.enter_context(sink(DELAY))
        programs = {
            name: stack.enter_context(relay(folder / name, ses, **how))
            for name, how in (STARTS if effort.full else dict(list(STARTS.items())[:2])).items()
        }
        rates = {name: _best(program, effort) / 2 for name, program in programs.items()}
        added = {name: {"p50_ms": [], "p99_ms": [], "bare_ms": []} for name in programs}
        for _ in range(effort.rounds):
            for name, program in programs.items():
                rate, seconds = rates[name], 4 if effort.full else 2
                paced = (
                    "--messages",
                    int(rate * seconds),
                    "--sessions",
                    100,
                    "--rate",
                    rate,
                )
                plain = load(ses.port, "--kind", "bare", *paced)
                said = load(program.port, *paced)
                for quantile in ("p50_ms", "p99_ms"):
                    added[name][quantile].append(said[quantile] - plain[quantile])
                added[name]["bare_ms"].append(plain["p99_ms"] - DELAY * 1000)
    for name, values in added.items():
        results[f"latency, {name}"] = {"rate": rates[name], **values}
        print(
            f"  {name:20} at {rates[name]:5.0f} msg/s {spread(values['p50_ms'], 1)} "
            f"{spread(values['p99_ms'], 1)} "
            f"(the bare call's own p99: {median(values['bare_ms']):.1f} over SES's time)"
        )


def _best(program, effort):
    """Give the best rate of messages a second, with as many sessions as it takes."""
    crowd = ("--sessions", 150)
    load(program.port, "--messages", 500, *crowd)
    runs = [load(program.port, "--messages", 2000, *crowd) for _ in range(effort.rounds)]
    return max(one["messages"] / one["seconds"] for one in runs)
