"""Every option of users, routes and rules shows in what is handed to SES, or in the reply."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flow_world import MAIL, USER, World, no_store, settings

from relay.model import replies, ses_limits
from relay.model.address import Address
from relay.model.ports import MailParameters
from relay.model.settings import (
    Actions,
    AddressPattern,
    Api,
    Conditions,
    Lane,
    Queue,
    Route,
    Rule,
    SesHeader,
    SqliteStore,
    UserLimits,
)

pytestmark = pytest.mark.fake_time

BOT = Address("bot", "example.com")
IDENTIFIED = MAIL.replace(b"Subject", b"Message-ID: <1@client>\r\nSubject")
FOR_SES = (
    b"X-SES-CONFIGURATION-SET: theirs\r\nX-SES-MESSAGE-TAGS: app=theirs, relay-user=root\r\n"
    b"X-SES-SOURCE-ARN: arn:x\r\n" + MAIL
)
BOTH = (SesHeader.CONFIGURATION_SET, SesHeader.MESSAGE_TAGS)


def user(**options):
    return {"users": (replace(USER, **options),)}


def route(**options):
    return {"routes": {"default": Route(region="eu-west-1", **options)}}


def rule(**then):
    return {"rules": (Rule(name="r", when=Conditions(), then=Actions(**then)),)}


async def sent(options, octets=MAIL, sender="t@example.com"):
    """Submit one message; gives the message that SES got."""
    world = World(settings(**options))
    reply = await world.submit(octets=octets, sender=sender)
    assert reply.code == 250, reply
    [(message, _)] = world.ses.sent
    return message


def fields(message, name):
    return [field.value.decode() for field in message.content.named(name)]


async def tags(options, octets=MAIL):
    own = ("relay-queue-id", "relay-user")
    found = dict((await sent(options, octets)).parameters.tags)
    return {name: value for name, value in found.items() if name not in own}


# --- users ---------------------------------------------------------------------------------------


async def test_default_from():
    message = await sent(user(default_from=BOT), b"Subject: hi\r\n\r\nHello\r\n")
    assert fields(message, b"from") == ["bot@example.com"]
    assert message.authors == (BOT,)


@pytest.mark.parametrize("threading", [True, False])
async def test_threading(threading):
    message = await sent(user(threading=threading), IDENTIFIED)
    assert fields(message, b"references") == ["<1@client>"] * threading
    assert message.message_id == "<1@client>"


async def test_message_size():
    world = World(settings(**user(limits=UserLimits(message_size=100))))
    assert world.reception.size_limit("tickets") == 100
    mail = MailParameters(size=101)
    assert world.begin().mail(Address("t", "example.com"), mail).code == 552


async def test_recipients():
    world = World(settings(**user(recipients=(AddressPattern("*@example.net"),))))
    assert (await world.submit("a@example.org")).code == 550
    assert (await world.submit("a@example.net")).code == 250


@pytest.mark.parametrize(("own", "seconds"), [(None, 3600), (60.0, 60)])
async def test_lifetime(own, seconds):
    queue = Queue(store=SqliteStore("unused"), wait=0.0, lifetime=3600.0)
    world = World(settings(queue=queue, **user(lifetime=own)))
    await world.submit()
    [kept] = world.queue.kept.values()
    entry = kept.entry
    assert entry.expires_at - entry.message.received_at == timedelta(seconds=seconds)


async def test_lane():
    assert (await sent(user(lane=Lane.BULK))).lane is Lane.BULK


async def test_route_of_the_user():
    routes = {"default": Route(region="eu-west-1"), "us": Route(region="us-east-1")}
    assert (await sent({"routes": routes, **user(route="us")})).route == "us"


@pytest.mark.parametrize(
    ("allowed", "chosen", "tagged"),
    [
        ((), "users", {"app": "t"}),
        (BOTH[:1], "theirs", {"app": "t"}),
        (BOTH[1:], "users", {"app": "theirs"}),
        (BOTH, "theirs", {"app": "theirs"}),
    ],
)
async def test_ses_headers(allowed, chosen, tagged):
    message = await sent(user(ses_headers=allowed, configuration_set="users"), FOR_SES)
    assert message.parameters.configuration_set == chosen
    found = dict(message.parameters.tags)
    assert found["app"] == tagged["app"]
    assert found["relay-user"] == "tickets"  # nobody writes mail in another's name
    assert not [field for field in message.content.fields if field.name.startswith(b"x-ses-")]


@pytest.mark.parametrize(
    ("of_rule", "of_user", "of_route", "chosen"),
    [("r", "u", "d", "r"), (None, "u", "d", "u"), (None, None, "d", "d"), (None, None, None, None)],
)
async def test_the_nearest_configuration_set_wins(of_rule, of_user, of_route, chosen):
    options = user(configuration_set=of_user) | route(configuration_set=of_route)
    if of_rule:
        options |= rule(configuration_set=of_rule)
    assert (await sent(options)).parameters.configuration_set == chosen


async def test_the_nearest_tag_wins():
    options = (
        route(tags={"a": "route", "b": "route", "c": "route"})
        | user(tags={"b": "user", "c": "user"})
        | rule(tags={"c": "rule"})
    )
    assert await tags(options) == {"a": "route", "b": "user", "c": "rule"}


# --- routes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["from_arn", "source_arn", "return_path_arn", "tenant"])
async def test_what_a_route_tells_ses(name):
    assert getattr((await sent(route(**{name: "said"}))).parameters, name) == "said"


async def test_null_sender():
    message = await sent(route(null_sender=BOT), sender=None)
    assert message.source == BOT
    assert message.sender is None
    assert not message.reports


@pytest.mark.parametrize(
    ("api", "most"),
    [(Api.V1, ses_limits.V1_OCTETS), (Api.V2, ses_limits.V2_OCTETS), (Api.AUTO, 40_000_000)],
)
async def test_api_bounds_the_size(api, most):
    world = World(settings(**route(api=api)))
    assert world.reception.size_limit("tickets") == most - ses_limits.HEADROOM


# --- rules ---------------------------------------------------------------------------------------


async def test_rewrite_from():
    message = await sent(rule(rewrite_from=BOT))
    assert fields(message, b"from") == ["bot@example.com"]
    assert fields(message, b"reply-to") == ["t@example.com"]


async def test_rewrite_sender():
    message = await sent(rule(rewrite_sender=BOT))
    assert message.source == BOT
    assert str(message.sender) == "t@example.com"  # who hears of a failure


async def test_rewrite_sender_stands_in_for_the_null_sender():
    assert (await sent(rule(rewrite_sender=BOT), sender=None)).source == BOT


async def test_header_fields_of_a_rule():
    message = await sent(rule(add_header={"X-Env": "test"}, remove_header=("Subject",)))
    assert fields(message, b"x-env") == ["test"]
    assert fields(message, b"subject") == []


async def test_redirect():
    world = World(settings(**rule(redirect=(BOT,))))
    await world.submit("a@example.org", "b@example.org")
    [(message, request)] = world.ses.sent
    assert request.recipients == (BOT,)
    assert [known.orcpt for known in message.recipients] == [
        "rfc822;a@example.org",
        "rfc822;b@example.org",
    ]


async def test_a_recipient_named_twice_is_one():
    world = World()
    await world.submit("a@example.org", "b@example.org", "a@example.org")
    [(message, request)] = world.ses.sent
    assert [str(known.address) for known in message.recipients] == [
        "a@example.org",
        "b@example.org",
    ]
    assert len(request.recipients) == 2


@pytest.mark.parametrize("final", ["reject", "discard"])
async def test_a_final_action_ends_it(final):
    world = World(settings(**rule(**{final: {"reject": "no", "discard": True}[final]})))
    reply = await world.submit()
    assert reply == (replies.REFUSED_BY_RULE.saying("no") if final == "reject" else replies.OK)
    assert not world.ses.sent


async def test_a_rule_may_hold_and_only_a_store_can():
    world = World(settings(**rule(hold=True)))
    assert (await world.submit()).text.startswith("Ok: queued as")
    [kept] = world.queue.kept.values()
    assert kept.entry.held.reason == "rule r"
    assert await World(no_store(**rule(hold=True))).submit() == replies.NOT_KEPT
