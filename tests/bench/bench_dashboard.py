"""The dashboard, its API and the metrics beside a long history, and how nobody waits for them.

    python tests/bench/bench_dashboard.py [MESSAGES] [--postgres]

A relay serves on a store with 1,000,000 messages of history, 10,000 in the queue, 1,000,000
suppressed addresses and a month of counts of 200 users. Each path is asked for, the paths in turn;
told are wall and CPU (of the relay's whole process tree), beside `/healthz`, which costs nothing
but the round trip, and how long `/healthz` was kept waiting by the others meanwhile: what stops the
event loop. Then the history is forgotten while messages are put into the queue.

Goals: pages and API 50 ms, metrics 20 ms, medians; no stop of the loop above 50 ms; puts beside
forgetting twice as slow as without at most. It exits with 1 when a goal is missed. One wall-clock
number means little on a shared machine: look at the CPU beside it.
"""

# ruff: noqa: E402 - the script finds the package and the tests' own modules first

import argparse
import asyncio
import http.client
import itertools
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from statistics import median

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from processes import Program, free_port
from stored import an_entry, new

from relay.model.clock import SystemClock
from relay.model.ports import NewEntry, QueueKey, StoreFault, Subject, Suppressed, Tally, slot_of
from relay.model.settings import Lane
from relay.stores.codec import to_number
from relay.stores.names import names_of
from relay.stores.plain import to_json
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite

USERS = [f"application-{number}" for number in range(200)]
QUEUED, SUPPRESSED = 10_000, 1_000_000
MONTH, DAY = 30 * 86_400.0, 86_400.0
PIECE = 21_000  # events, so that no message is in two pieces
ROUNDS = 15
CONFIG = """\
hostname: relay.example.com
listeners: [{{bind: "127.0.0.1:{smtp}", tls: off, auth: off}}]
users:
{users}
routes: {{default: {{region: eu-west-1, endpoint_url: "http://127.0.0.1:{ses}"}}}}
queue: {{store: "{store}"}}
http: {{bind: "127.0.0.1:{http}"}}
"""


# --- a store that has seen much -------------------------------------------------------------------


def events(count, now):
    """Give the events of each message, oldest first; one in ten is to the same recipient."""
    for number in range(count):
        at = now - timedelta(seconds=(count - number) * MONTH * 0.99 / count)
        queue_id = f"q{number:015}"
        facts = {"queue_id": queue_id, "user": USERS[number % len(USERS)]}
        to = "monitoring@example.org" if number % 10 == 0 else f"p{number % 300_000}@example.org"
        named = {"recipients": [to], "sender": "alice@example.com"}
        ses = {"ses_message_id": f"0102-{number:032x}-000000"}
        yield (
            *("message.received", at, queue_id),
            facts
            | named
            | {"session_id": f"s{number}", "message_id": f"<{number}@example.com>", "size": 4_000},
        )
        yield "message.relayed", at, queue_id, facts | named | ses | {"route": "default"}
        yield "feedback.delivery", at, queue_id, {"queue_id": queue_id, "recipients": [to]} | ses


def rows(piece):
    noted = [(to_number(at), event, of, to_json(facts)) for event, at, of, facts in piece]
    named = {
        (name, of): to_number(at)
        for event, at, of, facts in piece
        for name in names_of(event, facts)
    }
    return noted, [(name, of, at) for (name, of), at in named.items()]


def pieces(count, now):
    every = events(count, now)
    while piece := list(itertools.islice(every, PIECE)):
        yield rows(piece)


async def fill_sqlite(folder, count):
    stores = told(await open_sqlite(folder, 0, Crew.threads(Files(), SystemClock()), MONTH))
    past = stores.shared.databases[1]
    for noted, named in pieces(count, SystemClock().now()):

        def work(connection, noted=noted, named=named):
            connection.executemany(
                "INSERT INTO events (at, event, message, facts) VALUES (?, ?, ?, ?)", noted
            )
            connection.executemany(
                "INSERT OR IGNORE INTO names (name, message, at) VALUES (?, ?, ?)", named
            )

        told(await stores.shared.crew.writer.do(past, work))
    await fill_the_rest(stores.queue, stores.shared)
    await stores.close()


