"""The way past botocore is tried first, and left alone where it does not fit."""

import dataclasses
import logging

import pytest
from wire import Ses, Wire, accepted, mail, nobody, route

from relay.aws import open_clients
from relay.delivery import direct
from relay.delivery.direct import direct_calls
from relay.delivery.requests import plain_calls
from relay.delivery.ses import ses_transport
from relay.delivery.takeover import fill_form, fill_json
from relay.model.content import Content
from relay.model.outcome import Relayed
from relay.model.settings import Api

CONTENT = Content((), b"x")


@pytest.fixture
async def wire_and_clients():
    async with Wire() as wire, open_clients("default", route(wire), 2) as clients:
        yield wire, clients


async def test_the_trial_needs_no_network_and_no_credentials(wire_and_clients):
    wire, clients = wire_and_clients
    assert await direct_calls(clients) is not None
    assert not wire.seen
    assert clients.credentials.generation == 0


async def other_form(serialised, content):
    return await fill_form({**serialised, "RawMessage.Data": None}, content)


async def forgets_the_message(serialised, content):
    return await fill_form(serialised, Content((), b""))


CHANGES = {
    "botocore serialises otherwise": ("fill_form", other_form),
    "the message does not get in": ("fill_form", forgets_the_message),
    "v1 event renamed": ("V1_OPERATION", "ses.SendRawMail"),
    "v2 event renamed": ("V2_OPERATION", "sesv2.SendMail"),
    "v1 answers are read otherwise": ("_V1_YES", b"<a/>"),
    "v2 answers are read otherwise": ("_V2_YES", b"{}"),
}


@pytest.mark.parametrize(("name", "value"), CHANGES.values(), ids=CHANGES)
async def test_whatever_changes_the_client_then_sends_by_itself(
    wire_and_clients, monkeypatch, caplog, name, value
):
    wire, clients = wire_and_clients
    monkeypatch.setattr(direct, name, value)
    with caplog.at_level(logging.WARNING):
        assert await direct_calls(clients) is None
    assert "slower" in caplog.text
    assert not wire.seen, "the trial reached the network"
    transport = await ses_transport(Api.V1, dataclasses.replace(clients, ses_lean=None), nobody())
    wire.script += [accepted(Api.V1)]
    ses = Ses(wire, clients, plain_calls(clients))
    assert isinstance(await ses.send(Api.V1, transport=transport), Relayed)
    assert "amz-sdk-invocation-id" in wire.seen[0].headers


async def test_a_call_that_brings_no_content_is_left_to_botocore(wire_and_clients):
    wire, clients = wire_and_clients
    await direct_calls(clients)
    wire.script += [accepted(Api.V1)]
    await clients.ses.send_raw_email(RawMessage={"Data": b"by hand"})
    assert "amz-sdk-invocation-id" in wire.seen[0].headers


@pytest.mark.parametrize("serialised", [b"", {}, {"RawMessage.Data": "eA=="}, None])
async def test_a_form_of_another_shape_is_refused(serialised):
    with pytest.raises(ValueError, match="SendRawEmail is not serialised"):
        await fill_form(serialised, CONTENT)


@pytest.mark.parametrize(
    "serialised", [b"{}", {}, b'{"Data": "", "Data": ""}', b'{"Data": "eA=="}']
)
async def test_json_of_another_shape_is_refused(serialised):
    with pytest.raises(ValueError, match="SendEmail is not serialised"):
        await fill_json(serialised, CONTENT)


async def test_what_looks_like_the_place_of_the_message_is_not(wire_and_clients):
    wire, clients = wire_and_clients
    calls = await direct_calls(clients)
    wire.script += [accepted(Api.V2)]
    ses = Ses(wire, clients, calls)
    message = mail(tags=(("x", '"Data": ""'),))
    assert isinstance(await ses.send(Api.V2, message), Relayed)
