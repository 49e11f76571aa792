"""What one message costs may not creep up: counts where they are exact, ratios where they are not.

A small message is a matter of how much Python is run for it, so calls are counted: the same number
on a busy machine and on an idle one. A large one is a matter of octets, so its CPU time is held
against a fixed workload over the same octets, in turns, the best of several of each.

When a test fails: look for what was added per message. When the cost is meant: write the new number
here, in the commit that causes it. When the number fell by much: write it here as well.
"""

import asyncio
import hashlib
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pybase64
import pytest
from relay_world import relaying, settings

from relay.delivery.body import form_body
from relay.mail.dkim import Signer
from relay.mail.dkim_keys import generate_rsa
from relay.mail.shape import Shaped, Shaping, shape
from relay.mail.signers import Signers
from relay.mail.split import Reading, split
from relay.model.envelope import Client
from relay.model.settings import SqliteStore
from relay.smtp.data import DataReader

TOLERANCE = 1.15
SINK = Path(__file__).parents[1] / "bench" / "sink.py"

# Calls of functions, in Python and in C, for a message of 4 KB from MAIL to SES's answer.
CALLS = 1700
CALLS_WITH_STORE = 1810
# A message of 5 MB through DATA, shape, signature and SES's wire form: times the CPU of hashing it
# and encoding it once.
LARGE = 16

HEAD = (
    b"From: Tickets <tickets@example.com>\r\nTo: someone@example.org\r\nSubject: A message\r\n"
    b"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
)
LINE = b"The quick brown fox jumps over the lazy dog, again and again and again.\r\n"


@pytest.fixture
def sink():
    """Run an SES in a process of its own, so that its calls are not counted."""
    with subprocess.Popen(
        [sys.executable, str(SINK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


class Count:
    """Counts the calls of this thread, but for those of the event loop, which vary with time."""

    def __init__(self):
        self.calls = 0
        self.places = Counter()

    def __call__(self, frame, event, _):
        if event in ("call", "c_call"):
            code = frame.f_code
            if "/asyncio/" not in code.co_filename and "selectors.py" not in code.co_filename:
                self.calls += 1
                self.places[f"{code.co_filename.rpartition('/relay/')[2]}:{code.co_name}"] += 1


def submit(port, count):
    """Send small messages over one connection, from a thread that is not counted."""
    content = (HEAD + LINE * 52)[:4094] + b"\r\n.\r\n"
    with socket.create_connection(("127.0.0.1", port)) as peer, peer.makefile("rb") as replies:
        replies.readline()
        for command in [b"EHLO guard\r\n"] + count * [
            b"MAIL FROM:<tickets@example.com>\r\n",
            b"RCPT TO:<someone@example.org>\r\n",
            b"DATA\r\n",
            content,
        ]:
            peer.sendall(command)
            while (reply := replies.readline())[3:4] == b"-":
                pass
            assert reply[:1] in b"23", reply
        peer.sendall(b"QUIT\r\n")


async def calls_for_one(world, count=40):
    async def sent(messages):
        done = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()

        def work():
            try:
                submit(world.port, messages)
            finally:
                loop.call_soon_threadsafe(done.set_result, None)

        thread = threading.Thread(target=work)
        thread.start()
        await done
        thread.join()

    await sent(10)
    counting = Count()
    sys.setprofile(counting)
    try:
        await sent(count)
    finally:
        sys.setprofile(None)
    return counting.calls / count, counting.places


def judge(found, known, what):
    share, places = found / known, ""
    if isinstance(what, Counter):
        places = "; most: " + ", ".join(f"{n} {place}" for place, n in what.most_common(8))
    assert share <= TOLERANCE, f"{found:.2f}, known {known}: {share:.0%} of it{places}"


async def test_the_calls_for_a_small_message(sink):
    async with relaying(settings(sink)) as world:
        found, places = await calls_for_one(world)
    judge(found, CALLS, places)


async def test_the_calls_for_a_small_message_with_a_store(sink, tmp_path):
    async with relaying(settings(sink, store=SqliteStore(tmp_path / "queue"))) as world:
        found, places = await calls_for_one(world)
    judge(found, CALLS_WITH_STORE, places)


def test_the_time_for_a_large_message():
    octets = HEAD + LINE * 70_000
    signer = Signer(domain="example.com", selector="s1", key=generate_rsa(2048))
    how = Shaping(
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
        signers=Signers({"example.com": (signer,)}),
    )

    def whole():
        reader = DataReader(mend=True)
        for start in range(0, len(octets), 262_144):
            reader.feed(octets[start : start + 262_144])
        reader.feed(b".\r\n")
        reading = split(reader.octets)
        assert isinstance(reading, Reading)
        shaped = shape(reading, how)
        assert isinstance(shaped, Shaped)
        asyncio.run(form_body(b"RawMessage.Data=", shaped.content))

    def fixed():
        hashlib.sha256(octets).digest()
        pybase64.b64encode(octets).replace(b"+", b"%2B")

    def spent(work):
        began = time.process_time()
        work()
        return time.process_time() - began

    both = [(spent(whole), spent(fixed)) for _ in range(9)]
    found = min(one for one, _ in both) / min(other for _, other in both)
    judge(found, LARGE, "CPU of a large message")
