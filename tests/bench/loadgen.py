"""Load from a process of its own: mail over SMTP, bare calls to SES, probes, or idle connections.

Prints one JSON line: how many, seconds, latencies in milliseconds, refusals, its own CPU seconds
and the longest it was kept from its own event loop (or somebody takes that for the server's stall).
A latency is the time from the final dot (or the end of a request) to its reply.

A session is a generator that the protocol's callbacks drive, without tasks and streams: it costs a
fraction of what any of the servers does. How much that is, `run.py` prints.
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

PATIENCE = 180.0  # seconds for a whole run: a server that hangs does not hang us


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


def context():
    """Trust anybody: the certificate was made for this run."""
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


class Load:
    """What all sessions of a run share."""

    def __init__(self, args):
        self.args = args
        self.left = args.messages
        self.started = 0
        self.latencies = []
        self.refusals = {}
        self.late = 0.0
        self.octets = message(args.size)
        self.body = b"Action=SendRawEmail&RawMessage.Data=" + base64.b64encode(self.octets)
        self.began = time.perf_counter()
        self.context = context() if args.tls else None

    def due(self):
        """Give the time at which the next one begins, or None when there are no more."""
        if self.left <= 0:
            return None
        self.left -= 1
        self.started += 1
        # Open loop: nobody waits for the answer before.
        return self.began + (self.started - 1) / self.args.rate if self.args.rate else 0.0

    def note(self, began, reply):
        self.latencies.append((time.perf_counter() - began) * 1000)
        if reply[:3] not in (b"250", b"HTT"):
            self.refusals[reply.decode().strip()] = self.refusals.get(reply.decode().strip(), 0) + 1


class Talk(asyncio.Protocol):
    """A connection whose talk is a generator: it yields whenever it wants to hear something."""

    def __init__(self, load):
        self.load = load
        self.loop = asyncio.get_running_loop()
        self.over = self.loop.create_future()
        self.heard = b""
        self.written = 0.0
        self.tasks = set()

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(0)
        self.talk = self.says()
        next(self.talk)

    def data_received(self, data):
        self.heard = data = self.heard + data if self.heard else data
        if (reply := self.complete(data)) is not None:
            self.heard = b""
            self.go_on(reply)

    def go_on(self, reply=b""):
        try:
            self.talk.send(reply)
        except StopIteration:
            self.transport.close()
        except BaseException as problem:  # noqa: BLE001 - whoever waits for the talk gets it
            self.transport.abort()
            self.over.set_exception(problem)

    def eof_received(self):
        pass

    def connection_lost(self, problem):
        if not self.over.done():
            self.over.set_result(None)

    def resume_writing(self):
        self.written = time.perf_counter()

    def send(self, octets):
        """Write; what counts as the end is when the last octet has left us."""
        self.written = 0.0
        self.transport.write(octets)
        self.written = self.written or time.perf_counter()

    def wait(self, due):
        """Go on when it is time; gives whether there is anything to wait for."""
        if (left := due - time.perf_counter()) <= 0:
            return False
        self.loop.call_later(left, self.go_on)
        return True


class Session(Talk):
    """Mail, until there is no more or the connection has had its share."""

    def complete(self, data):
        if data[-1:] != b"\n":
            return None
        last = data[:-2].rpartition(b"\n")[2]
        return None if last[3:4] == b"-" else last

    def greets(self):
        yield  # its greeting
        self.send(b"EHLO load\r\n")
        yield
        if self.load.context is None:
            return
        self.send(b"STARTTLS\r\n")
        yield
        task = self.loop.create_task(self.secure())
        self.tasks.add(task)
        yield
        self.send(b"EHLO load\r\n")
        yield
        self.send(f"AUTH PLAIN {CREDENTIALS}\r\n".encode())
        if not (said := (yield)).startswith(b"235"):
            raise SystemExit(f"AUTH failed: {said!r}")

    async def secure(self):
        self.transport = await self.loop.start_tls(self.transport, self, self.load.context)
        self.transport.set_write_buffer_limits(0)
        self.go_on()

    def says(self):
        yield from self.greets()
        load = self.load
        for _ in range(load.args.per_connection):
            if (due := load.due()) is None:
                break
            if self.wait(due):
                yield
            for command in WORDS:
                self.transport.write(command)
                reply = yield
            if reply[:3] != b"354":
                raise SystemExit(f"no content wanted: {reply!r}")
            self.send(load.octets)
            reply = yield
            load.note(self.written, reply)
        self.send(b"QUIT\r\n")
        yield


class Idle(Session):
    """Greets, and says no more."""

    def __init__(self, load):
        super().__init__(load)
        self.ready = self.loop.create_future()

    def says(self):
        yield from self.greets()
        self.ready.set_result(None)
        yield


class Probe(Session):
    """Asks NOOP again and again: who blocks the event loop answers late."""

    def says(self):
        yield from self.greets()
        # A server may end a session that does nothing but this.
        for _ in range(20):
            if self.load.args.seconds < time.perf_counter() - self.load.began:
                break
            self.send(b"NOOP\r\n")
            reply = yield
            self.load.note(self.written, reply)
            self.wait(time.perf_counter() + 0.005)
            yield
        self.send(b"QUIT\r\n")
        yield


class Bare(Talk):
    """The call that a relay makes, and nothing around it."""

    def complete(self, data):
        head, end, body = data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return head if end and len(body) >= int(length) else None

    def says(self):
        body = self.load.body
        request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        while (due := self.load.due()) is not None:
            if self.wait(due):
                yield
            self.send(request)
            reply = yield
            self.load.note(self.written, reply)


async def talk(load, kind):
    _, made = await asyncio.get_running_loop().create_connection(
        lambda: kind(load), "127.0.0.1", load.args.port
    )
    return made


async def until(load, kind, more):
    while more():
        await (await talk(load, kind)).over


async def idle(load):
    """Hold connections open until the input ends."""
    held = [await talk(load, Idle) for _ in range(load.args.sessions)]
    await asyncio.gather(*[one.ready for one in held])
    print("held", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for one in held:
        one.transport.close()


async def lag(load):
    while True:
        due = time.perf_counter() + 0.005
        await asyncio.sleep(0.005)
        load.late = max(load.late, time.perf_counter() - due)


def arguments():
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
    return parser.parse_args()


async def main():
    args = arguments()
    load = Load(args)
    if args.kind == "idle":
        await idle(load)
        return
    lagging = asyncio.create_task(lag(load))
    work = {"mail": Session, "bare": Bare, "probe": Probe}[args.kind]

    def more():
        if args.kind == "probe":
            return time.perf_counter() - load.began < args.seconds
        return load.left > 0

    began_cpu = time.process_time()
    load.began = time.perf_counter()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*[until(load, work, more) for _ in range(args.sessions)])
    seconds = time.perf_counter() - load.began
    spent = time.process_time() - began_cpu
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
                "cpu_seconds": round(spent, 4),
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
