"""Load from a process of its own: mail over SMTP, bare calls to SES, probes, or idle connections.

Prints one JSON line: how many, seconds, latencies in milliseconds, refusals, its own CPU seconds
and the longest it was kept from its own event loop (or somebody takes that for the server's stall).
A latency is the time from the final dot (or the end of a request) to its reply.
"""

import argparse
import asyncio
import base64
import json
import ssl
import sys
import time

CREDENTIALS = base64.b64encode(b"\0tickets\0correct horse").decode()
WORDS = (b"MAIL FROM:<tickets@example.com>\r\n", b"RCPT TO:<someone@example.org>\r\n", b"DATA\r\n")


def message(size):
    head = (
        b"From: Tickets <tickets@example.com>\r\nTo: someone@example.org\r\n"
        b"Subject: A load test message\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
        b"Message-ID: <load@example.com>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    line = b"The quick brown fox jumps over the lazy dog, again and again and again.\r\n"
    body = line * ((size - len(head)) // len(line) + 1)
    return (head + body)[: size - 2].rstrip(b"\r\n") + b"\r\n.\r\n"


class Load:
    """What all sessions of a run share."""

    def __init__(self, args):
        self.args = args
        self.left = args.messages
        self.latencies = []
        self.refusals = {}
        self.late = 0.0
        self.octets = message(args.size)
        self.began = time.perf_counter()
        self.started = 0

    async def next(self):
        """Say if there is one more, when its time has come."""
        if self.left <= 0:
            return False
        self.left -= 1
        if self.args.rate:  # open loop: nobody waits for the answer before
            due = self.began + self.started / self.args.rate
            self.started += 1
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        return True

    def note(self, began, reply):
        self.latencies.append((time.perf_counter() - began) * 1000)
        if reply[:3] not in (b"250", b"HTT"):
            self.refusals[reply.decode().strip()] = self.refusals.get(reply.decode().strip(), 0) + 1


async def replied(reader):
    while (line := await reader.readline())[3:4] == b"-":
        pass
    return line


async def greeted(args):
    reader, writer = await asyncio.open_connection("127.0.0.1", args.port, limit=2**20)
    await reader.readline()
    writer.write(b"EHLO load\r\n")
    await replied(reader)
    if args.tls:
        writer.write(b"STARTTLS\r\n")
        await reader.readline()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await writer.start_tls(context)
        writer.write(b"EHLO load\r\n")
        await replied(reader)
        writer.write(f"AUTH PLAIN {CREDENTIALS}\r\n".encode())
        said = await reader.readline()
        if not said.startswith(b"235"):
            raise SystemExit(f"AUTH failed: {said!r}")
    return reader, writer


async def session(load):
    args = load.args
    while load.left > 0:
        reader, writer = await greeted(args)
        for _ in range(args.per_connection):
            if not await load.next():
                break
            for command in WORDS:
                writer.write(command)
                reply = await reader.readline()
            if reply[:3] != b"354":
                raise SystemExit(f"no content wanted: {reply!r}")
            writer.write(load.octets)
            await writer.drain()
            began = time.perf_counter()
            load.note(began, await reader.readline())
        writer.write(b"QUIT\r\n")
        await reader.read()
        writer.close()


async def bare(load):
    """Make the call that a relay makes, and nothing around it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", load.args.port)
    body = b"Action=SendRawEmail&RawMessage.Data=" + base64.b64encode(load.octets)
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    while await load.next():
        writer.write(request)
        began = time.perf_counter()
        head = await reader.readuntil(b"\r\n\r\n")
        load.note(began, head)
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
    writer.close()


async def probe(load):
    """Ask NOOP again and again: who blocks the event loop answers late."""
    reader, writer = await greeted(load.args)
    ends = time.perf_counter() + load.args.seconds
    asked = 0
    while time.perf_counter() < ends:
        if asked == 20:  # a server may end a session that does nothing
            writer.close()
            (reader, writer), asked = await greeted(load.args), 0
        began = time.perf_counter()
        writer.write(b"NOOP\r\n")
        load.note(began, await reader.readline())
        asked += 1
        await asyncio.sleep(0.005)


async def idle(load):
    """Hold connections open until the input ends."""
    held = [await greeted(load.args) for _ in range(load.args.sessions)]
    print("held", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for _, writer in held:
        writer.close()


async def lag(load):
    while True:
        due = time.perf_counter() + 0.005
        await asyncio.sleep(0.005)
        load.late = max(load.late, time.perf_counter() - due)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--kind", choices=["mail", "bare", "probe", "idle"], default="mail")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--per-connection", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--tls", action="store_true")
    args = parser.parse_args()
    load = Load(args)
    if args.kind == "idle":
        await idle(load)
        return
    lagging = asyncio.create_task(lag(load))
    work = {"mail": session, "bare": bare, "probe": probe}[args.kind]
    load.began = time.perf_counter()
    await asyncio.gather(*[work(load) for _ in range(args.sessions)])
    seconds = time.perf_counter() - load.began
    lagging.cancel()
    load.latencies.sort()
    at = lambda share: round(load.latencies[int((len(load.latencies) - 1) * share)], 2)  # noqa: E731 - two places
    print(
        json.dumps(
            {
                "messages": len(load.latencies),
                "seconds": round(seconds, 3),
                "p50_ms": at(0.5),
                "p99_ms": at(0.99),
                "max_ms": at(1),
                "cpu_seconds": round(time.process_time(), 3),
                "own_lag_ms": round(load.late * 1000, 1),
                "refusals": load.refusals,
            }
        )
    )


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.run(main())
    except ImportError:
        asyncio.run(main())
