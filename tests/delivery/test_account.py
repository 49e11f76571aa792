"""The account is asked rarely, by the API that may be used, and never twice within a second."""

import asyncio
import contextlib
import json

import pytest
from fakes import FakeClock
from wire import Broken, Reset, Silence, Wire, http, page, refused

from relay.aws import open_clients
from relay.delivery.account import AccountPoller, AccountUnknown
from relay.model.account import AccountState
from relay.model.settings import Api, Route

WHOLE = {
    "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 7.0},
    "SendingEnabled": False,
    "ProductionAccessEnabled": False,
    "EnforcementStatus": "PROBATION",
}
NUMBERS = http(
    200,
    '<GetSendQuotaResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><GetSendQuotaResult>'
    "<SentLast24Hours>127.0</SentLast24Hours><Max24HourSend>-1.0</Max24HourSend>"
    "<MaxSendRate>2.0</MaxSendRate></GetSendQuotaResult></GetSendQuotaResponse>",
)
DENIED = refused(Api.V2, "AccessDeniedException", "not authorized to perform: ses:GetAccount", 403)


def whole(**changes):
    return http(200, json.dumps({**WHOLE, **changes}), "Content-Type: application/json")


@contextlib.asynccontextmanager
async def poller_on(wire, told=lambda look: None, chance=lambda: 0.5):
    settings = Route(region="eu-west-1", endpoint_url=wire.url)
    async with open_clients("default", settings, 2) as clients:
        yield AccountPoller(clients, FakeClock(), told, chance)


async def look(*script):
    async with Wire() as wire, poller_on(wire) as poller:
        wire.script += script
        return await poller.look(), [seen.path for seen in wire.seen], poller


async def test_get_account_tells_everything():
    seen, paths, _ = await look(whole())
    assert seen == AccountState(
        max_send_rate=14.0,
        max_24_hour_send=50000.0,
        sent_last_24_hours=7.0,
        sending_enabled=False,
        enforcement="PROBATION",
        sandbox=True,
    )
    assert paths == ["/v2/email/account"]


@pytest.mark.parametrize("answer", [DENIED, page(404, "<html>no such page")])
async def test_get_send_quota_where_get_account_cannot_be_had(answer):
    seen, paths, poller = await look(answer, NUMBERS)
    assert seen == AccountState(max_send_rate=2.0, max_24_hour_send=-1.0, sent_last_24_hours=127.0)
    assert paths == ["/v2/email/account", "/"]
    waited = poller._clock.monotonic() - FakeClock().monotonic()
    assert waited > 1, "control calls are limited to one per second"


async def test_neither_is_allowed():
    seen, _, _ = await look(DENIED, refused(Api.V1, "AccessDenied", "nor GetSendQuota", 403))
    assert isinstance(seen, AccountUnknown)
    assert "ses:GetAccount" in seen.reason
    assert "nor GetSendQuota" in seen.reason


@pytest.mark.parametrize(
    "step",
    [
        page(503),
        page(200),
        whole(SendQuota={}),
        Broken(whole()[:-10]),
    ],
)
async def test_other_faults_are_told_and_nothing_more_is_asked(step):
    seen, paths, _ = await look(step)
    assert isinstance(seen, AccountUnknown)
    assert seen.reason.startswith("GetAccount: ")
    assert len(paths) == 1


THROTTLED = refused(Api.V2, "TooManyRequestsException", "Rate exceeded", 429)


async def test_where_others_of_the_account_were_quicker_it_asks_again():
    seen, paths, poller = await look(THROTTLED, THROTTLED, whole())
    assert isinstance(seen, AccountState)
    assert len(paths) == 3
    waited = poller._clock.monotonic() - FakeClock().monotonic()
    assert waited > 2, "control calls are limited to one per second"


async def test_an_account_that_is_always_asked_too_much_is_told_of():
    seen, paths, _ = await look(*[THROTTLED] * 4)
    assert seen == AccountUnknown("GetAccount: HTTP 429 TooManyRequests: Rate exceeded")
    assert len(paths) == 4


async def test_a_fault_of_the_second_call():
    seen, _, _ = await look(DENIED, Reset(read_body=True))
    assert isinstance(seen, AccountUnknown)
    assert seen.reason.startswith("GetSendQuota: ")


@pytest.mark.fake_time
async def test_a_call_without_answer_ends():
    seen, _, _ = await look(Silence())
    assert isinstance(seen, AccountUnknown)
    assert "TimeoutError" in seen.reason


@pytest.mark.fake_time
@pytest.mark.parametrize(
    ("chance", "good", "bad"), [(0.0, 60, 60), (0.5, 180, 90), (1.0, 300, 120)]
)
async def test_the_poller_looks_at_once_and_then_rarely(chance, good, bad):
    loop = asyncio.get_running_loop()
    told = []

    def note(seen):
        told.append((round(loop.time()), isinstance(seen, AccountState)))

    async with Wire() as wire, poller_on(wire, note, lambda: chance) as poller:
        wire.script += [whole(), page(503), whole()]
        began = round(loop.time())
        polling = asyncio.create_task(poller.run())
        await asyncio.sleep(good + bad + 30)
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling
    assert told == [(began, True), (began + good, False), (began + good + bad, True)]