async def fill_postgres(url, count):
    import asyncpg  # only where it is asked for

    from relay.stores.postgresql.opening import open_node

    node = told(await open_node(url, MONTH, SystemClock()))
    connection = await asyncpg.connect(url)
    for noted, named in pieces(count, SystemClock().now()):
        for table, columns, found in (
            ("events", ("at", "event", "message", "facts"), noted),
            ("names", ("name", "message", "at"), named),
        ):
            await connection.copy_records_to_table(
                table, schema_name="ses_relay", columns=columns, records=dict.fromkeys(found)
            )
    await connection.execute("ANALYZE")
    await connection.close()
    await fill_the_rest(node.queue, node.shared)
    await node.close()


async def fill_the_rest(queue, shared):
    now = SystemClock().now()
    content = new("any").content
    keys = [QueueKey("default", Lane.TRANSACTIONAL, user) for user in USERS]
    for start in range(0, QUEUED, 1_000):
        entries = [
            replace(
                an_entry(f"w{number:015}", keys[number % len(keys)], now + timedelta(days=1)),
                expires_at=now + timedelta(days=4),
            )
            for number in range(start, start + 1_000)
        ]
        told(await queue.put([NewEntry(entry=one, content=content) for one in entries]))
    for start in range(0, SUPPRESSED, PIECE):
        told(
            await shared.suppression.suppress(
                [
                    Suppressed(address=f"u{number}@example.org", reason="bounce", since=now)
                    for number in range(start, start + PIECE)
                ]
            )
        )
    for hour in range(30 * 24):
        slot = slot_of(now - timedelta(hours=hour))
        told(
            await shared.tallies.add(
                [
                    Tally(subject=Subject.USER, name=user, slot=slot, messages=9, relayed=9)
                    for user in USERS
                ]
            )
        )


def told(answer):
    assert not isinstance(answer, StoreFault), answer
    return answer


# --- asking ---------------------------------------------------------------------------------------


@dataclass
class Asked:
    """One path and what asking for it took, in milliseconds."""

    path: str
    limit: float | None = 50.0
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    octets: int = 0


def paths(count):
    middle = f"q{count // 2:015}"
    pages = ("/", "/live", "/queue", "/users", f"/users/{USERS[7]}", "/suppression")
    searches = ("monitoring@example.org", "p7@example.org", middle, f"0102-{7:032x}-000000")
    api = ("summary", "accounts", "users", f"users/{USERS[7]}", "messages", f"messages/{middle}")
    kept = ("queue", "queue/summary", "holds", "suppression", "queue?limit=500")
    yield Asked("/healthz", None)
    yield Asked("/metrics", 20.0)
    yield from map(Asked, pages)
    yield from (Asked(f"/live?about={what}") for what in searches)
    yield Asked(f"/messages/{middle}")
    yield from (Asked(f"/queue?{what}") for what in (f"user={USERS[3]}", "recipient=*@none.test"))
    yield from (Asked(f"/api/{what}") for what in (*api, *kept))
    yield Asked("/api/messages?about=monitoring@example.org")
    yield Asked("/suppression?after=u5")


