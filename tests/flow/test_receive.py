"""The story of one message, with everything around it scripted."""

import asyncio

import pytest
from fakes import never_withdrawn
from flow_world import MAIL, World, no_store, settings

from relay.model import replies
from relay.model.address import Address
from relay.model.entry import RequestState
from relay.model.envelope import Notify, Recipient
from relay.model.outcome import Cause, Deferred, Failed, Relayed, Scope, ScopeKind, Unknown
from relay.model.ports import MailParameters, StoreFault, Suppressed
from relay.model.reply import Reply
from relay.model.settings import (
    Actions,
    Bounces,
    BounceTo,
    Conditions,
    Glob,
    NoStore,
    Queue,
    RefuseAt,
    Route,
    Rule,
    SqliteStore,
    Suppression,
)

pytestmark = pytest.mark.fake_time


def deferred(cause=Cause.RATE, reply=replies.NO_TURN):
    return Deferred(cause=cause, scope=Scope(ScopeKind.MESSAGE, "x"), reply=reply)


REFUSED = Failed(reply=Reply(554, "5.7.1", "Email address is not verified"))


async def test_the_client_hears_that_ses_took_it_and_nothing_is_kept():
    world = World()
    assert str(await world.submit()) == "250 2.0.0 Ok ses-1"
    assert world.queue.kept == {}
    assert world.log.events("message.") == ["message.received", "message.relayed"]


async def test_the_envelope_is_explicit_and_tagged():
    world = World()
    await world.submit("a@example.org", "b@example.org")
    [(message, request)] = world.ses.sent
    assert [str(address) for address in request.recipients] == ["a@example.org", "b@example.org"]
    assert str(message.source) == "t@example.com"
    tags = dict(message.parameters.tags)
    assert tags == {"app": "t", "relay-queue-id": message.id, "relay-user": "tickets"}


async def test_the_client_hears_the_permanent_refusal_of_ses():
    world = World()
    world.ses.answers = [REFUSED]
    assert await world.submit() == REFUSED.reply
    assert world.queue.kept == {}


async def test_a_deferral_is_kept_and_answered_queued():
    world = World()
    world.ses.answers = [deferred()]
    reply = await world.submit()
    [kept] = world.queue.kept.values()
    assert str(reply) == f"250 2.0.0 Ok: queued as {kept.entry.id}"
    assert kept.entry.requests[0].state is RequestState.PENDING
    assert kept.entry.attempts == 0
    assert kept.content.octets().endswith(b"Hello\r\n")


async def test_without_a_store_the_client_hears_the_causes_own_reply():
    world = World(no_store())
    world.ses.answers = [deferred(reply=replies.NO_TURN)]
    assert await world.submit() == replies.NO_TURN
    assert "store.fault" not in world.log.events()


async def test_without_a_store_a_lost_answer_is_the_clients_to_repeat():
    world = World(no_store())
    lost = Unknown(reply=Reply(451, "4.4.2", "No answer from Amazon SES"))
    world.ses.answers = [lost]
    assert await world.submit() == lost.reply


async def test_a_store_that_cannot_keep_leaves_the_message_with_the_client():
    world = World()
    world.queue.answer = StoreFault("disk full")
    world.scheduler.deferral = deferred()
    assert await world.submit() == replies.STORE_FAULT
    assert "store.fault" in world.log.events()


async def test_a_slow_request_is_put_in_flight_and_its_outcome_recorded():
    world = World()
    gate = world.ses.hold_back()
    reply = await world.submit()
    [kept] = world.queue.kept.values()
    assert reply.text.startswith("Ok: queued as")
    assert kept.entry.requests[0].state is RequestState.IN_FLIGHT
    assert kept.entry.lease_until is not None
    gate.set()
    await world.settle()
    [recorded] = world.queue.recorded
    assert recorded.requests[0].state is RequestState.RELAYED
    assert recorded.lease_until is None


async def test_without_a_store_the_client_waits_for_a_slow_request():
    world = World(no_store())

    async def slow():
        await asyncio.sleep(30)
        return Relayed(ses_message_id="late")

    world.ses.answers = [slow]
    assert str(await world.submit()) == "250 2.0.0 Ok late"


