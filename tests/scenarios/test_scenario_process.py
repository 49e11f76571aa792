"""The process: how it starts, obeys signals, takes a new configuration and refuses a broken one."""

import base64
import json
import re
import signal
import socket
from dataclasses import replace
from http import HTTPStatus

import aiohttp
import pytest
from relay_process import ServiceManager, environment, outcome, serving
from relay_world import MAIL, relaying, settings, simulated, until
from serve_config import tickets, written
from smtp_fakes import PASSWORD
from typer.testing import CliRunner

from relay.cli import app
from relay.model.settings import TcpBind
from relay.service import Unusable


def plain(user):
    return "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()


@pytest.fixture
def manager(tmp_path):
    listening = ServiceManager(tmp_path)
    yield listening
    listening.close()


async def test_term_lets_a_slow_call_end_and_its_client_hear_the_verdict(tmp_path, manager):
    env = environment(tmp_path, NOTIFY_SOCKET=manager.path)
    async with (
        simulated() as ses,
        serving(written(tmp_path, ses.url), env) as relay,
        relay.line() as idle,
        relay.line() as busy,
    ):
        assert await until(manager.heard) == ["READY=1"]
        ses.hold_back()
        await busy.envelope()
        await busy.begin(MAIL)
        await ses.holding()
        relay.signal(signal.SIGTERM)
        assert (await idle.reply()).startswith("421 4.3.2 ")
        assert manager.heard() == ["STOPPING=1"]
        assert not relay.named("message.relayed")
        ses.answer()
        assert await busy.reply() == f"250 2.0.0 Ok {ses.messages[0].id}"
        assert (await busy.reply()).startswith("421 4.3.2 ")
        assert await relay.end() == 0
        [line] = await relay.logged("message.relayed")
        assert line["ses_message_id"] == ses.messages[0].id
        [stopped] = await relay.logged("relay.stopped")
        assert stopped["in_flight"] == 0
        assert relay.errors == []


async def test_readiness_drops_while_the_last_message_ends(tmp_path):
    async with (
        simulated() as ses,
        serving(written(tmp_path, ses.url), environment(tmp_path)) as relay,
        relay.line() as busy,
    ):
        [started] = relay.named("relay.started")
        assert await status_of(f"{started['http']}/readyz") == HTTPStatus.OK
        ses.hold_back()
        await busy.envelope()
        await busy.begin(MAIL)
        await ses.holding()
        relay.signal(signal.SIGTERM)
        await until(lambda: _refused(relay.port))
        assert await status_of(f"{started['http']}/readyz") == HTTPStatus.SERVICE_UNAVAILABLE
        assert await status_of(f"{started['http']}/healthz") == HTTPStatus.OK
        ses.answer()
        assert (await busy.reply()).startswith("250 2.0.0 Ok ")
        assert await relay.end() == 0


