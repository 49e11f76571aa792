"""While a Region cannot be reached its mail goes by another route, and comes back by itself."""

from datetime import timedelta

import pytest
from fake_relay import ANYBODY, FakeRelay

from relay.model.outcome import Cause, Deferred, Failed, Relayed, Scope, ScopeKind, Unknown
from relay.model.reply import Reply
from relay.model.settings import Queue, Route, SqliteStore, User
from relay.scheduler.fair import IN_A_ROW
from relay.simulator import Account

pytestmark = pytest.mark.fake_time

FAST = Account(max_send_rate=1000, max_24_hour_send=-1)
ROUTES = {
    "default": Route(region="eu-west-1", fallback="other"),
    "other": Route(region="eu-central-1"),
}
NO_ANSWER = Reply(451, "4.4.1", "SES cannot be reached")
HOME = Scope(ScopeKind.ROUTE, "default")
QUEUED = "250 2.0.0 Ok: queued"
TAKEN = "250 2.0.0 Ok "


class Regions:
    """Which of two Regions can be reached; put before the simulated SES."""

    def __init__(self, relay):
        self.down = {"default"}
        self.answers = {}  # by route, instead of asking
        self.went = []  # route of each request
        self.messages = []
        relay.ses.before = self

    async def __call__(self, message, _request):
        self.went.append(message.route)
        self.messages.append(message)
        if message.route in self.down:
            return Deferred(
                cause=Cause.NETWORK,
                scope=Scope(ScopeKind.MESSAGE, message.id),
                reply=NO_ANSWER,
                detail="no route to host",
            )
        return self.answers.get(message.route)


def relaying(folder, **changes):
    known = {"account": FAST, "routes": ROUTES, "queue": Queue(store=SqliteStore(folder), wait=5.0)}
    return FakeRelay(folder, **{**known, **changes})


async def closed(relay):
    """Send until the Region counts as not reached; what was sent is kept. Gives the Regions."""
    regions = Regions(relay)
    regions.down.add("other")
    for number in range(IN_A_ROW):
        # Each of another user: who has older mail waits behind it and is not tried.
        await relay.submit(f"r{number}@example.org", user=f"u{number}")
    assert HOME in relay.scheduler.closed()
    regions.down.discard("other")
    regions.went.clear()
    return regions


USERS = tuple(User(name=f"u{number}", senders=ANYBODY) for number in range(20))


async def test_fresh_and_kept_mail_goes_the_other_way_and_returns(tmp_path):
    async with relaying(tmp_path, users=USERS) as relay:
        regions = await closed(relay)
        assert str(await relay.submit("fresh@example.org", user="u9")).startswith(TAKEN)
        assert regions.went[-1] == "other"
        assert relay.taken[-1] == "fresh@example.org"
        await relay.until_empty(900)
        assert sorted(relay.taken)[1:] == sorted(f"r{n}@example.org" for n in range(IN_A_ROW))
        # Now and then the first one is probed, by a single request.
        assert regions.went.count("default") >= 1
        regions.down.clear()
        await relay.clock.sleep(120)
        regions.went.clear()
        assert str(await relay.submit("a@example.org", user="u10")).startswith(TAKEN)
        assert str(await relay.submit("b@example.org", user="u11")).startswith(TAKEN)
        assert regions.went == ["default", "default"]


async def test_the_request_is_written_for_the_other_account(tmp_path):
    routes = {
        "default": Route(region="eu-west-1", fallback="other", configuration_set="here"),
        "other": Route(region="eu-central-1", tenant="there"),
    }
    async with relaying(tmp_path, users=USERS, routes=routes) as relay:
        regions = await closed(relay)
        regions.answers["other"] = Relayed(ses_message_id="1")
        await relay.submit("fresh@example.org", user="u9")
        sent = regions.messages[-1]
        assert (sent.parameters.configuration_set, sent.parameters.tenant) == (None, "there")
        [line] = relay.log.named("message.relayed")
        assert line["route"] == "other"


async def test_an_entry_keeps_its_route(tmp_path):
    async with relaying(tmp_path, users=USERS) as relay:
        regions = await closed(relay)
        regions.down.add("other")
        await relay.submit("fresh@example.org", user="u9")
        routes = {line.key.route for line in await relay.queue.backlog()}
        assert routes == {"default"}


@pytest.mark.parametrize(
    "answer",
    [
        Failed(reply=Reply(554, "5.7.1", "Email address is not verified"), detail="not verified"),
        Deferred(
            cause=Cause.PERMISSION,
            scope=Scope(ScopeKind.IDENTITY, "example.com", "other"),
            reply=Reply(451, "4.3.5", "not allowed"),
        ),
    ],
)
async def test_a_sender_the_other_account_refuses_waits_and_is_not_tried_there_again(
    tmp_path, answer
):
    async with relaying(tmp_path, users=USERS) as relay:
        regions = Regions(relay)
        regions.answers["other"] = answer
        regions = await closed(relay)
        regions.answers["other"] = answer
        assert str(await relay.submit("fresh@example.org", user="u9")).startswith(QUEUED)
        assert str(await relay.submit("more@example.org", user="u10")).startswith(QUEUED)
        assert regions.went.count("other") == 1
        regions.down.clear()
        await relay.until_empty(900)
        assert {"fresh@example.org", "more@example.org"} <= set(relay.taken)
        assert not relay.log.named("message.failed")


async def test_what_is_wrong_with_the_message_is_a_verdict_wherever_it_is_said(tmp_path):
    async with relaying(tmp_path, users=USERS) as relay:
        regions = await closed(relay)
        regions.answers["other"] = Failed(reply=Reply(554, "5.6.0", "cannot be read"))
        assert str(await relay.submit("fresh@example.org", user="u9")).startswith("554 5.6.0 ")


async def test_what_may_have_been_sent_goes_by_no_other_route(tmp_path):
    async with relaying(tmp_path, users=USERS) as relay:
        regions = Regions(relay)
        regions.down.clear()
        regions.answers["default"] = Unknown(reply=Reply(451, "4.4.2", "lost"), detail="lost")
        assert str(await relay.submit("once@example.org", user="u19")).startswith(QUEUED)
        regions = await closed(relay)
        await relay.clock.sleep(2_000)  # its second attempt is long due
        assert "once@example.org" not in relay.taken
        regions.down.clear()
        await relay.until_empty(2_000)
        assert relay.taken.count("once@example.org") == 1
        assert regions.went[-1] == "default"


async def test_a_held_route_is_not_gone_around(tmp_path):
    async with relaying(tmp_path, users=USERS) as relay:
        regions = await closed(relay)
        relay.scheduler.hold(HOME, "ask first")
        assert str(await relay.submit("fresh@example.org", user="u9")).startswith(QUEUED)
        await relay.clock.sleep(300)
        assert regions.went == []
        relay.scheduler.release(HOME)
        await relay.until_empty(900)


async def test_the_rate_of_the_other_route_counts(tmp_path):
    slow = {**ROUTES, "other": Route(region="eu-central-1", max_send_rate=1.0, headroom=1.0)}
    async with relaying(tmp_path, users=USERS, routes=slow) as relay:
        await closed(relay)
        began = relay.clock.now()
        await relay.until_empty(900)
        assert relay.clock.now() - began >= timedelta(seconds=IN_A_ROW - 2)
