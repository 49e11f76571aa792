"""How much a user may send: what was refused in the end does not count."""

import asyncio
from dataclasses import replace

import pytest
from fakes import never_withdrawn
from flow_world import MAIL, USER, World, no_store, settings

from relay.flow.allowance import Allowance, Spending
from relay.model import replies
from relay.model.address import Address
from relay.model.envelope import Recipient
from relay.model.outcome import Cause, Deferred, Scope, ScopeKind
from relay.model.ports import MailParameters
from relay.model.settings import UserLimits

pytestmark = pytest.mark.fake_time

FEW = replace(USER, limits=UserLimits(messages_per_minute=2, recipients_per_day=2))
DOWN = Deferred(cause=Cause.SERVICE, scope=Scope(ScopeKind.MESSAGE, "m"), reply=replies.OUR_FAULT)
TO = Recipient(Address("a", "example.org"))


async def test_messages_per_minute():
    world = World(settings(users=(replace(USER, limits=UserLimits(messages_per_minute=2)),)))
    assert [(await world.submit()).code for _ in range(3)] == [250, 250, 450]
    await asyncio.sleep(31)
    assert (await world.submit()).code == 250


async def test_recipients_per_day():
    world = World(settings(users=(replace(USER, limits=UserLimits(recipients_per_day=2)),)))
    assert (await world.submit("a@example.org", "b@example.org")).code == 250
    assert await world.submit() == replies.USER_TOO_FAST
    await asyncio.sleep(25 * 3600)
    assert (await world.submit()).code == 250


async def test_what_ses_did_not_take_may_be_tried_again_and_again():
    world = World(no_store(users=(FEW,)))
    world.ses.answers = [DOWN] * 9
    replied = [await world.submit() for _ in range(9)]
    assert replied == [replies.OUR_FAULT] * 9
    assert (await world.submit()).code == 250


async def test_a_full_relay_takes_nothing_of_the_allowance():
    world = World(settings(users=(FEW,)))
    world.admission.taken = world.admission.limit
    assert [await world.submit() for _ in range(3)] == [replies.NO_ROOM] * 3
    world.admission.taken = 0
    assert (await world.submit()).code == 250


async def test_recipients_of_a_transaction_that_was_dropped_do_not_count():
    world = World(settings(users=(FEW,)))
    for _ in range(3):
        transaction = world.begin()
        transaction.mail(Address("t", "example.com"), MailParameters())
        assert (await transaction.rcpt(TO)).positive
        transaction.close()
    assert (await world.submit()).code == 250


async def test_who_is_too_fast_holds_no_room_while_it_stays():
    hurried = replace(USER, limits=UserLimits(messages_per_minute=1))
    world = World(settings(users=(hurried,)))
    assert (await world.submit()).code == 250
    transaction = world.begin()
    transaction.mail(Address("t", "example.com"), MailParameters(size=1_000_000))
    await transaction.rcpt(TO)
    assert transaction.ready(never_withdrawn) == replies.USER_TOO_FAST
    assert world.admission.taken == 0
    await asyncio.sleep(61)
    assert transaction.ready(never_withdrawn) == replies.SEND_CONTENT
    transaction.close()
    assert world.admission.taken == 0


async def test_a_message_whose_client_hung_up_counts():
    world = World(settings(users=(replace(FEW, limits=UserLimits(recipients_per_day=1)),)))
    gate = world.ses.hold_back()
    await world.hang_up()
    gate.set()
    await world.settle()
    assert await world.submit(octets=MAIL + b"Another.\r\n") == replies.USER_TOO_FAST


def test_what_is_given_back_is_the_latest():
    allowance = Allowance()
    user = replace(USER, limits=UserLimits(recipients_per_day=3))
    early, late = Spending(allowance, user), Spending(allowance, user)
    assert early.recipient(0.0)
    early.keep()
    assert late.recipient(3_600.0)
    assert late.recipient(7_200.0)
    assert not late.recipient(7_200.0)
    late.give_back()
    late.give_back()
    again = Spending(allowance, user)
    assert [again.recipient(7_300.0) for _ in range(3)] == [True, True, False]
    # The early one is forgotten a day after it was counted, and not the later ones with it.
    assert [again.recipient(86_400.0 + 600.0) for _ in range(2)] == [True, False]


def test_what_another_process_counts_is_counted_here_too():
    limits = UserLimits(messages_per_minute=3, recipients_per_day=4)
    here, there = Allowance(), Allowance()
    assert there.message("tickets", limits, 0.0)
    assert there.message("tickets", limits, 0.0)
    assert all(there.recipient("tickets", limits, 0.0) for _ in range(3))
    there.give_back("tickets", messages=0, recipients=1)
    told = there.untold()
    assert told == {"tickets": (2, 2)}
    assert there.untold() == {}
    here.heard("tickets", limits, told["tickets"], 1.0)
    assert here.untold() == {}  # it is not told back
    assert [here.message("tickets", limits, 1.0) for _ in range(2)] == [True, False]
    assert [here.recipient("tickets", limits, 1.0) for _ in range(3)] == [True, True, False]
    here.heard("tickets", limits, (-1, -1), 1.0)  # given back there
    assert here.message("tickets", limits, 1.0)
    assert here.recipient("tickets", limits, 1.0)
    # What was made good meanwhile is not held against anybody.
    here.heard("tickets", limits, (1, 0), 1000.0)
    assert [here.message("tickets", limits, 1000.0) for _ in range(3)] == [True, True, False]


def test_limits_that_are_off_count_nothing():
    here = Allowance()
    assert here.message("tickets", UserLimits(messages_per_minute=None), 0.0)
    assert here.untold() == {}
    here.heard("tickets", UserLimits(messages_per_minute=None), (5, 5), 0.0)
    assert here.message("tickets", UserLimits(messages_per_minute=1), 0.0)
