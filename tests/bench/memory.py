"""What an idle connection holds, in clear and under TLS."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from processes import load, relay, sink
from throughput import KB, spread

KINDS = {"in clear": (1000, []), "with TLS and AUTH": (300, ["--tls"])}


def memory(effort, results):
    """Hold many connections and look at the resident memory."""
    print()
    for name, (count, tls) in KINDS.items():
        found = []
        for _ in range(effort.rounds if effort.full else 1):
            with ExitStack() as stack:
                folder = Path(stack.enter_context(TemporaryDirectory()))
                ses = stack.enter_context(sink())
                program = stack.enter_context(relay(folder / "r", ses))
                load(program.port, "--messages", 200, *tls)
                # The first ones pay for what is there once, and it stays.
                for some in (50, count):
                    before = program.memory()
                    held = load(
                        program.port, "--kind", "idle", "--sessions", some, *tls, wait=False
                    )
                    held.stdout.readline()
                    each = (program.memory() - before) / some / KB
                    held.communicate("")
                found.append(each)
        print(f"  an idle connection {name:18} {spread(found, 1)} KB")
        results[f"idle {name}"] = found
