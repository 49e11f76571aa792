"""Many sessions at once: what an idle one costs, and whether a crowd slows a normal client down.

    python tests/bench/bench_sessions.py

The server runs in a process of its own and throws the mail away. Printed are its memory for each
idle connection (goals: 15 KB in clear, 60 KB with TLS), and the latency of a normal client that
sends 4 KB messages while the server is quiet and while it holds 5,000 idle sessions and 500 senders
that drip their content, in alternating runs (goal: the median within twice that of the quiet one).
It exits with 1 when a goal is missed. Each side needs some 6,000 open files.
"""

import asyncio
import gc
import os
import resource
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

IDLE, IDLE_TLS, SLOW = 5_000, 500, 500
DRIP = 1.0  # seconds between two lines of a slow sender
ROUNDS, MESSAGES = 5, 100
GOAL_CLEAR, GOAL_TLS, GOAL_LATENCY = 15.0, 60.0, 2.0
MAIL = b"Subject: bench\r\nFrom: a@example.com\r\n\r\n" + (b"x" * 72 + b"\r\n") * 56
LINE = b"0123456789" * 7 + b"\r\n"


def allow_open_files():
    """Raise the limit of open files as far as we may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def resident():
    """Give the resident memory of this process in KB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


async def serve():
    """Serve in clear and with TLS; print both ports, then memory for each line that is read."""
    from smtp_fakes import FakeReception, open_listeners

    many = {"auth": "off", "max_connections": 20_000, "max_connections_per_client": 20_000}
    houses = [
        await open_listeners(FakeReception(keep=False), tls=tls, **many)
        for tls in ("off", "implicit")
    ]
    print(*(house.port for house in houses), flush=True)
    loop = asyncio.get_running_loop()
    watching = loop.create_task(watch([house.listeners for house in houses]))
    while await loop.run_in_executor(None, sys.stdin.readline):
        gc.collect()
        print(resident(), flush=True)
    watching.cancel()


async def watch(everybody):
    """Look at all sessions once a second, as the relay does."""
    while True:
        await asyncio.sleep(1)
        for listeners in everybody:
            listeners.look()


class Server:
    """The process, asked for its memory."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.clear, self.tls = map(int, self.process.stdout.readline().split())

    def memory(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


def greeted(port, context=None):
    """Open a session and say EHLO; gives the socket."""
    sock = socket.create_connection(("127.0.0.1", port))
    if context is not None:
        sock = context.wrap_socket(sock)
    assert sock.recv(512).startswith(b"220 ")
    sock.sendall(b"EHLO idle.example\r\n")
    assert sock.recv(1024).startswith(b"250-")
    return sock


def idle(port, count, context=None):
    return [greeted(port, context) for _ in range(count)]


def in_content(port):
    """Open a session and begin a message."""
    sock = greeted(port)
    for line in (b"MAIL FROM:<a@example.com>\r\n", b"RCPT TO:<b@example.org>\r\n", b"DATA\r\n"):
        sock.sendall(line)
        said = sock.recv(512)
    assert said.startswith(b"354 ")
    return sock


class Crowd:
    """Idle sessions and slow senders, for as long as it is open."""

    def __init__(self, port):
        self._sockets = idle(port, IDLE)
        self._slow = [in_content(port) for _ in range(SLOW)]
        self._over = threading.Event()
        self._dripping = threading.Thread(target=self._drip)
        self._dripping.start()

    def _drip(self):
        """Send a line of each slow sender in turn, spread over the interval."""
        while not self._over.is_set():
            for sock in self._slow:
                sock.sendall(LINE)
                if self._over.wait(DRIP / SLOW):
                    return

    def close(self):
        self._over.set()
        self._dripping.join()
        for sock in (*self._sockets, *self._slow):
            sock.close()


def latencies(port):
    """Send messages on one connection; gives the milliseconds of each."""
    taken = []
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.ehlo("normal.example")
        for _ in range(MESSAGES):
            began = time.perf_counter()
            client.sendmail("a@example.com", ["b@example.org"], MAIL)
            taken.append((time.perf_counter() - began) * 1000)
    return taken


def idle_cost(server, port, count, context=None):
    """Give KB of the server for each idle session."""
    with ExitStack() as stack:
        # The first ones pay for what is there once, and it stays.
        for sock in idle(port, 50, context):
            stack.enter_context(closing(sock))
        before = server.memory()
        for sock in idle(port, count, context):
            stack.enter_context(closing(sock))
        return (server.memory() - before) / count


def crowd_ratio(server):
    """Give median latencies in milliseconds, quiet and crowded."""
    quiet, crowded = [], []
    latencies(server.clear)
    for _ in range(ROUNDS):
        quiet += latencies(server.clear)
        with closing(Crowd(server.clear)):
            crowded += latencies(server.clear)
    return median(quiet), median(crowded)


def main():
    allow_open_files()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    kept = []
    for name, port, count, how, goal in (
        ("clear", "clear", IDLE, None, GOAL_CLEAR),
        ("TLS", "tls", IDLE_TLS, context, GOAL_TLS),
    ):
        server = Server()
        cost = idle_cost(server, getattr(server, port), count, how)
        server.end()
        kept.append(cost <= goal)
        print(f"idle, {name}: {cost:.1f} KB a connection (goal {goal:.0f})")
    server = Server()
    quiet, crowded = crowd_ratio(server)
    server.end()
    ratio = crowded / quiet
    kept.append(ratio <= GOAL_LATENCY)
    print(f"latency: quiet {quiet:.2f} ms, crowded {crowded:.2f} ms: {ratio:.2f} (goal 2)")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        allow_open_files()
        asyncio.run(serve())
    else:
        sys.exit(main())
