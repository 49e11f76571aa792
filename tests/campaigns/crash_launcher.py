"""Run `ses-relay serve` again and again: everything is imported once, each life is a fork of that.

    python crash_launcher.py CONFIG LOG

Each line on standard input begins a life: `-` for an ordinary one, or `POINT N` for one that kills
itself when it passes a named point of the code for the n-th time (see `crash_points`). The answer
is a line with its process id, and a line with its wait status when it has ended. The log of all
lives is appended to the file LOG.

What a campaign cannot wait for is shortened here, never in the relay itself.
"""

import ctypes
import os
import signal
import sys
import traceback
from contextlib import suppress
from datetime import timedelta

import crash_points

from relay import cli
from relay.model import backoff

UNKNOWN_PAUSE = timedelta(seconds=1)
PR_SET_PDEATHSIG = 1  # prctl(2): nothing of a campaign outlives the test


def live(config, log, order):
    """Be the relay."""
    die_with_parent()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    backoff.UNKNOWN_PAUSE = UNKNOWN_PAUSE
    if order != "-":
        name, _, passes = order.partition(" ")
        crash_points.arm(name, int(passes))
    sys.argv = ["ses-relay", "serve", "--config", config]
    code = 99
    try:
        cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # what belongs to the launcher is not ours to clean up


def die_with_parent():
    with suppress(AttributeError):  # another system than Linux
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main():
    die_with_parent()
    config, log = sys.argv[1:]
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(config, log, line.strip())
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(status, flush=True)


if __name__ == "__main__":
    main()
