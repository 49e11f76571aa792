"""`store: none`: what one request cannot carry is sent back while the client can part it."""

import pytest
from fakes import never_withdrawn
from flow_world import MAIL, World, no_store

from relay.model import replies
from relay.model.address import Address
from relay.model.envelope import Recipient
from relay.model.ports import MailParameters
from relay.model.settings import (
    Actions,
    AddressPattern,
    Conditions,
    Glob,
    Lane,
    NoStore,
    Route,
    Rule,
    Settings,
)

pytestmark = pytest.mark.fake_time

STAGING = {"header": {"X-Env": Glob("staging")}}


def rule(name, then, **when):
    return Rule(name=name, when=Conditions(**when), then=then)


def to(*patterns):
    return tuple(AddressPattern(pattern) for pattern in patterns)


async def said(configuration: Settings, *recipients, octets=MAIL):
    """Give the codes to RCPT, the reply to the content, and how many each request carried."""
    assert isinstance(configuration.queue.store, NoStore)
    world = World(configuration)
    transaction = world.begin()
    transaction.mail(Address("t", "example.com"), MailParameters())
    answers = [
        await transaction.rcpt(Recipient(Address.parse(recipient))) for recipient in recipients
    ]
    assert transaction.ready(never_withdrawn).positive
    reply = await transaction.receive(octets)
    transaction.close()
    return answers, reply, [len(request.recipients) for _, request in world.ses.sent]


TAKEN, LATER = replies.RECIPIENT_OK, replies.TOO_MANY_RECIPIENTS


async def test_the_51st_recipient_is_sent_separately():
    everybody = [f"r{number}@example.org" for number in range(51)]
    answers, reply, carried = await said(no_store(), *everybody)
    assert answers == [TAKEN] * 50 + [LATER]
    assert reply.code == 250
    assert carried == [50]


async def test_recipients_whom_the_content_may_part_come_one_by_one():
    only_one = rule("r", Actions(lane=Lane.BULK), recipient=to("a@example.org"), **STAGING)
    answers, reply, carried = await said(
        no_store(rules=(only_one,)),
        "a@example.org",
        "b@example.org",
        octets=b"X-Env: staging\r\n" + MAIL,
    )
    assert answers == [TAKEN, LATER]
    assert reply.code == 250
    assert carried == [1]


async def test_recipients_whom_the_content_treats_alike_come_together():
    everybody = rule("r", Actions(lane=Lane.BULK), **STAGING)
    answers, reply, carried = await said(
        no_store(rules=(everybody,)), "a@example.org", "b@example.org"
    )
    assert answers == [TAKEN, TAKEN]
    assert reply.code == 250
    assert carried == [2]


async def test_addresses_of_a_redirect_count_as_what_they_become():
    qa = [Address(f"qa{n}", "example.com") for n in range(4)]
    rules = (
        rule("a", Actions(redirect=tuple(qa[:2])), recipient=to("a@*", "c@*")),
        rule("b", Actions(redirect=tuple(qa[2:])), recipient=to("b@*")),
    )
    routes = {"default": Route(region="eu-west-1", recipients_per_request=3)}
    answers, reply, carried = await said(
        no_store(rules=rules, routes=routes), "a@example.org", "b@example.org", "c@example.org"
    )
    assert answers == [TAKEN, LATER, TAKEN]
    assert reply.code == 250
    assert carried == [2]


async def test_whoever_is_discarded_takes_no_place():
    rules = (rule("sink", Actions(discard=True), recipient=to("*@sink.example")),)
    routes = {"default": Route(region="eu-west-1", recipients_per_request=1)}
    answers, reply, carried = await said(
        no_store(rules=rules, routes=routes), "x@sink.example", "a@example.org", "y@sink.example"
    )
    assert answers == [TAKEN, TAKEN, TAKEN]
    assert reply.code == 250
    assert carried == [1]


async def test_the_same_recipient_twice_takes_one_place():
    routes = {"default": Route(region="eu-west-1", recipients_per_request=1)}
    answers, reply, carried = await said(
        no_store(routes=routes), "a@example.org", "a@EXAMPLE.org", "b@example.org"
    )
    assert answers == [TAKEN, TAKEN, LATER]
    assert reply.code == 250
    assert carried == [1]
