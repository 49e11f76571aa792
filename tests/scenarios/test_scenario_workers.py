"""Several workers under a supervisor: one relay to clients, operators and the service manager."""

import asyncio
import base64
import json
import os
import signal
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from relay_process import ServiceManager, environment, outcome, serving
from relay_world import MAIL, eventually, settings, simulated, until
from serve_config import PASSWORD, tickets, written
from smtp_line import SmtpLine

from relay.model.account import AccountState
from relay.model.clock import SystemClock
from relay.model.settings import SqliteStore
from relay.service.seat import Seat
from relay.service.supervisor.post import Post
from relay.service.supervisor.words import Begin, Looked
from relay.simulator import Fail, Fate, Publishing, Scripted
from relay.telemetry import ScrapeTime

TWO = "workers: 2\n"
LOST = "lost_answer"
LATER = Fail("ServiceUnavailable", "Try later.", 503)


@pytest.fixture
def manager(tmp_path):
    listening = ServiceManager(tmp_path)
    yield listening
    listening.close()


def workers_of(relay):
    """Give the process ids of the workers, by number."""
    pid = relay.process.pid
    found = {}
    for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0")
        if b"relay.service.supervisor.worker" in words:
            found[int(one)] = words
    return sorted(found)


async def get(relay, path):
    """Ask over HTTP; gives status and body."""
    [started] = relay.of_the_whole("relay.started")
    host, _, port = started["http"].removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    octets = await reader.read()
    writer.close()
    head, _, body = octets.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


async def counted(relay, sample):
    """Give the value of one sample of the metrics page."""
    _, page = await get(relay, "/metrics")
    return sum(float(line.split()[-1]) for line in page.splitlines() if line.startswith(sample))


async def send(relay, text):
    async with relay.line() as line:
        return await line.send(MAIL + text)


async def stopped(relay):
    relay.signal(signal.SIGTERM)
    assert await relay.end() == 0
    [line] = relay.of_the_whole("relay.stopped")
    assert line["in_flight"] == 0
    assert relay.errors == []


async def test_two_workers_are_one_relay(tmp_path, manager):
    env = environment(tmp_path, NOTIFY_SOCKET=manager.path)
    async with simulated() as ses:
        config = written(tmp_path, ses.url, store=f"sqlite:///{tmp_path}/queue", more=TWO)
        async with serving(config, env) as relay:
            assert await until(manager.heard) == ["READY=1"]
            assert {
                line["worker"] for line in relay.named("relay.started") if "worker" in line
            } == {
                0,
                1,
            }
            replies = await asyncio.gather(*(send(relay, b"%d\r\n" % n) for n in range(60)))
            assert all(reply.startswith("250 2.0.0 Ok ") for reply in replies)
            assert {line["worker"] for line in relay.named("message.relayed")} == {0, 1}
            assert await get(relay, "/readyz") == (
                200,
                '{"ready":true,"reasons":[],"warnings":[]}\n',
            )
            sample = 'ses_relay_messages_total{outcome="relayed"'
            assert await eventually(lambda: equal(counted(relay, sample), 60))
            assert await counted(relay, "ses_relay_smtp_sessions") == 0
            _, listed = await get(relay, "/api/messages?limit=100")
            assert len(json.loads(listed)["messages"]) == 60
            await stopped(relay)
        assert len(ses.messages) == 60
        assert not manager.heard()[:-1]  # STOPPING=1 alone


async def equal(value, wanted):
    return await value == wanted


