"""What goes wrong below SES's answers, and if the message can have left before it did."""

import asyncio
import contextlib
import math
import socket

import pytest
from botocore.exceptions import UnknownSignatureVersionError
from wire import Broken, Deaf, Reset, Silence, Wire, accepted, mail, nobody, page, refused

from relay.aws import open_clients
from relay.delivery.answer import Sending
from relay.delivery.exchange import deadline, exchange, note_leaving
from relay.delivery.ses import SesTransport
from relay.model.message import requests_of
from relay.model.outcome import Cause, Deferred, Relayed, Scope, ScopeKind, Unknown
from relay.model.settings import Api, Route

BOTH_APIS = pytest.mark.parametrize("api", [Api.V1, Api.V2])
MESSAGE = Scope(ScopeKind.MESSAGE, "Q1")


def request_of(message):
    return requests_of(message.recipients, 50)[0]


@contextlib.asynccontextmanager
async def way_to(url, api, way):
    settings = Route(region="eu-west-1", endpoint_url=url, api=api)
    async with open_clients("default", settings, 10) as clients:
        yield SesTransport(api, await way(clients), clients.credentials, nobody())


async def send_to(url, api, way, message=None):
    message = message or mail()
    async with way_to(url, api, way) as transport:
        return await transport.send(message, request_of(message))


def assert_unreached(outcome):
    assert isinstance(outcome, Deferred), outcome
    assert (outcome.cause, outcome.scope) == (Cause.NETWORK, MESSAGE)
    assert (outcome.reply.code, outcome.reply.enhanced) == (451, "4.4.1")
    assert outcome.detail


def assert_open(outcome):
    assert isinstance(outcome, Unknown), outcome
    assert (outcome.reply.code, outcome.reply.enhanced) == (451, "4.4.2")
    assert outcome.detail


@BOTH_APIS
async def test_connection_refused(api, way):
    with socket.socket() as bound:  # bound, not listening: nobody else can take the port
        bound.bind(("127.0.0.1", 0))
        assert_unreached(await send_to(f"http://127.0.0.1:{bound.getsockname()[1]}", api, way))


async def test_a_name_that_does_not_resolve(monkeypatch, way):
    async def nowhere(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nowhere)
    assert_unreached(await send_to("http://ses.invalid:1", Api.V1, way))


