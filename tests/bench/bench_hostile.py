"""Headers and bodies made to be slow: four times the octets may take four times the time, no more.

Run it by itself: `python tests/bench/bench_hostile.py`. It exits with 1 when one grows faster.
"""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product

from relay.mail.refusal import Refusal
from relay.mail.shape import Shaping, shape
from relay.mail.split import split
from relay.model.envelope import Client

SMALL, FACTOR, ALLOWED = 60_000, 4, 7
NOTICEABLE = 0.02  # seconds; below, a ratio says nothing

HOW = Shaping(
    client=Client(
        session_id="s",
        address=None,
        helo="",
        esmtp=True,
        tls=None,
        user=None,
        authenticated=False,
        listener="l",
    ),
    queue_id="q1",
    hostname="relay.example.com",
    now=datetime(2026, 11, 21, tzinfo=UTC),
    limit=40 * 1024 * 1024,
)

AUTHOR = b"From: a@example.com\r\n"
NAMES = (
    *(b"From", b"To", b"Reply-To", b"Subject", b"References", b"Message-ID", b"Content-Type"),
    *(b"Content-Disposition", b"DKIM-Signature", b"X-SES-MESSAGE-TAGS", b"Auto-Submitted"),
)
RUNS = (
    *(b"(", b"[", b'"', b"<", b'\\"', b"\\", b"a,", b";a=", b';a="', b";a*0=x", b" ", b"\t", b" a"),
    *(b"=?a?q?", b"=?utf-8?b?YQ==?= ", b"<a@b> ", b"\xff", b"\xff ", b'"\xff" ', b"\xc3\xa4@"),
    *(
        b"a\r\n ",
        b" \r\n ",
        b"%ff",
        b":",
        b"@",
        b".",
        b"\xff@\xff ",
        b"\xc3\xa4.",
        b"\x0c",
        b"h=a:",
    ),
)
BODIES = (
    *(b"--x\r\n", b"--x--\r\n", b"--x\r\n\r\n", b"--y\r\n", b"\r\n", b"A: b\r\n", b" \t ", b"="),
    *(b"\xff", b"a b  \r\n", b"--x\r\nContent-Type: message/rfc822\r\n\r\n"),
    b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n",
)


def cases() -> Iterator[tuple[str, Callable[[int], bytes]]]:
    """Give a name and a message of about that many octets for each attack."""
    for name, run in product(NAMES, RUNS):
        start = (b"" if name == b"From" else AUTHOR) + name + b": a@example.com;"
        yield (
            f"{name.decode()} of {run!r}",
            lambda size, start=start, run=run: start + run * (size // len(run)) + b"\r\n\r\nx\r\n",
        )
    start = AUTHOR + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    for run in BODIES:
        yield (
            f"body of {run[:30]!r}",
            lambda size, run=run: start + run * (8 * size // len(run)),
        )


def cpu(octets: bytes) -> float:
    """Give the seconds of CPU that reading and shaping take."""
    began = time.process_time()
    reading = split(octets)
    if not isinstance(reading, Refusal):
        shape(reading, HOW)
    return time.process_time() - began


def main() -> int:
    """Print what grows too fast, and the slowest of all."""
    slowest, missed = (0.0, ""), 0
    for name, made in cases():
        small, large = cpu(made(SMALL)), cpu(made(SMALL * FACTOR))
        slowest = max(slowest, (large, name))
        if large > NOTICEABLE and large > small * ALLOWED:
            missed += 1
            print(
                f"MISSED {name}: {large / small:.1f} times the time for {FACTOR} times the octets"
            )
    print(f"slowest: {slowest[0] * 1e3:.0f} ms, {slowest[1]}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
