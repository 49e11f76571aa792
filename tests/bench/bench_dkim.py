"""What signing and shaping cost, each as a ratio to a reference measured in the same run.

Run it by itself: `python tests/bench/bench_dkim.py`. It exits with 1 when a goal is missed by the
best of several rounds; machines swing, ratios within a round do not.
"""

import hashlib
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address

from relay.mail.body_hash import body_hash
from relay.mail.dkim import Signer
from relay.mail.dkim_keys import generate_rsa
from relay.mail.refusal import Refusal
from relay.mail.shape import Shaped, Shaping, shape
from relay.mail.signers import Signers
from relay.mail.split import Reading, split
from relay.model.content import Content
from relay.model.envelope import Client

ROUNDS = 7
NOW = datetime(2026, 11, 21, tzinfo=UTC)
SIGNER = Signer(domain="example.com", selector="s1", key=generate_rsa(2048))
HOW = Shaping(
    client=Client(
        session_id="s",
        address=ip_address("192.0.2.1"),
        helo="app.example.com",
        esmtp=True,
        tls=None,
        user="u",
        authenticated=True,
        listener="l",
    ),
    queue_id="q1",
    hostname="relay.example.com",
    now=NOW,
    limit=40 * 1024 * 1024,
    signers=Signers({"example.com": (SIGNER,)}),
)

HEADER = (
    b"From: Tickets <tickets@example.com>\r\nTo: someone@example.org\r\n"
    b"Subject: [#1234] Your request has been received\r\n"
    b"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1234.5678@app.example.com>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 7bit\r\nReply-To: tickets@example.com\r\n\r\n"
)
PROSE = b"The quick brown fox jumps over the lazy dog; pack my box with jugs.\r\n"


def cpu(work: Callable[[], object], times: int) -> float:
    """Give milliseconds of CPU for one call."""
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times * 1e3


def read(octets: bytes) -> Content:
    reading = split(octets)
    assert isinstance(reading, Reading)
    return reading.content


def shaped(octets: bytes) -> Shaped:
    reading = split(octets)
    assert isinstance(reading, Reading)
    result = shape(reading, HOW)
    assert not isinstance(result, Refusal), result
    return result


def compared(work: Callable[[], object], reference: Callable[[], object], times: int) -> float:
    """Give the smallest ratio of several rounds; both sides of one round run side by side."""
    ratios = []
    for _ in range(ROUNDS):
        ratios.append(cpu(work, times) / cpu(reference, times))
    print(
        f"    {cpu(work, times):8.3f} ms; ratios {min(ratios):.2f} to {max(ratios):.2f}, ", end=""
    )
    print(f"median {statistics.median(ratios):.2f}")
    return min(ratios)


def main() -> int:
    """Print every ratio beside its goal."""
    small = HEADER + PROSE * (4096 // len(PROSE))
    small_content = read(small)
    bodies = {
        "base64": (b"QUJD" * 19 + b"\r\n") * (5 * 1024 * 1024 // 78),
        "prose": PROSE * (5 * 1024 * 1024 // len(PROSE)),
        "indented": (b"    " + PROSE) * (5 * 1024 * 1024 // (len(PROSE) + 4)),
        "blanks": b"a b\t  c   \r\n" * (5 * 1024 * 1024 // 12),
    }
    missed = 0

    def judge(name: str, goal: float, ratio: float) -> None:
        nonlocal missed
        kept = ratio <= goal
        missed += not kept
        print(f"{'ok    ' if kept else 'MISSED'} {name}: {ratio:.2f} of at most {goal}")

    judge(
        "sign 4 KB / bare RSA-2048 signature",
        1.6,
        compared(lambda: SIGNER.sign(small_content, NOW), lambda: SIGNER.key.sign(b"d" * 32), 300),
    )
    judge(
        "read, shape and sign 4 KB / bare RSA-2048 signature",
        2.2,
        compared(lambda: shaped(small), lambda: SIGNER.key.sign(b"d" * 32), 300),
    )
    for name, body in bodies.items():
        view = memoryview(HEADER + body)[len(HEADER) :]
        content = Content(small_content.fields, view)
        judge(
            f"sign 5 MB of {name} / hashing it once",
            3,
            compared(lambda c=content: SIGNER.sign(c, NOW), lambda b=body: hashlib.sha256(b), 3),
        )
    for name in ("base64", "blanks"):
        once, four = bodies[name], bodies[name] * 4
        judge(
            f"hash 20 MB of {name} / hashing 5 MB of it (linear: 4)",
            5,
            compared(lambda b=four: body_hash(b), lambda b=once: body_hash(b), 1),
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
