"""The CPU of a message of 5 MB, through DATA, shape, signature and SES's wire form.

Run by itself it prints how often that of a fixed workload over the same octets, which takes about
as long, both in turns and the least of several: with neighbours or without, that moves by two or
three in a hundred. A process of its own, because what memory costs depends on what ran before.
A number as argument makes the work dearer by that part of itself.
"""

# ruff: noqa: E402 - the script finds the package and the tests' own modules first

import asyncio
import hashlib
import sys
import time
import zlib
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from message_cost import HEAD, LINE

from relay.delivery.body import form_body
from relay.mail.dkim import Signer
from relay.mail.dkim_keys import generate_rsa
from relay.mail.shape import Shaped, Shaping, shape
from relay.mail.signers import Signers
from relay.mail.split import Reading, split
from relay.model.envelope import Client
from relay.smtp.data import DataReader

ROUNDS = 15
OCTETS = HEAD + LINE * 70_000
HOW = Shaping(
    client=Client(
        session_id="s",
        address=ip_address("127.0.0.1"),
        helo="guard",
        esmtp=True,
        tls=None,
        user="u",
        authenticated=False,
        listener="l",
    ),
    queue_id="q",
    hostname="relay.example.com",
    now=datetime(2026, 11, 21, tzinfo=UTC),
    limit=10 * 1024 * 1024,
    signers=Signers(
        {"example.com": (Signer(domain="example.com", selector="s1", key=generate_rsa(2048)),)}
    ),
)


async def whole(more):
    began = time.process_time()
    reader = DataReader(mend=True)
    for start in range(0, len(OCTETS), 262_144):
        reader.feed(OCTETS[start : start + 262_144])
    reader.feed(b".\r\n")
    reading = split(reader.octets)
    assert isinstance(reading, Reading)
    shaped = shape(reading, HOW)
    assert isinstance(shaped, Shaped)
    await form_body(b"RawMessage.Data=", shaped.content)
    until = time.process_time() + more * (time.process_time() - began)
    while time.process_time() < until:
        pass


def fixed():
    """Read all octets again and again, and allocate nothing large."""
    for _ in range(5):
        hashlib.sha256(OCTETS).digest()
        zlib.crc32(OCTETS)


async def main(more):
    both = []
    for _ in range(ROUNDS):
        began = time.process_time()
        await whole(more)
        between = time.process_time()
        fixed()
        both.append((between - began, time.process_time() - between))
    print(min(one for one, _ in both) / min(other for _, other in both))


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
