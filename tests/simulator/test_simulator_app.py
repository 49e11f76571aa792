"""The simulator over HTTP, with aioboto3 and with bare sockets."""

import asyncio
from contextlib import AsyncExitStack

import aioboto3
import aiohttp
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from sigv4_requests import form

from relay.simulator import Delay, Drop, Fault, Simulator, make_app, running
from relay.simulator.limits import REQUEST_OCTETS

RAW = b"From: a@example.com\r\nTo: b@y.example\r\n\r\nHello\r\n"
NO_RETRIES = Config(retries={"total_max_attempts": 1})


def client(name, url, **keys):
    session = aioboto3.Session(
        aws_access_key_id="simulator", aws_secret_access_key="simulator", region_name="us-east-1"
    )
    return session.client(name, endpoint_url=url, config=NO_RETRIES, **keys)


async def test_aioboto3_sends_over_both_apis():
    simulator = Simulator()
    async with running(simulator) as url:
        async with client("ses", url) as ses:
            first = await ses.send_raw_email(RawMessage={"Data": RAW})
        async with client("sesv2", url) as sesv2:
            second = await sesv2.send_email(Content={"Raw": {"Data": RAW}})
            with pytest.raises(sesv2.exceptions.MessageRejected) as caught:
                await sesv2.send_email(
                    Content={"Raw": {"Data": RAW}}, FromEmailAddress="a@x.example"
                )
        async with client("sts", url) as sts:
            identity = await sts.get_caller_identity()
    assert "in region US-EAST-1: a@x.example" in str(caught.value)
    assert [kept.id for kept in simulator.mailbox.messages()] == [
        first["MessageId"],
        second["MessageId"],
    ]
    assert identity["Account"] == "123456789012"
    assert b"@email.amazonses.com>" in simulator.mailbox.messages()[0].delivered_header


@pytest.mark.filterwarnings("ignore:Sending a large body")  # aiohttp's advice to aiobotocore
async def test_large_messages_pass_both_apis():
    simulator = Simulator()
    line = b"x" * 76 + b"\r\n"
    ten, forty = (RAW + line * ((most - len(RAW)) // 78) for most in (10 << 20, 40 << 20))
    async with running(simulator) as url:
        async with client("ses", url) as ses:
            await ses.send_raw_email(RawMessage={"Data": ten})
        async with client("sesv2", url) as sesv2:
            await sesv2.send_email(Content={"Raw": {"Data": forty}})
    assert [kept.raw for kept in simulator.mailbox.messages()] == [ten, forty]


@pytest.mark.parametrize(("when", "kept"), [("before", 0), ("after", 1)])
async def test_a_dropped_request_gets_no_octet_back(when, kept):
    simulator = Simulator()
    simulator.faults.add(Fault(operation="*", times=1, then=Drop(when)))
    async with running(simulator) as url, client("ses", url) as ses:
        with pytest.raises(ConnectionClosedError):
            await ses.send_raw_email(RawMessage={"Data": RAW})
        assert len(simulator.mailbox) == kept
        await ses.send_raw_email(RawMessage={"Data": RAW})


async def test_a_delayed_request_has_its_effect_at_once():
    simulator = Simulator()
    simulator.faults.add(Fault(operation="*", times=1, then=Delay(60.0)))
    asked = asyncio.Event()
    go_on = asyncio.Event()
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        asked.set()
        await go_on.wait()

    async with running(simulator, sleep=sleep) as url, client("ses", url) as ses:
        sending = asyncio.create_task(ses.send_raw_email(RawMessage={"Data": RAW}))
        await asked.wait()
        assert (slept, len(simulator.mailbox), sending.done()) == ([60.0], 1, False)
        go_on.set()
        assert (await sending)["MessageId"] == simulator.mailbox.messages()[0].id


async def test_delays_do_not_hold_up_the_stop(monkeypatch):
    monkeypatch.setattr("relay.simulator.app._STOP_GRACE_S", 0.01)
    simulator = Simulator()
    simulator.faults.add(Fault(operation="*", times=1, then=Delay(60.0)))
    asked = asyncio.Event()

    async def sleep(_seconds):
        asked.set()
        await asyncio.Event().wait()

    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(running(simulator, sleep=sleep))
        async with client("ses", url) as ses:
            sending = asyncio.create_task(ses.send_raw_email(RawMessage={"Data": RAW}))
            await asked.wait()
            await stack.aclose()
            with pytest.raises(ConnectionClosedError):
                await sending


async def test_control_over_http():
    simulator = Simulator()
    async with running(simulator) as url, aiohttp.ClientSession(url) as session:
        async with session.put("/_simulator/account", json={"sandbox": True}) as answer:
            assert (await answer.json())["sandbox"] is True
        async with client("ses", url) as ses:
            with pytest.raises(ClientError) as caught:
                await ses.send_raw_email(RawMessage={"Data": RAW})
        assert caught.value.response["Error"]["Code"] == "MessageRejected"
        async with session.delete("/_simulator/messages") as answer:
            assert answer.status == 204


async def test_a_request_beyond_all_limits_is_413(monkeypatch):
    monkeypatch.setattr("relay.simulator.limits.REQUEST_OCTETS", 1_000)
    async with running(Simulator()) as url, aiohttp.ClientSession(url) as session:
        body = form(Action="SendRawEmail", **{"RawMessage.Data": "x" * 1_000})
        async with session.post("/", data=body) as answer:
            assert answer.status == 413
            assert b"<Code>RequestEntityTooLarge</Code>" in await answer.read()
        async with session.post("/v2/email/outbound-emails", data=body) as answer:
            assert answer.status == 413
            assert answer.headers["x-amzn-ErrorType"] == "RequestEntityTooLargeException"
    assert REQUEST_OCTETS == 80 * 1024 * 1024


async def test_ipv6_binds_and_the_application_for_other_servers():
    assert make_app(Simulator()).router.routes()
    async with running(Simulator(), "[::1]:0") as url:
        assert url.startswith("http://[::1]:")
        async with aiohttp.ClientSession(url) as session, session.get("/") as answer:
            assert answer.status == 403


@pytest.mark.parametrize("bind", ["8026", "127.0.0.1", "127.0.0.1:65536", "::1:80", "a:b", ""])
async def test_binds_that_are_none(bind):
    with pytest.raises(ValueError, match="write host:port or"):
        async with running(Simulator(), bind):
            pytest.fail("served an impossible bind")