async def test_a_killed_worker_loses_nothing_and_the_others_go_on(tmp_path):
    env = environment(tmp_path)
    async with simulated() as ses:
        ses.script(LATER, times=1_000)
        config = written(
            tmp_path, ses.url, store=f"sqlite:///{tmp_path}/queue", wait="0.1s", more=TWO
        )
        async with serving(config, env) as relay:
            before = workers_of(relay)
            assert len(before) == 2
            sent, enough = {}, asyncio.Event()  # queue id → what only this message says

            async def client(name):
                number = 0
                while not enough.is_set():
                    number += 1
                    text = b"%s-%d\r\n" % (name, number)
                    try:
                        reply = await send(relay, text)
                    except (OSError, EOFError, AssertionError):
                        continue  # it was with the worker that died: nobody promised anything
                    if reply.startswith("250 "):
                        sent[reply.rpartition(" ")[2]] = text

            clients = [asyncio.create_task(client(b"client%d" % n)) for n in range(4)]
            await until(lambda: len(sent) >= 20)
            os.kill(before[0], signal.SIGKILL)
            [line] = await relay.logged("relay.stopped", reason="was ended by SIGKILL")
            there = len(sent)
            await until(lambda: len(sent) >= there + 20)  # with the other one, and soon with both
            await until(lambda: len(relay.named("relay.started", worker=line["worker"])) == 2)
            there = len(sent)
            await until(lambda: len(sent) >= there + 10)
            enough.set()
            await asyncio.gather(*clients)
            ses.simulator.faults.clear()
            # What was under way when it died may be at SES, and is not repeated for ten minutes.
            unknown = {line["queue_id"] for line in relay.named("message.deferred", cause=LOST)}
            wanted = {MAIL + text for queue_id, text in sent.items() if queue_id not in unknown}
            await until(lambda: wanted <= {plain(message.raw) for message in ses.messages}, 60)
            for queue_id in unknown & sent.keys():
                code, _, errors = await outcome(
                    "queue", "show", queue_id, *("--config", config), env=env
                )
                assert code == 0, errors
            assert len(workers_of(relay)) == 2
            # What the dead one had counted still counts.
            sample = 'ses_relay_recipients_total{outcome="received"'
            assert await counted(relay, sample) >= 40
            assert (await get(relay, "/readyz"))[0] == 200
            await stopped(relay)


async def sent_by_each(relay, clients):
    """Send a message over each of so many connections at once; gives the workers that had them."""
    before = len(relay.named("message.relayed"))
    replies = await asyncio.gather(*(send(relay, b"%d\r\n" % n) for n in range(clients)))
    assert all(reply.startswith("250 2.0.0 Ok ") for reply in replies), replies
    await until(lambda: len(relay.named("message.relayed")) == before + clients)
    return {line["worker"] for line in relay.named("message.relayed")[before:]}


async def test_connections_that_come_while_a_worker_is_dead_are_served(tmp_path):
    async with simulated() as ses:
        config = written(tmp_path, ses.url, more=TWO)
        async with serving(config, environment(tmp_path)) as relay:
            os.kill(workers_of(relay)[0], signal.SIGKILL)
            # Half of them wait in the socket of the dead, and its successor finds them there.
            assert await sent_by_each(relay, 40) == {0, 1}
            assert len(ses.messages) == 40
            await stopped(relay)


async def test_connections_of_a_worker_that_stands_still_are_served_by_another(tmp_path):
    async with simulated() as ses:
        config = written(tmp_path, ses.url, more=TWO)
        async with serving(config, environment(tmp_path)) as relay:
            still = workers_of(relay)[0]
            os.kill(still, signal.SIGSTOP)
            try:
                [other] = await sent_by_each(relay, 40)
            finally:
                os.kill(still, signal.SIGCONT)

            async def both_serve():
                return await sent_by_each(relay, 10) == {other, 1 - other}

            await eventually(both_serve)
            await stopped(relay)


async def test_a_second_relay_of_the_same_address_is_told(tmp_path):
    env = environment(tmp_path)
    async with simulated() as ses:
        config = written(tmp_path, ses.url, more=TWO)
        async with serving(config, env) as relay:
            again = tmp_path / "again.yaml"
            again.write_text(
                config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{relay.port}", 1)
            )
            code, _, errors = await outcome("serve", "--config", again, env=env)
            assert code == 2
            assert f"listeners: 127.0.0.1:{relay.port}: Address already in use\n" in errors
            await stopped(relay)


