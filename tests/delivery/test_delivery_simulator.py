"""The transport against the SES double: what arrives there, and what each of its refusals means."""

import contextlib
import dataclasses

import pytest
from wire import address, mail, nobody

from relay.aws import open_clients
from relay.delivery.account import AccountPoller
from relay.delivery.ses import SesTransport
from relay.model.account import AccountState
from relay.model.clock import SystemClock
from relay.model.message import requests_of
from relay.model.outcome import Cause, Deferred, Failed, Relayed, ScopeKind, Unknown
from relay.model.settings import Api, Route
from relay.simulator import (
    Account,
    ConfigurationSet,
    Denial,
    Drop,
    Enforcement,
    Fault,
    Simulator,
    Tenant,
    TenantStatus,
    running,
)

APIS = pytest.mark.parametrize("api", [Api.V1, Api.V2])


@pytest.fixture(autouse=True)
def simulator_credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulator")


@pytest.fixture
def simulator():
    return Simulator(Account(max_send_rate=1000))


class Simulated:
    def __init__(self, clients, calls):
        self.clients = clients
        self._calls = calls

    async def send(self, api, message=None):
        message = message or mail()
        transport = SesTransport(api, self._calls, self.clients.credentials, nobody())
        (request,) = requests_of(message.recipients, 50)
        return await transport.send(message, request)


@pytest.fixture
async def ses(simulator, way):
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(running(simulator))
        settings = Route(region="eu-west-1", endpoint_url=url)
        clients = await stack.enter_async_context(open_clients("default", settings, 4))
        yield Simulated(clients, await way(clients))


@APIS
async def test_what_is_sent_arrives_octet_for_octet(ses, simulator, api):
    message = mail(
        recipients=("b@example.net", "c@example.net"),
        body=b"caf\xe9 + / =\r\n.\r\n" * 100,
        tags=(("queue", "Q1"),),
    )
    outcome = await ses.send(api, message)
    assert isinstance(outcome, Relayed), outcome
    (arrived,) = simulator.mailbox.messages()
    assert outcome.ses_message_id == arrived.id
    assert outcome.ses_request_id
    assert arrived.raw == message.content.octets()
    assert arrived.source == "a@example.com"
    assert tuple(arrived.destinations) == ("b@example.net", "c@example.net")
    assert dict(arrived.tags)["queue"] == "Q1"


STATES = {
    "paused": (
        {"sending_enabled": False},
        *(Cause.ACCOUNT_PAUSED, ScopeKind.ROUTE, "4.3.2"),
    ),
    "shut down": (
        {"enforcement": Enforcement.SHUTDOWN},
        *(Cause.ACCOUNT_PAUSED, ScopeKind.ROUTE, "4.3.2"),
    ),
    "no such set": (
        {},
        *(Cause.CONFIGURATION_SET, ScopeKind.CONFIGURATION_SET, "4.3.5"),
    ),
    "set paused": (
        {"configuration_sets": {"app-a": ConfigurationSet(sending_enabled=False)}},
        *(Cause.CONFIGURATION_SET, ScopeKind.CONFIGURATION_SET, "4.3.5"),
    ),
    "MX lost": (
        {
            "configuration_sets": {"app-a": ConfigurationSet()},
            "mail_from_failing": frozenset({"example.com"}),
        },
        *(Cause.IDENTITY, ScopeKind.IDENTITY, "4.3.5"),
    ),
    "identity denied": (
        {"denied": (Denial(action="ses:SendRawEmail", resource="*identity/example.com"),)},
        *(Cause.PERMISSION, ScopeKind.IDENTITY, "4.3.5"),
    ),
    "set denied": (
        {"denied": (Denial(action="ses:SendRawEmail", resource="*configuration-set/*"),)},
        *(Cause.PERMISSION, ScopeKind.CONFIGURATION_SET, "4.3.5"),
    ),
    "other key": (
        {"credentials": {"simulator": "other"}},
        *(Cause.CREDENTIALS, ScopeKind.ROUTE, "4.3.5"),
    ),
    "no key": (
        {"credentials": {}},
        *(Cause.CREDENTIALS, ScopeKind.ROUTE, "4.3.5"),
    ),
    "day full": (
        {"max_24_hour_send": 0.0, "configuration_sets": {"app-a": ConfigurationSet()}},
        *(Cause.QUOTA, ScopeKind.ROUTE, "4.4.5"),
    ),
}


