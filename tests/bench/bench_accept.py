"""CPU of accepting mail, ours against stock aiosmtpd, alternating in one run.

    python tests/bench/bench_accept.py

Both run on the loop that the relay runs on, uvloop where it is installed; with `--asyncio` both run
on asyncio's own. Each server runs in a process of its own and throws the mail away; what counts is
its CPU time, so that the client and a busy machine do not. Goals: 0.45 at one 4 KB message a
connection, 0.33 at twenty, 0.25 at 5 MB.
"""

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

LINE = b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n"
SMALL = b"Subject: bench\r\nFrom: a@example.com\r\n\r\n" + LINE * 56
LARGE = b"Subject: bench\r\nFrom: a@example.com\r\n\r\n" + LINE * 72_000
ROUNDS = 5
OPTIONS = [option for option in sys.argv[1:] if option.startswith("--")]
# name, content, messages a connection, connections, goal
CASES = [
    ("4 KB, 1 a connection", SMALL, 1, 300, 0.45),
    ("4 KB, 20 a connection", SMALL, 20, 40, 0.33),
    ("5 MB, 1 a connection", LARGE, 1, 6, 0.25),
]


async def serve_stock():
    from aiosmtpd.smtp import SMTP

    class Sink:
        async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
            return "250 2.0.0 Ok"

    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Sink(), hostname="relay.test", data_size_limit=2**26), "127.0.0.1", 0
    )
    return server.sockets[0].getsockname()[1]


async def serve_ours():
    from smtp_fakes import FakeReception, open_listeners

    from relay.service.loop import settle_memory

    reception = FakeReception(keep=False)
    house = await open_listeners(reception, tls="off", auth="off", max_connections=10_000)
    serve_ours.alive = house
    settle_memory()  # as `serve` does when it is ready
    return house.port


async def child(kind):
    port = await (serve_ours() if kind == "ours" else serve_stock())
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(time.process_time(), flush=True)


def run(main):
    if "--asyncio" in OPTIONS:
        asyncio.run(main)
    else:
        from relay.service.process import run_loop

        run_loop(main)


class Server:
    def __init__(self, kind):
        self.process = subprocess.Popen(
            [sys.executable, __file__, kind, *OPTIONS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self.process.stdout.readline())

    def cpu(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def send(port, content, messages, connections):
    body = content.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    for _ in range(connections):
        with socket.create_connection(("127.0.0.1", port)) as sock:
            replies = sock.makefile("rb")

            def say(octets, replies=replies, sock=sock):
                if octets:
                    sock.sendall(octets)
                while (line := replies.readline())[3:4] == b"-":
                    pass
                assert line[:1] in b"23", line

            say(b"")
            say(b"EHLO bench.example.com\r\n")
            for _ in range(messages):
                say(b"MAIL FROM:<a@example.com>\r\n")
                say(b"RCPT TO:<b@example.com>\r\n")
                say(b"DATA\r\n")
                say(body)
            say(b"QUIT\r\n")


def main():
    servers = {kind: Server(kind) for kind in ("stock", "ours")}
    failed = False
    for name, content, messages, connections, goal in CASES:
        cost = {kind: [] for kind in servers}
        for _ in range(ROUNDS):
            for kind, server in servers.items():
                before = server.cpu()
                send(server.port, content, messages, connections)
                cost[kind].append((server.cpu() - before) * 1000 / messages / connections)
        ratio = median(
            ours / stock for ours, stock in zip(cost["ours"], cost["stock"], strict=True)
        )
        stock, ours = (median(cost[kind]) for kind in servers)
        failed |= ratio > goal
        print(f"{name:24} {stock:8.3f} -> {ours:8.3f} ms   {ratio:.2f} (goal {goal})", flush=True)
    for server in servers.values():
        server.process.stdin.close()
        server.process.wait()
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) > 1 + len(OPTIONS):
        run(child(sys.argv[1]))
    else:
        sys.exit(main())