def plain(raw):
    """Give a message as its client sent it, to its last line."""
    return MAIL + raw.rpartition(b"works.\r\n")[2]


async def test_a_reload_reaches_all_workers_or_none(tmp_path):
    env = environment(tmp_path)
    async with simulated() as ses:
        config = written(tmp_path, ses.url, more=TWO)
        async with serving(config, env) as relay, relay.line() as old:
            await old.envelope()
            written(tmp_path, ses.url, users=tickets(), more=TWO)
            relay.signal(signal.SIGHUP)
            await until(lambda: relay.of_the_whole("relay.reloaded"))
            assert len(relay.named("relay.reloaded", changed=["users"])) == 3
            await old.begin(MAIL)
            assert (await old.reply()).startswith("250 2.0.0 Ok ")
            # A new listener: its sockets are handed over, and both serve it.
            more = config.read_text()
            extra = tmp_path / "extra.sock"
            first = '  - bind: "127.0.0.1:0"\n'
            another = f'  - {{bind: "unix:{extra}", tls: off, auth: off}}\n'
            config.write_text(more.replace("users:\n", f"{another}users:\n", 1))
            assert first in more
            relay.signal(signal.SIGHUP)
            await until(lambda: len(relay.of_the_whole("relay.reloaded")) == 2)
            async with SmtpLine.at(str(extra)) as line:
                assert (await line.send(MAIL)).startswith("250 2.0.0 Ok ")
            # A configuration that no worker can use is refused once, and by all.
            config.write_text(config.read_text().replace(str(extra), f"{tmp_path}/no/where.sock"))
            relay.signal(signal.SIGHUP)
            await until(lambda: len(relay.of_the_whole("relay.reloaded")) == 3)
            refused = relay.of_the_whole("relay.reloaded")[-1]
            assert "no/where.sock" in refused["reason"]
            async with SmtpLine.at(str(extra)) as line:
                assert (await line.send(MAIL)).startswith("250 2.0.0 Ok ")
            await stopped(relay)
        assert not extra.exists()


async def test_a_worker_that_starts_during_a_reload_takes_it_over_too(tmp_path):
    async with simulated() as ses:
        config = written(tmp_path, ses.url, more=TWO)
        async with serving(config, environment(tmp_path)) as relay:
            os.kill(workers_of(relay)[0], signal.SIGKILL)
            await until(lambda: relay.named("relay.stopped", reason="was ended by SIGKILL"))
            await until(lambda: len(workers_of(relay)) == 2)
            written(tmp_path, ses.url, users=tickets(), more=TWO)
            relay.signal(signal.SIGHUP)
            await until(lambda: relay.of_the_whole("relay.reloaded"))

            async def known_to_all():
                try:
                    for _ in range(20):
                        async with relay.line() as line:
                            if not (await line.say(plain_login("tickets"))).startswith("235 "):
                                return False
                except (AssertionError, OSError):
                    return False  # 421: it came to the one that drains to be replaced
                return True

            await until(lambda: len(relay.named("relay.started")) >= 4)  # 3 of workers
            assert await eventually(known_to_all)
            assert len(workers_of(relay)) == 2


def plain_login(user):
    return "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()


@asynccontextmanager
async def stopping_in_the_middle(tmp_path):
    """Give SES, a relay that was told to stop, and a client whose message is in SES's hands."""
    async with simulated() as ses:
        config = written(tmp_path, ses.url, more=TWO)
        async with serving(config, environment(tmp_path)) as relay, relay.line() as busy:
            ses.hold_back()
            await busy.envelope()
            await busy.begin(MAIL)
            await ses.holding()
            relay.signal(signal.SIGTERM)
            await until(lambda: refused(relay.port))
            yield ses, relay, busy