async def status_of(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


async def test_a_second_term_skips_the_waiting(tmp_path):
    async with simulated() as ses:
        config = written(tmp_path, ses.url, store=f"sqlite:///{tmp_path}/queue")
        async with serving(config, environment(tmp_path)) as relay, relay.line() as busy:
            ses.hold_back()
            await busy.envelope()
            await busy.begin(MAIL)
            await ses.holding()
            relay.signal(signal.SIGTERM)
            await until(lambda: _refused(relay.port))
            relay.signal(signal.SIGTERM)
            assert await relay.end() == 0
            # It was not taken over, and the client knows that it was not.
            assert not (await busy.reply()).startswith("250")
            [stopped] = await relay.logged("relay.stopped", level="warning")
            assert stopped["reason"] == "cut off"
            assert stopped["in_flight"]


def _refused(port):
    """Tell if nobody listens on a port any more."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


async def test_hup_takes_a_new_user_and_drops_no_connection(tmp_path, manager):
    env = environment(tmp_path, NOTIFY_SOCKET=manager.path)
    async with simulated() as ses:
        config = written(tmp_path, ses.url)
        async with serving(config, env) as relay, relay.line() as old:
            assert await until(manager.heard) == ["READY=1"]
            await old.envelope()  # in the middle of a transaction
            async with relay.line() as line:
                assert (await line.say(plain("tickets"))).startswith("535 5.7.8 ")
            written(tmp_path, ses.url, users=tickets())
            relay.signal(signal.SIGHUP)
            [line] = await relay.logged("relay.reloaded")
            assert line["changed"] == ["users"]
            assert await until(manager.heard) in (["RELOADING=1", "READY=1"], ["RELOADING=1"])
            async with relay.line() as line:
                assert (await line.say(plain("tickets"))).startswith("235 2.7.0 ")
                assert (await line.send(MAIL)).startswith("250 2.0.0 Ok ")
            await old.begin(MAIL + b"Old.\r\n")
            assert (await old.reply()).startswith("250 2.0.0 Ok ")
            # And a broken file changes nothing.
            config.write_text(config.read_text().replace("auth: optional", "auth: perhaps"))
            relay.signal(signal.SIGHUP)
            [refused] = await relay.logged("relay.reloaded", level="error")
            assert refused["reason"].startswith(f"{config}:5: listeners[0].auth: ")
            async with relay.line() as line:
                assert (await line.say(plain("tickets"))).startswith("235 2.7.0 ")
            assert (await old.send(MAIL + b"Again.\r\n")).startswith("250 2.0.0 Ok ")
            # And what needs a restart is named.
            written(tmp_path, ses.url, users=tickets(), store=f"sqlite:///{tmp_path}/queue")
            relay.signal(signal.SIGHUP)
            [waits] = await relay.logged("relay.reloaded", level="warning")
            assert waits["needs_restart"] == ["queue.store"]
            assert len(ses.messages) == 3
            relay.signal(signal.SIGTERM)
            assert await relay.end() == 0
        # All of that was logged, and none of what only sender and receiver may know.
        said = json.dumps(relay.events)
        assert len(relay.named("smtp.authenticated", user="tickets")) == 2
        for secret in (PASSWORD, plain("tickets").split()[2], "It works.", "argon2"):
            assert secret not in said


def test_check_says_that_a_configuration_is_valid(tmp_path):
    config = written(tmp_path, "http://127.0.0.1:1")
    result = CliRunner().invoke(app, ["serve", "--check", "--config", str(config)])
    assert (result.exit_code, result.output) == (0, f"{config}: configuration is valid\n")


async def test_a_faulty_configuration_ends_the_start_with_all_that_is_wrong(tmp_path):
    config = written(tmp_path, "http://127.0.0.1:1")
    config.write_text(
        config.read_text().replace("tls: off", "tls: of").replace("store:", "stored:")
    )
    code, out, errors = await outcome("serve", "--config", config, env=environment(tmp_path))
    assert (code, out) == (2, "")
    first, second = errors.splitlines()
    assert first.startswith(f"{config}:4: listeners[0].tls: ")
    assert second.startswith(f"{config}:12: queue.stored: ")


async def test_a_start_that_fails_says_who_knows_the_fix(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = written(tmp_path, "http://127.0.0.1:1")
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        config.write_text(config.read_text().replace('bind: "127.0.0.1:0"', f'bind: "{busy}"', 1))
        env = environment(tmp_path)
        code, _, errors = await outcome("serve", "--config", config, env=env)
        assert code == 2
        why, fix = errors.splitlines()
        assert why == f"listeners: {busy}: Address already in use"
        _, *check = re.search("`(.+)`", fix)[1].split()
        code, said, _ = await outcome(*check, env=env)
        assert code == 1
        assert "stop that, or choose another address" in said


async def test_a_port_that_is_taken_ends_the_start_with_one_line():
    async with simulated() as ses:
        host, port = ses.url.rpartition("/")[2].split(":")
        configuration = settings(ses.url)
        [listener] = configuration.listeners
        busy = replace(listener, bind=TcpBind(host, int(port)))
        with pytest.raises(Unusable, match=rf"^listeners: {host}:{port}: .*in use.*$"):
            async with relaying(replace(configuration, listeners=(busy,))):
                pass