@APIS
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
async def test_states_of_the_account(ses, simulator, api, state):
    changes, cause, kind, enhanced = state
    simulator.account = dataclasses.replace(simulator.account, **changes)
    outcome = await ses.send(api, mail(configuration_set="app-a"))
    assert isinstance(outcome, Deferred), outcome
    assert (outcome.cause, outcome.scope.kind) == (cause, kind)
    assert (outcome.reply.code, outcome.reply.enhanced) == (451, enhanced)
    assert outcome.scope in mail(configuration_set="app-a").scopes


@pytest.mark.parametrize(
    ("tenants", "enhanced"),
    [
        ({}, "4.3.5"),
        ({"acme": Tenant()}, "4.3.5"),
        ({"acme": Tenant(status=TenantStatus.DISABLED)}, "4.3.2"),
    ],
)
async def test_tenants(ses, simulator, tenants, enhanced):
    simulator.account = dataclasses.replace(simulator.account, tenants=tenants)
    outcome = await ses.send(Api.AUTO, mail(tenant="acme"))
    assert isinstance(outcome, Deferred), outcome
    assert (outcome.cause, outcome.scope.kind) == (Cause.TENANT_PAUSED, ScopeKind.TENANT)
    assert outcome.reply.enhanced == enhanced


@APIS
async def test_the_rate(ses, simulator, api):
    simulator.account = dataclasses.replace(simulator.account, max_send_rate=1.0)
    outcomes = [await ses.send(api) for _ in range(4)]
    last = outcomes[-1]
    assert isinstance(last, Deferred), outcomes
    assert (last.cause, last.scope.kind) == (Cause.RATE, ScopeKind.MESSAGE)


@APIS
async def test_an_unverified_sender(ses, api):
    outcome = await ses.send(api, mail(sender="a@example.org"))
    assert isinstance(outcome, Failed), outcome
    assert str(outcome.reply).startswith("554 5.7.1 Amazon SES: Email address is not verified.")


@APIS
async def test_a_sandbox_refuses_the_recipients_it_does_not_know(ses, simulator, api):
    simulator.account = dataclasses.replace(simulator.account, sandbox=True)
    outcome = await ses.send(api, mail(recipients=("ok@example.com", "b@example.net")))
    assert isinstance(outcome, Failed), outcome
    assert outcome.recipients == {address("b@example.net")}
    assert str(outcome.reply).startswith("550 5.7.1 ")


@APIS
async def test_a_duplicate_header(ses, api):
    outcome = await ses.send(api, mail_with(b"Subject: twice\r\n\r\nHello\r\n"))
    assert isinstance(outcome, Failed), outcome
    assert outcome.reply.enhanced == "5.6.0"


@APIS
async def test_a_program_attached(ses, api):
    head = b'Content-Disposition: attachment; filename="run.exe"\r\nMIME-Version: 1.0\r\n'
    outcome = await ses.send(api, mail_with(head + b"\r\nHello\r\n"))
    assert isinstance(outcome, Failed), outcome
    assert outcome.reply.enhanced == "5.6.1"


def mail_with(rest):
    """Give mail whose header goes on with `rest`; a field holds any octets."""
    message = mail(body=rest)
    content = message.content
    head, _, body = rest.partition(b"\r\n\r\n")
    fields = (*content.fields, type(content.fields[0])(head + b"\r\n"))
    return dataclasses.replace(
        message, content=dataclasses.replace(content, fields=fields, body=body)
    )


@APIS
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_connection_cut(ses, simulator, api, when):
    operation = "SendRawEmail" if api is Api.V1 else "SendEmail"
    simulator.faults.add(Fault(operation=operation, times=1, then=Drop(when=when)))
    assert isinstance(await ses.send(api), Unknown)
    assert len(simulator.mailbox.messages()) == (1 if when == "after" else 0)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_ten_mebibytes_and_more_go_by_v2(ses, simulator):
    lines = b"".join([b"x" * 998 + b"\r\n"] * 11_000)
    assert isinstance(await ses.send(Api.AUTO, mail(body=lines)), Relayed)
    (arrived,) = simulator.mailbox.messages()
    assert arrived.api == "v2"


async def test_the_poller_reads_the_account(ses, simulator):
    simulator.account = dataclasses.replace(simulator.account, sandbox=True)
    poller = AccountPoller(ses.clients, SystemClock(), lambda look: None)
    look = await poller.look()
    assert isinstance(look, AccountState), look
    assert look.sandbox
    assert look.max_send_rate == 1000