async def test_term_drains_all_workers(tmp_path):
    async with stopping_in_the_middle(tmp_path) as (ses, relay, busy):
        await until(lambda: len(relay.named("relay.stopped")) == 1)  # the idle worker
        ses.answer()
        assert await busy.reply() == f"250 2.0.0 Ok {ses.messages[0].id}"
        assert await relay.end() == 0
        await until(lambda: len(relay.named("relay.stopped", reason="signal")) == 3)


async def test_a_second_term_ends_all_workers_at_once(tmp_path):
    async with stopping_in_the_middle(tmp_path) as (_, relay, busy):
        relay.signal(signal.SIGTERM)
        assert await relay.end() == 0
        assert not (await busy.reply()).startswith("250")
        assert relay.named("relay.stopped", reason="cut off")


def refused(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


async def test_a_supervisor_that_dies_takes_its_workers_with_it(tmp_path):
    async with simulated() as ses:
        config = written(tmp_path, ses.url, more=TWO)
        async with serving(config, environment(tmp_path)) as relay:
            workers = workers_of(relay)
            relay.signal(signal.SIGKILL)
            await relay.end()
            await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
            assert refused(relay.port)


async def test_fewer_workers_drain_what_more_have_left(tmp_path):
    env = environment(tmp_path)
    store = f"sqlite:///{tmp_path}/queue"
    async with simulated() as ses:
        ses.script(LATER, times=1_000)
        config = written(tmp_path, ses.url, store=store, wait="0s", more="workers: 3\n")
        async with serving(config, env) as relay:
            replies = await asyncio.gather(*(send(relay, b"%d\r\n" % n) for n in range(60)))
            assert all(reply.startswith("250 2.0.0 Ok: queued") for reply in replies)
            # The commands see all slots.
            code, out, errors = await outcome(
                "queue", "list", "--config", config, "--json", env=env
            )
            assert (code, errors) == (0, "")
            assert len(json.loads(out)) == 60
            await stopped(relay)
        assert sorted(path.name for path in (tmp_path / "queue").glob("queue-*.db")) == [
            "queue-0.db",
            "queue-1.db",
            "queue-2.db",
        ]
        ses.simulator.faults.clear()
        for more in ("", TWO):
            config = written(tmp_path, ses.url, store=store, wait="0s", more=more)
            async with serving(config, env) as relay:
                await until(lambda: len(ses.messages) == 60)
                await stopped(relay)


async def test_a_users_limit_is_one_for_all_workers(tmp_path):
    async with simulated() as ses:
        config = written(tmp_path, ses.url, more=TWO)
        limits = "limits: {recipients_per_day: 10}, senders"
        config.write_text(config.read_text().replace("senders", limits, 1))
        async with serving(config, environment(tmp_path)) as relay:
            for n in range(8):
                assert (await send(relay, b"%d\r\n" % n)).startswith("250 2.0.0 Ok ")
            # Each worker knows by then what the other has counted.
            sample = 'ses_relay_messages_total{outcome="relayed"'
            await eventually(lambda: equal(counted(relay, sample), 8))
            replies = [await send(relay, b"more\r\n") for _ in range(12)]
            assert 2 <= sum(reply.startswith("250 ") for reply in replies) <= 4
            assert {reply[:9] for reply in replies if not reply.startswith("250 ")} == {"450 4.7.1"}
            await stopped(relay)


LEARNING = """
feedback: {{sqs: [{{queue_url: "{url}/123456789012/events", region: eu-west-1}}]}}
bounces: {{to: sender, from: bounces@example.com}}
"""


async def test_what_the_supervisor_learns_holds_for_all_workers(tmp_path):
    gone = Fate(
        kind="Bounce",
        type="Permanent",
        subtype="General",
        status="5.1.1",
        diagnostic="smtp; 550 5.1.1 no such user",
    )
    async with simulated() as ses:
        publisher = ses.simulator.service.publisher
        publisher.change(Publishing(format="configuration_set"))
        publisher.fates.add(Scripted(recipient="b@example.org", fate=gone))
        more = TWO + LEARNING.format(url=ses.url)
        config = written(tmp_path, ses.url, store=f"sqlite:///{tmp_path}/queue", more=more)
        async with serving(config, environment(tmp_path)) as relay:
            assert (await send(relay, b"")).startswith("250 2.0.0 Ok ")
            [line] = await relay.logged("suppression.added")
            assert "worker" not in line
            # The sender hears of it, by mail that a worker keeps and sends.
            await until(lambda: any(one.destinations == ("a@example.com",) for one in ses.messages))
            assert all("worker" in line for line in relay.named("message.relayed"))
            refused_by = set()

            async def known_to_both():
                reply = await send(relay, b"again")
                refused_by.update(line["worker"] for line in relay.named("smtp.refused"))
                return not reply.startswith("250 ") and refused_by == {0, 1}

            await eventually(known_to_both)
            assert await counted(relay, 'ses_relay_bounce_ratio{user="local"') > 0
            await stopped(relay)


@pytest.fixture
def database():
    server = PostgresServer()
    try:
        server.create()
        yield server.url()
    finally:
        server.remove()


async def test_workers_share_a_database(tmp_path, database):
    env = environment(tmp_path)
    async with simulated() as ses:
        ses.script(LATER, times=1_000)
        config = written(tmp_path, ses.url, store=database, wait="0s", more=TWO)
        async with serving(config, env) as relay:
            replies = await asyncio.gather(*(send(relay, b"%d\r\n" % n) for n in range(30)))
            assert all(reply.startswith("250 2.0.0 Ok: queued") for reply in replies)
            # Each of them sees all of the queue, and it is shown once.
            total = lambda: equal(counted(relay, "ses_relay_queue_messages{"), 30)  # noqa: E731
            await eventually(total)
            ses.simulator.faults.clear()
            os.kill(workers_of(relay)[0], signal.SIGKILL)
            unknown = lambda: relay.named("message.deferred", cause=LOST)  # noqa: E731 - see above
            await until(lambda: len(ses.messages) + len(unknown()) >= 30, 60)
            await until(lambda: len(relay.named("relay.started")) == 4)
            await stopped(relay)


async def test_what_cannot_start_ends_with_the_reason(tmp_path):
    env = environment(tmp_path)
    async with simulated() as ses:
        config = written(tmp_path, ses.url, store=f"sqlite:///{tmp_path}/queue", more=TWO)
        folder = tmp_path / "queue"
        folder.mkdir()
        (folder / "queue-1.db").write_bytes(b"not a database " * 100)
        code, _, errors = await outcome("serve", "--config", config, env=env)
        assert code == 2
        assert errors.startswith("queue.store: queue-1.db: ")


class OneWorker:
    """Implements `relay.service.supervisor.post.Employer` for a worker without listeners."""

    def __init__(self, settings):
        self.settings = replace(settings, listeners=(), workers=2)
        self.rates = {}

    def begin(self, number):
        seat = Seat(number=number, workers=2)
        return Begin(seat=seat, settings=self.settings, sockets={}, looks={}, adopt=()), ()

    def told(self, _number, told):
        self.rates = told.report.readings.get(ScrapeTime.SEND_RATE_LIMIT, {})

    def gone(self, number):
        """Nobody follows."""


async def test_what_a_worker_hears_of_an_account_before_it_has_started_is_kept(tmp_path):
    async with simulated() as ses:
        # Opening this store takes a worker a while, in which it hears words.
        employer = OneWorker(settings(ses.url, store=SqliteStore(tmp_path / "queue")))
        post = Post(0, employer, SystemClock())
        starting = asyncio.create_task(post.start())
        try:
            await until(lambda: post._hired is not None)
            state = AccountState(max_send_rate=80.0, max_24_hour_send=-1, sent_last_24_hours=0)
            post.say(Looked("default", state))
            await starting
            await until(lambda: employer.rates == {("default",): 80.0})
            assert post.up
        finally:
            await post.end(5.0)
