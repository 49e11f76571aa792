"""SES refuses recipients while the client waits: who hears it, and as what."""

import pytest
from flow_world import World, settings

from relay.model import replies
from relay.model.address import Address
from relay.model.outcome import Failed
from relay.model.settings import Route

pytestmark = pytest.mark.fake_time

A, B = Address("a", "example.org"), Address("b", "example.org")
REFUSED = replies.RECIPIENT_SYNTAX.saying("Amazon SES: Illegal address")


def refusing(*refused):
    world = World()
    world.ses.answers = [Failed(reply=REFUSED, recipients=frozenset(refused))]
    return world


async def test_the_client_hears_that_the_only_recipient_was_refused():
    world = refusing(A)
    assert await world.submit(str(A)) == REFUSED
    assert not world.queue.kept
    assert not world.reports.refused


async def test_the_client_hears_that_every_recipient_was_refused():
    world = refusing(A, B)
    assert await world.submit(str(A), str(B)) == REFUSED
    assert not world.queue.kept


async def test_what_some_got_is_kept_for_the_others_and_the_refusal_reported():
    world = refusing(A)
    assert (await world.submit(str(A), str(B))).text.startswith("Ok: queued as")
    assert [refusal.recipients for refusal in world.reports.refused] == [(A,)]


async def test_one_request_of_several_that_refuses_all_of_its_own_is_no_verdict():
    world = World(settings(routes={"default": Route(region="eu-west-1", recipients_per_request=1)}))
    assert (await world.submit(str(A), str(B))).text.startswith("Ok: queued as")
    assert not world.ses.sent
