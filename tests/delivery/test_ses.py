"""Which API is used, and the two cases in which a request is made again at once."""

import pytest
import pytest_asyncio
from wire import Reset, Ses, accepted, mail, nobody, page, refused, route

from relay.aws import open_clients
from relay.delivery.ses import ses_transport
from relay.model.outcome import Cause, Deferred, Failed, Relayed, Unknown
from relay.model.ses_limits import V1_OCTETS
from relay.model.settings import Api

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


EXPIRED = {Api.V1: "ExpiredToken", Api.V2: "ExpiredTokenException"}


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(module_wire, module_way):
    """SES again, with clients whose credentials may change."""
    module_wire.forget()
    way = module_way[2]
    async with open_clients("default", route(module_wire), 10) as clients:
        await clients.credentials.get_frozen_credentials()
        yield Ses(module_wire, clients, await way(clients))


@pytest.mark.parametrize("api", [Api.V1, Api.V2])
async def test_expired_credentials_are_renewed_once_at_once(fresh, api, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDRENEWED")
    fresh.script += [refused(api, EXPIRED[api], "Expired", 403), accepted(api)]
    assert isinstance(await fresh.send(api), Relayed)
    first, second = [seen.headers["authorization"] for seen in fresh.seen]
    assert "Credential=AKIDEXAMPLE/" in first
    assert "Credential=AKIDRENEWED/" in second
    assert fresh.clients.credentials.generation == 2


async def test_credentials_that_stay_refused_hold_the_route(ses):
    ses.script += [refused(Api.V1, "ExpiredToken", "Expired", 403)] * 2 + [accepted(Api.V1)]
    outcome = await ses.send(Api.V1)
    assert isinstance(outcome, Deferred)
    assert outcome.cause is Cause.CREDENTIALS
    assert len(ses.seen) == 2


async def test_credentials_that_cannot_be_renewed_keep_the_words_of_ses(fresh, monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    fresh.script += [refused(Api.V1, "ExpiredToken", "It has expired", 403)]
    outcome = await fresh.send(Api.V1)
    assert isinstance(outcome, Deferred)
    assert outcome.cause is Cause.CREDENTIALS
    assert outcome.reply.text == "Amazon SES: It has expired"


async def test_the_transport_of_a_route_goes_past_botocore_where_it_fits(ses):
    transport = await ses_transport(Api.V2, ses.clients, nobody())
    ses.script += [accepted(Api.V2)]
    assert isinstance(await ses.send(Api.V2, transport=transport), Relayed)
    # Marks of botocore's retry machinery, which the direct way leaves out.
    assert "amz-sdk-invocation-id" not in ses.seen[0].headers