class Pulse(threading.Thread):
    """Asks for `/healthz` without end: how long it waits is how long the loop stood still."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.waits = []
        self.going = True

    def run(self):
        client = http.client.HTTPConnection("127.0.0.1", self.port)
        while self.going:
            self.waits.append(ask(client, "/healthz")[0])
            time.sleep(0.002)


def ask(client, path):
    began = time.perf_counter()
    client.request("GET", path)
    answer = client.getresponse()
    body = answer.read()
    assert answer.status == 200, (path, answer.status, body[:200])
    return (time.perf_counter() - began) * 1e3, len(body)


def asked(program, port, every):
    """Ask for all paths in turn; CPU is measured over some in a row, for its clock is coarse."""
    client = http.client.HTTPConnection("127.0.0.1", port)
    for one in every:
        for _ in range(3):
            ask(client, one.path)
    pulse = Pulse(port)
    for number in range(ROUNDS):
        if number == 1:  # once without a pulse that costs CPU itself
            pulse.start()
        for one in every:
            before = program.cpu()
            took = [ask(client, one.path) for _ in range(10)]
            if number == 0:
                one.cpu.append((program.cpu() - before) * 100)
            one.wall += [wall for wall, _ in took]
            one.octets = took[0][1]
    pulse.going = False
    pulse.join()
    return pulse.waits


def serve(folder, store, ses):
    ports = {"smtp": free_port(), "http": free_port(), "ses": ses}
    users = "\n".join(
        f"  - {{name: {user}, password: {{secret: x}}, senders: ['*']}}" for user in USERS
    )
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(**ports, users=users, store=store))
    config.chmod(0o600)
    with (folder / "log").open("w") as log:
        program = Program("-m", "relay", "serve", "--config", config, port=ports["smtp"], log=log)
    for _ in range(600):
        try:
            ask(http.client.HTTPConnection("127.0.0.1", ports["http"]), "/healthz")
        except OSError:
            time.sleep(0.1)
        else:
            return program, ports["http"]
    raise SystemExit((folder / "log").read_text())


def show(every, waits):
    """Print the table; gives what missed its goal."""
    missed = []
    base = median(every[0].wall)
    print(f"{'path':58} {'median':>7} {'p99':>7} {'CPU':>6} {'/healthz':>8} {'KiB':>6}")
    for one in every:
        wall = median(one.wall)
        over = one.limit is not None and wall > one.limit
        missed += [one.path] * over
        print(
            f"{one.path:58} {wall:7.1f} {at(one.wall, 0.99):7.1f} {median(one.cpu):6.1f}"
            f" {wall / base:8.1f} {one.octets / 1024:6.1f}{'  MISSED' if over else ''}"
        )
    print(
        f"/healthz meanwhile, {len(waits)} times: median {median(waits):.1f} ms, "
        f"p99 {at(waits, 0.99):.1f}, worst {max(waits):.1f}"
    )
    return missed + ["the loop stood still"] * (at(waits, 0.99) > 50)


def at(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


# --- forgetting -----------------------------------------------------------------------------------


async def forgetting(open_, keep):
    """Put messages while the history forgets, and while it does not, by turns."""
    queue, history, close = await open_(keep)
    forgot, times, gone = [], {True: [], False: []}, 0
    numbers = itertools.count()
    for turn in range(8):
        busy = turn % 2 == 1
        end = time.perf_counter() + 2

        async def forget(end=end):
            nonlocal gone
            while time.perf_counter() < end:
                began = time.perf_counter()
                gone += told(await history.forget(SystemClock().now()))
                forgot.append((time.perf_counter() - began) * 1e3)
                await asyncio.sleep(0.1)

        task = asyncio.create_task(forget()) if busy else None
        while time.perf_counter() < end:
            began = time.perf_counter()
            told(await queue.put([new(f"f{next(numbers):015}")]))
            times[busy].append((time.perf_counter() - began) * 1e3)
        if task is not None:
            await task
    await close()
    print(
        f"forgetting: {gone:,} rows in {len(forgot)} pieces, median {median(forgot):.1f} ms, "
        f"worst {max(forgot):.1f}"
    )
    for busy, word in ((False, "quiet"), (True, "beside it")):
        print(
            f"  put, {word}: median {median(times[busy]):.2f} ms, p99 {at(times[busy], 0.99):.1f}, "
            f"worst {max(times[busy]):.1f}"
        )
    slow = median(times[True]) > 2 * median(times[False]) or at(times[True], 0.99) > 50
    return ["puts beside forgetting"] * slow


async def open_folder(folder, keep):
    stores = told(await open_sqlite(folder, 0, Crew.threads(Files(), SystemClock()), keep))
    return stores.queue, stores.shared.history, stores.close


async def open_database(url, keep):
    from relay.stores.postgresql.opening import open_node

    node = told(await open_node(url, keep, SystemClock()))
    return node.queue, node.shared.history, node.close


def main():
    wanted = argparse.ArgumentParser()
    wanted.add_argument("messages", type=int, nargs="?", default=1_000_000)
    wanted.add_argument("--postgres", action="store_true")
    given = wanted.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        began = time.perf_counter()
        if given.postgres:
            from postgres_server import PostgresServer

            server = PostgresServer()
            stack.callback(server.remove)
            server.create()
            store = server.url()
            asyncio.run(fill_postgres(store, given.messages))
            open_ = lambda keep: open_database(store, keep)  # noqa: E731 - one of two ways
        else:
            store = f"sqlite:///{folder}/queue"
            asyncio.run(fill_sqlite(folder / "queue", given.messages))
            open_ = lambda keep: open_folder(folder / "queue", keep)  # noqa: E731 - likewise
        print(f"{given.messages:,} messages of history made in {time.perf_counter() - began:.0f} s")
        began = time.perf_counter()
        program, port = serve(folder, store, free_port())
        print(f"start {time.perf_counter() - began:.1f} s, {program.memory() / 2**20:.0f} MiB")
        every = list(paths(given.messages))
        with program:
            waits = asked(program, port, every)
            print(f"memory afterwards {program.memory() / 2**20:.0f} MiB")
        missed = show(every, waits) + asyncio.run(forgetting(open_, DAY))
    if missed:
        print("missed:", ", ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
