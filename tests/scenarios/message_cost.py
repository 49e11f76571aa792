"""What one message costs a whole relay: Python instructions run and functions called for it.

Both are the same numbers on a busy machine and on an idle one. Instructions tell of loops, calls of
what is done in C behind one instruction. Counted are the threads of the relay, the store's too;
asyncio's own code is left out, whose rounds vary with time, and so are the client and SES.
"""

import asyncio
import itertools
import socket
import sys
import threading
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass

from relay_world import PATIENCE

HEAD = (
    b"From: Tickets <tickets@example.com>\r\nTo: someone@example.org\r\nSubject: A message\r\n"
    b"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
)
LINE = b"The quick brown fox jumps over the lazy dog, again and again and again.\r\n"
CONTENT = (HEAD + LINE * 52)[:4094] + b"\r\n.\r\n"
ROUNDS, MESSAGES = 5, 10
OTHERS = ("/asyncio/", "/selectors.py", "/message_cost.py", "/threading.py")


@dataclass(frozen=True)
class Cost:
    """For one message."""

    instructions: float
    calls: float
    places: Counter  # where most of the instructions are run


class Meter:
    """Counts while it is on."""

    def __init__(self):
        self.on = False
        self.clear()

    def clear(self):
        # Counting is one step in C, so that threads do not lose each other's.
        self._calls, self._instructions = itertools.count(), itertools.count()
        self.places = Counter()

    def read(self, messages):
        return Cost(next(self._instructions) / messages, next(self._calls) / messages, self.places)

    @contextmanager
    def watching(self):
        """Watch this thread, and those that are started meanwhile."""
        before = sys.gettrace(), sys.getprofile()
        for one in (sys, threading):
            one.settrace(self._trace)
            one.setprofile(self._profile)
        try:
            yield
        finally:
            threading.settrace(None)
            threading.setprofile(None)
            sys.settrace(before[0])
            sys.setprofile(before[1])

    def _trace(self, frame, event, _):
        if not self.on or _foreign(frame.f_code.co_filename):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._instruction

    def _instruction(self, frame, event, _):
        if self.on and event == "opcode":
            next(self._instructions)
            self.places[frame.f_code] += 1
        return self._instruction

    def _profile(self, frame, event, _):
        if self.on and event in ("call", "c_call") and not _foreign(frame.f_code.co_filename):
            next(self._calls)


def _foreign(path):
    return any(part in path for part in OTHERS)


def submit(port, count):
    """Send messages over one connection."""
    with socket.create_connection(("127.0.0.1", port)) as peer, peer.makefile("rb") as replies:
        replies.readline()
        for command in [b"EHLO guard\r\n"] + count * [
            b"MAIL FROM:<tickets@example.com>\r\n",
            b"RCPT TO:<someone@example.org>\r\n",
            b"DATA\r\n",
            CONTENT,
        ]:
            peer.sendall(command)
            while (reply := replies.readline())[3:4] == b"-":
                pass
            assert reply[:1] in b"23", reply
        peer.sendall(b"QUIT\r\n")
        replies.read()


def taken(url):
    """Say how many messages SES has."""
    with urllib.request.urlopen(f"{url}/count", timeout=PATIENCE) as answer:
        return int(answer.read())


async def measured(meter, port, ses=None):
    """Give the middle of some rounds: now and then something else is due as well.

    What the store does a moment later counts in the round after: so it is the middle and not
    the least. With `ses` a round ends when SES has all of it, else when the client was answered.
    """

    def work(messages):
        sys.settrace(None)
        sys.setprofile(None)
        expected = ses and taken(ses) + messages
        submit(port, messages)
        until = time.monotonic() + PATIENCE
        while ses and taken(ses) < expected:
            assert time.monotonic() < until
            time.sleep(0.02)

    async def sent(messages):
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def run():
            try:
                work(messages)
            finally:
                loop.call_soon_threadsafe(done.set)

        thread = threading.Thread(target=run)
        thread.start()
        await done.wait()
        thread.join()

    await sent(MESSAGES)
    found = []
    meter.on = True
    for _ in range(ROUNDS):
        meter.clear()
        await sent(MESSAGES)
        found.append(meter.read(MESSAGES))
    meter.on = False
    return sorted(found, key=lambda cost: cost.instructions)[ROUNDS // 2]