@BOTH_APIS
async def test_a_peer_that_speaks_no_tls(api, way):
    async def greet(_reader, writer):
        writer.write(b"220 mail.example.com ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert_unreached(await send_to(f"https://127.0.0.1:{port}", api, way))


@pytest.mark.fake_time
async def test_a_connection_that_is_never_made(monkeypatch, way):
    loop = asyncio.get_running_loop()

    async def never(*args, **kwargs):
        await asyncio.Event().wait()

    monkeypatch.setattr(loop, "sock_connect", never)
    began = loop.time()
    assert_unreached(await send_to("http://127.0.0.1:9", Api.V1, way))
    assert loop.time() - began <= 11


@BOTH_APIS
async def test_a_proxy_that_cannot_be_reached(api, monkeypatch, way):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{bound.getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "")
        assert_unreached(await send_to("http://ses.example.com:80", api, way))


@BOTH_APIS
async def test_reset_before_the_body_was_read(api, way):
    # Octets were written: that nobody read them, the relay cannot know.
    async with Wire() as wire:
        wire.script += [Reset(read_body=False)]
        assert_open(await send_to(wire.url, api, way, mail(body=b"x" * 3_000_000)))


@BOTH_APIS
async def test_reset_after_the_body_was_read(api, way):
    async with Wire() as wire:
        wire.script += [Reset(read_body=True)]
        assert_open(await send_to(wire.url, api, way))
        assert len(wire.seen) == 1, "sent again without being told"


@BOTH_APIS
async def test_an_answer_that_breaks_off(api, way):
    async with Wire() as wire:
        wire.script += [Broken(accepted(api)[:-30])]
        assert_open(await send_to(wire.url, api, way))


@BOTH_APIS
async def test_an_answer_that_is_not_http(api, way):
    async with Wire() as wire:
        wire.script += [b"220 mail.example.com ESMTP\r\n"]
        assert_open(await send_to(wire.url, api, way))


@pytest.mark.fake_time
@BOTH_APIS
async def test_no_answer(api, way):
    loop = asyncio.get_running_loop()
    async with Wire() as wire:
        wire.script += [Silence()]
        began = loop.time()
        assert_open(await send_to(wire.url, api, way))
        assert 59 < loop.time() - began < 62
        assert len(wire.seen) == 1


@pytest.mark.fake_time
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@BOTH_APIS
async def test_a_peer_that_stops_reading(api, way):
    # No time-out of the HTTP client covers writing: the deadline does.
    loop = asyncio.get_running_loop()
    message = mail(body=b"x" * 9_000_000)
    async with Wire() as wire:
        wire.script += [Deaf()]
        began = loop.time()
        assert_open(await send_to(wire.url, api, way, message))
        assert loop.time() - began <= deadline(message.size) + 1


@pytest.mark.fake_time
async def test_repetitions_share_the_deadline(monkeypatch, way):
    loop = asyncio.get_running_loop()
    message = mail()
    async with Wire() as wire, way_to(wire.url, Api.V1, way) as transport:
        answer = transport._calls[Api.V1]

        async def slow(sending):
            await asyncio.sleep(deadline(message.size) - 5)
            return await answer(sending)

        monkeypatch.setattr(transport, "_calls", {Api.V1: slow})
        wire.script += [refused(Api.V1, "ExpiredToken", "Expired", 403), accepted(Api.V1)]
        began = loop.time()
        assert_unreached(await transport.send(message, request_of(message)))
        assert loop.time() - began == pytest.approx(deadline(message.size), abs=1)
        assert len(wire.seen) == 1


@pytest.mark.fake_time
async def test_a_renewal_without_end(way):
    loop = asyncio.get_running_loop()
    message = mail()
    async with Wire() as wire, way_to(wire.url, Api.V1, way) as transport:
        await transport._credentials.get_frozen_credentials()
        transport._credentials._load = last_for_ever
        wire.script += [refused(Api.V1, "ExpiredToken", "Expired", 403), accepted(Api.V1)]
        began = loop.time()
        outcome = await transport.send(message, request_of(message))
        assert isinstance(outcome, Deferred)
        assert outcome.cause is Cause.CREDENTIALS
        assert loop.time() - began == pytest.approx(deadline(message.size), abs=1)


@pytest.mark.fake_time
async def test_a_call_without_end_ends_at_the_total_deadline(way):
    loop = asyncio.get_running_loop()
    async with Wire() as wire, way_to(wire.url, Api.V1, way) as transport:
        message = mail()
        transport._calls[Api.V1] = last_for_ever
        began = loop.time()
        # Nothing was handed to the connection, so nothing can have left.
        assert_unreached(await transport.send(message, request_of(message)))
        assert loop.time() - began == pytest.approx(deadline(message.size), abs=1)


async def last_for_ever(*_):
    await asyncio.sleep(1_000_000)


def test_the_deadline_grows_with_the_message():
    assert deadline(0) == 75
    assert deadline(40 * 1024 * 1024) == 75 + 320


@BOTH_APIS
async def test_no_credentials_at_all(api, monkeypatch, way):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with Wire() as wire:
        outcome = await send_to(wire.url, api, way)
        assert isinstance(outcome, Deferred)
        assert (outcome.cause, outcome.scope) == (
            Cause.CREDENTIALS,
            Scope(ScopeKind.ROUTE, "default"),
        )
        assert (outcome.reply.code, outcome.reply.enhanced) == (451, "4.3.5")
        assert not wire.seen


async def test_half_of_the_credentials(monkeypatch, way):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with Wire() as wire:
        outcome = await send_to(wire.url, Api.V1, way)
        assert isinstance(outcome, Deferred)
        assert outcome.cause is Cause.CREDENTIALS
        assert "AWS_SECRET_ACCESS_KEY" in outcome.detail


async def test_a_parameter_that_botocore_refuses_is_our_bug(way):
    async with Wire() as wire:
        message = mail(tags=(("name", 7),))
        outcome = await send_to(wire.url, Api.V1, way, message)
        assert isinstance(outcome, Deferred)
        assert (outcome.cause, outcome.scope) == (Cause.UNCLASSIFIED, MESSAGE)
        assert "Invalid type" in outcome.detail
        assert not wire.seen


async def test_a_bug_before_anything_left_is_not_hidden():
    async def broken(_sending):
        raise KeyError("ours")

    message = mail()
    with pytest.raises(KeyError, match="ours"):
        await exchange(broken, Sending(message, request_of(message)), ends=math.inf)


async def test_a_bug_after_octets_left_leaves_the_outcome_open():
    async def broken(_sending):
        note_leaving()
        raise error

    message = mail()
    for error in (KeyError("ours"), UnknownSignatureVersionError(signature_version="v9")):
        outcome = await exchange(broken, Sending(message, request_of(message)), ends=math.inf)
        assert_open(outcome)
        assert type(error).__name__ in outcome.detail


@BOTH_APIS
async def test_a_caller_that_gives_up_leaves_the_way_usable(api, way):
    async with Wire() as wire, way_to(wire.url, api, way) as transport:
        message = mail()
        wire.script += [Silence(), accepted(api)]
        sending = asyncio.create_task(transport.send(message, request_of(message)))
        await wire.arrived.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert isinstance(await transport.send(message, request_of(message)), Relayed)


async def test_requests_run_side_by_side(way):
    async with Wire() as wire, way_to(wire.url, Api.V1, way) as transport:
        message = mail()
        wire.script += [page(503), accepted(Api.V1), page(504)]
        sent = [transport.send(message, request_of(message)) for _ in range(3)]
        kinds = {type(outcome) for outcome in await asyncio.gather(*sent)}
        assert kinds == {Deferred, Relayed, Unknown}
