"""The way without botocore: held against botocore when a route opens, left where they differ."""

import logging

import pytest
from wire import Ses, Wire, accepted, http, mail, route

from relay.aws import HttpAnswer, open_clients
from relay.delivery import lean
from relay.delivery.lean import lean_calls, plain_yes, write_form, write_json
from relay.delivery.signature import Endpoint
from relay.model.outcome import Relayed
from relay.model.settings import Api, Route


@pytest.fixture
async def wire_and_clients():
    async with Wire() as wire, open_clients("default", route(wire), 2) as clients:
        yield wire, clients


async def test_learning_needs_no_network_and_no_credentials(wire_and_clients):
    wire, clients = wire_and_clients
    assert await lean_calls(clients) is not None
    assert not wire.seen
    assert clients.credentials.generation == 0


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1"])
async def test_the_endpoints_of_amazon_fit(region):
    # A new botocore that writes, signs or addresses these requests otherwise fails here, loudly.
    async with open_clients("default", Route(region=region), 2) as clients:
        assert await lean_calls(clients) is not None


async def without_source(sending):
    body = await write_form(sending)
    return lean.Body((body.pieces[0].replace(b"&Source=", b"&From="),), body.size, body.sha256)


async def without_data(sending):
    return lean.Body((b"{}",), 2, (await write_json(sending)).sha256)


CHANGES = {
    "the form is another": ("write_form", without_source),
    "the JSON is another": ("write_json", without_data),
}


@pytest.mark.parametrize(("name", "value"), CHANGES.values(), ids=CHANGES)
async def test_whatever_changes_botocore_then_sends(
    wire_and_clients, monkeypatch, caplog, name, value
):
    wire, clients = wire_and_clients
    monkeypatch.setattr(lean, name, value)
    with caplog.at_level(logging.WARNING):
        assert await lean_calls(clients) is None
    assert "in another way" in caplog.text
    assert not wire.seen, "the trial reached the network"


async def test_a_signature_that_botocore_does_not_make(wire_and_clients, monkeypatch):
    _, clients = wire_and_clients
    wrong = Endpoint.of("http://x/", "a", "b")
    monkeypatch.setattr(Endpoint, "of", lambda *_: wrong)
    assert await lean_calls(clients) is None


async def test_an_address_of_another_kind(wire_and_clients, monkeypatch):
    _, clients = wire_and_clients
    monkeypatch.setattr(Endpoint, "of", lambda *_: None)
    assert await lean_calls(clients) is None


async def test_a_proxy_is_left_to_botocore(wire_and_clients, monkeypatch, caplog):
    wire, _ = wire_and_clients
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    async with open_clients("default", route(wire), 2) as clients:
        assert await lean_calls(clients) is None
    assert not caplog.text


async def test_a_proxy_that_is_not_for_ses_changes_nothing(wire_and_clients, monkeypatch):
    wire, _ = wire_and_clients
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with open_clients("default", route(wire), 2) as clients:
        assert await lean_calls(clients) is not None


async def test_one_connection_serves_many_requests_and_closes_with_the_clients(wire_and_clients):
    wire, clients = wire_and_clients
    ses = Ses(wire, clients, await lean_calls(clients))
    for _ in range(3):
        wire.script += [accepted(Api.V1)]
        assert isinstance(await ses.send(Api.V1), Relayed)
    assert len(wire._connections) == 1


async def test_a_connection_that_the_peer_closed_is_not_used_again(wire_and_clients):
    wire, clients = wire_and_clients
    ses = Ses(wire, clients, await lean_calls(clients))
    farewell = accepted(Api.V1).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    wire.script += [farewell, accepted(Api.V1)]
    assert isinstance(await ses.send(Api.V1), Relayed)
    assert isinstance(await ses.send(Api.V1), Relayed)


async def test_what_looks_like_the_place_of_the_message_is_not(wire_and_clients):
    wire, clients = wire_and_clients
    ses = Ses(wire, clients, await lean_calls(clients))
    wire.script += [accepted(Api.V2)]
    message = mail(tags=(("x", '"Data": ""'),))
    assert isinstance(await ses.send(Api.V2, message), Relayed)


XML = (
    '<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/">'
    "<SendRawEmailResult><MessageId>{}</MessageId></SendRawEmailResult>"
    "<ResponseMetadata><RequestId>R-1</RequestId></ResponseMetadata></SendRawEmailResponse>"
)


def answer(status, body, **headers):
    return HttpAnswer(status, headers, body.encode(), last=False)


def test_a_plain_yes():
    said = plain_yes(answer(200, XML.format("0102-1-000000") + "\n"))
    assert said == Relayed(ses_message_id="0102-1-000000", ses_request_id="R-1")
    said = plain_yes(answer(200, '{ "MessageId": "0102-1" }', **{"x-amzn-requestid": "R"}))
    assert said == Relayed(ses_message_id="0102-1", ses_request_id="R")


@pytest.mark.parametrize(
    "other",
    [
        answer(500, XML.format("0102-1-000000")),
        answer(200, XML.format("")),
        answer(200, XML.format("a<b/>c")),
        answer(200, XML.format("x") + XML.format("y")),
        answer(200, "<html><MessageId>x</MessageId></html>"),
        answer(200, '{"MessageId": "x"}'),
        answer(200, '{"MessageId": "x", "more": 1}', **{"x-amzn-requestid": "R"}),
        answer(200, ""),
    ],
)
def test_anything_else_is_left_to_botocore(other):
    assert plain_yes(other) is None


async def test_an_unusual_yes_is_read_by_botocore(wire_and_clients):
    wire, clients = wire_and_clients
    ses = Ses(wire, clients, await lean_calls(clients))
    wire.script += [http(200, f"<?xml version='1.0'?>{XML.format('0102-1')}")]
    assert await ses.send(Api.V1) == Relayed(ses_message_id="0102-1", ses_request_id="R-1")