async def test_a_client_that_hangs_up_does_not_stop_its_message():
    world = World()
    gate = world.ses.hold_back()
    await world.hang_up()
    gate.set()
    await world.settle()
    assert "message.relayed" in world.log.events()


async def test_a_bug_of_ours_is_transient_and_logged():
    world = World()
    world.ses.answers = [KeyError("bug")]
    assert await world.submit() == replies.OUR_FAULT
    assert "relay.fault" in world.log.events()
    assert world.scheduler.learned == [None]
    assert world.admission.taken == 0


async def test_the_room_of_a_message_is_given_back():
    world = World()
    await world.submit()
    assert world.admission.taken == 0


async def test_a_sender_that_is_not_the_users_is_refused_at_mail():
    world = World()
    assert (await world.submit(sender="x@example.net")).code == 550


async def test_an_author_that_is_not_the_users_is_refused_after_data():
    world = World()
    reply = await world.submit(octets=MAIL.replace(b"t@example.com", b"boss@example.net"))
    assert str(reply).startswith("550 5.7.1 User tickets may not write as boss@example.net")
    assert world.ses.sent == []


async def test_more_recipients_than_a_request_takes_are_cut_and_kept():
    world = World()
    reply = await world.submit(*[f"r{n}@example.org" for n in range(120)])
    [kept] = world.queue.kept.values()
    assert reply.text.startswith("Ok: queued as")
    assert [len(request.recipients) for request in kept.entry.requests] == [50, 50, 20]
    assert world.ses.sent == []


async def test_one_recipient_per_request_where_the_route_wants_it():
    world = World(settings(routes={"default": Route(region="eu-west-1", recipients_per_request=1)}))
    await world.submit("a@example.org", "b@example.org")
    [kept] = world.queue.kept.values()
    assert [len(request.recipients) for request in kept.entry.requests] == [1, 1]


async def test_a_refused_recipient_leaves_the_others_in_a_request_of_their_own():
    world = World()
    bad = Address("b", "example.org")
    world.ses.answers = [Failed(reply=REFUSED.reply, recipients=frozenset({bad}))]
    reply = await world.submit("a@example.org", "b@example.org")
    [kept] = world.queue.kept.values()
    assert reply.code == 250
    states = {request.recipients[0].local: request.state for request in kept.entry.requests}
    assert states == {"b": RequestState.FAILED, "a": RequestState.PENDING}


async def test_without_a_store_one_refused_recipient_refuses_the_message():
    world = World(no_store())
    bad = Address("b", "example.org")
    world.ses.answers = [Failed(reply=REFUSED.reply, recipients=frozenset({bad}))]
    assert await world.submit("a@example.org", "b@example.org") == REFUSED.reply


async def test_without_a_store_a_bad_recipient_that_ses_does_not_name_refuses_the_message():
    world = World(no_store())
    words = Reply(451, "4.5.3", "Amazon SES: Illegal address")
    world.ses.answers = [deferred(Cause.UNNAMED_RECIPIENT, words)]
    reply = await world.submit("a@example.org", "b@example.org")
    assert str(reply) == "553 5.1.3 Amazon SES: Illegal address"


async def test_the_null_sender_needs_a_stand_in():
    assert await World().submit(sender=None) == replies.NULL_SENDER_UNROUTED


async def test_wait_zero_keeps_first():
    world = World(settings(queue=Queue(store=SqliteStore("unused"), wait=0)))
    assert (await world.submit()).text.startswith("Ok: queued as")
    assert world.ses.sent == []


async def test_an_owed_success_report_keeps_first():
    world = World(settings(bounces=Bounces(to=BounceTo.SENDER, from_=Address("b", "example.com"))))
    transaction = world.begin()
    transaction.mail(Address("t", "example.com"), MailParameters())
    notify = frozenset({Notify.SUCCESS})
    await transaction.rcpt(Recipient(Address("a", "example.org"), notify=notify))
    transaction.ready(never_withdrawn)
    assert (await transaction.receive(MAIL)).text.startswith("Ok: queued as")


