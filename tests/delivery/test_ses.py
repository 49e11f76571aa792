"""Which API is used, and the two cases in which a request is made again at once."""

import contextlib

import pytest
from wire import Reset, Wire, accepted, mail, page, refused

from relay.aws import open_clients
from relay.delivery.ses import SesTransport, open_transport
from relay.model.message import requests_of
from relay.model.outcome import Cause, Deferred, Failed, Relayed, Unknown
from relay.model.ses_limits import V1_OCTETS
from relay.model.settings import Api, Route

pytestmark = pytest.mark.asyncio(loop_scope="module")

V1, V2 = "/", "/v2/email/outbound-emails"
TOO_LONG = "Message length is more than 10485760 bytes long: '10485800'"


def paths(ses):
    return [seen.path for seen in ses.seen]


async def test_auto_prefers_v1(ses):
    ses.script += [accepted(Api.V1)]
    assert isinstance(await ses.send(Api.AUTO), Relayed)
    assert paths(ses) == [V1]


async def test_auto_takes_v2_for_a_tenant(ses):
    ses.script += [accepted(Api.V2)]
    assert isinstance(await ses.send(Api.AUTO, mail(tenant="acme")), Relayed)
    assert paths(ses) == [V2]


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@pytest.mark.parametrize(("more", "path"), [(0, V1), (1, V2)])
async def test_auto_takes_v2_beyond_ten_mebibytes(ses, more, path):
    header = mail(body=b"").content.size
    message = mail(body=b"x" * (V1_OCTETS - header + more))
    assert message.size == V1_OCTETS + more
    ses.script += [accepted(Api.V1 if path == V1 else Api.V2)]
    assert isinstance(await ses.send(Api.AUTO, message), Relayed)
    assert paths(ses) == [path]


async def test_auto_goes_on_by_v2_when_v1_finds_the_message_too_long(ses):
    ses.script += [refused(Api.V1, "InvalidParameterValue", TOO_LONG), accepted(Api.V2)]
    assert isinstance(await ses.send(Api.AUTO), Relayed)
    assert paths(ses) == [V1, V2]


async def test_auto_does_not_go_on_when_a_proxy_finds_it_too_large(ses):
    ses.script += [page(413)]
    assert isinstance(await ses.send(Api.AUTO), Failed)
    assert paths(ses) == [V1]


async def test_v1_by_the_operators_will_does_not_go_on_by_v2(ses):
    ses.script += [refused(Api.V1, "InvalidParameterValue", TOO_LONG)]
    outcome = await ses.send(Api.V1)
    assert isinstance(outcome, Failed)
    assert outcome.reply.enhanced == "5.3.4"
    assert paths(ses) == [V1]


@pytest.mark.parametrize("step", [page(503), page(504), Reset(read_body=True)])
@pytest.mark.parametrize("api", [Api.V1, Api.V2, Api.AUTO])
async def test_nothing_else_is_made_again(ses, api, step):
    ses.script += [step, accepted(api), accepted(api)]
    assert isinstance(await ses.send(api), Deferred | Unknown)
    assert len(ses.seen) == 1


@contextlib.asynccontextmanager
async def transport_with_clients(wire, api):
    settings = Route(region="eu-west-1", endpoint_url=wire.url, api=api)
    async with open_clients("default", settings, 10) as clients:
        yield SesTransport(api, clients), clients


EXPIRED = {Api.V1: "ExpiredToken", Api.V2: "ExpiredTokenException"}


@pytest.mark.parametrize("api", [Api.V1, Api.V2])
async def test_expired_credentials_are_renewed_once_at_once(ses, api, module_wire, monkeypatch):
    message = mail()
    async with transport_with_clients(module_wire, api) as (transport, clients):
        await clients.credentials.get_frozen_credentials()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDRENEWED")
        ses.script += [refused(api, EXPIRED[api], "Expired", 403), accepted(api)]
        (request,) = requests_of(message.recipients, 50)
        assert isinstance(await transport.send(message, request), Relayed)
        first, second = [seen.headers["authorization"] for seen in ses.seen]
        assert "Credential=AKIDEXAMPLE/" in first
        assert "Credential=AKIDRENEWED/" in second
        assert clients.credentials.generation == 2


async def test_credentials_that_stay_refused_hold_the_route(ses):
    ses.script += [refused(Api.V1, "ExpiredToken", "Expired", 403)] * 2 + [accepted(Api.V1)]
    outcome = await ses.send(Api.V1)
    assert isinstance(outcome, Deferred)
    assert outcome.cause is Cause.CREDENTIALS
    assert len(ses.seen) == 2


async def test_credentials_that_cannot_be_renewed_keep_the_words_of_ses(
    ses, module_wire, monkeypatch
):
    message = mail()
    async with transport_with_clients(module_wire, Api.V1) as (transport, clients):
        await clients.credentials.get_frozen_credentials()
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        ses.script += [refused(Api.V1, "ExpiredToken", "It has expired", 403)]
        (request,) = requests_of(message.recipients, 50)
        outcome = await transport.send(message, request)
    assert isinstance(outcome, Deferred)
    assert outcome.cause is Cause.CREDENTIALS
    assert outcome.reply.text == "Amazon SES: It has expired"


async def test_open_transport_gives_the_way_of_a_route():
    message = mail()
    async with Wire() as wire:
        wire.script += [accepted(Api.V2)]
        settings = Route(region="eu-west-1", endpoint_url=wire.url, api=Api.V2)
        async with open_transport("default", settings, 4) as transport:
            (request,) = requests_of(message.recipients, 50)
            assert isinstance(await transport.send(message, request), Relayed)
        assert [seen.path for seen in wire.seen] == [V2]