async def test_too_big_is_said_at_mail():
    world = World()
    reply = world.begin().mail(Address("t", "example.com"), MailParameters(size=50_000_000))
    assert reply.code == 552


def rule(then, **when):
    return Rule(name="r", when=Conditions(**when), then=Actions(**then))


async def test_a_discarded_message_is_logged_for_each_recipient():
    world = World(settings(rules=(rule({"discard": True}),)))
    assert await world.submit("a@example.org", "b@example.org") == replies.OK
    assert world.ses.sent == []
    assert world.log.events("message.") == ["message.discarded"] * 2


async def test_a_held_message_is_kept_with_the_rules_name():
    world = World(settings(rules=(rule({"hold": True}),)))
    await world.submit()
    [kept] = world.queue.kept.values()
    assert kept.entry.held.reason == "rule r"
    assert "message.held" in world.log.events()


async def test_recipients_that_rules_treat_differently_travel_apart():
    from relay.model.settings import AddressPattern

    bulk = rule({"tags": {"kind": "b"}}, recipient=(AddressPattern("b@*"),))
    world = World(settings(rules=(bulk,)))
    reply = await world.submit("a@example.org", "b@example.org")
    first, second = world.queue.kept
    assert second == f"{first}-2"
    assert reply.text == f"Ok: queued as {first}"


async def test_staging_redirects_everybody_to_one_copy():
    world = World(settings(rules=(rule({"redirect": (Address("qa", "example.com"),)}),)))
    await world.submit("a@example.org", "b@example.org")
    [(_, request)] = world.ses.sent
    assert [str(address) for address in request.recipients] == ["qa@example.com"]


async def test_what_the_content_makes_a_rule_refuse_refuses_the_message():
    world = World(settings(rules=(rule({"reject": "not this"}, header={"Subject": Glob("hi")}),)))
    assert str(await world.submit()) == "550 5.7.1 not this"


async def test_a_suppressed_recipient_is_refused_at_rcpt():
    world = World()
    world.suppression.found["a@example.org"] = Suppressed(
        address="a@example.org", reason="bounce", since=world.clock.now()
    )
    assert str(await world.submit()).startswith("550 5.1.1 a@example.org is on the suppression")


async def test_quiet_suppression_leaves_the_recipient_out_and_says_so_in_the_log():
    world = World(settings(suppression=Suppression(refuse_at=RefuseAt.QUIET)))
    world.suppression.found["a@example.org"] = Suppressed(
        address="a@example.org", reason="bounce", since=world.clock.now()
    )
    assert (await world.submit("a@example.org", "b@example.org")).code == 250
    [(_, request)] = world.ses.sent
    assert [str(address) for address in request.recipients] == ["b@example.org"]
    assert "message.discarded" in world.log.events()


async def test_a_suppression_list_that_cannot_be_read_is_transient():
    world = World()
    world.suppression.found["a@example.org"] = StoreFault("gone")
    assert await world.submit() == replies.STORE_FAULT


async def test_a_broken_header_is_refused_while_the_client_can_act():
    world = World()
    reply = await world.submit(
        octets=b"From: t@example.com\r\nFrom: t@example.com, x@example.com\r\n\r\n"
    )
    assert reply.code == 554
    assert world.ses.sent == []


async def test_what_is_not_the_relays_store_is_not_its_fault():
    world = World(settings(queue=Queue(store=NoStore())))
    world.scheduler.deferral = deferred()
    assert await world.submit() == replies.NO_TURN


async def test_a_full_queue_asks_for_no_more():
    world = World()
    world.admission._queue_full = lambda: "queue.max_messages"
    assert await world.submit() == replies.NO_ROOM
    assert world.ses.sent == []


@pytest.mark.parametrize("seven_bit", [False, True])
async def test_eight_bit_parts_are_encoded_anew_where_the_route_wants_it(seven_bit):
    routes = {"default": Route(region="eu-west-1", seven_bit=seven_bit)}
    world = World(settings(routes=routes))
    octets = (
        b"From: t@example.com\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    )
    await world.submit(octets=octets)
    [(message, _)] = world.ses.sent
    assert message.content.octets().isascii() is seven_bit
