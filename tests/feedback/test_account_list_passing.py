"""One pass after the other: what changes on one side comes to the other, once."""

from datetime import timedelta

import pytest
from account_list_world import (
    DENIED,
    READ,
    REFUSED,
    SYNC,
    THROTTLED,
    FakeList,
    keeping,
    no,
)
from fakes import FakeClock

from relay.feedback.account_list.passing import MOST, Extent
from relay.feedback.account_list.work import Counts
from relay.feedback.account_list.writing import SANDBOX
from relay.model.ports import FROM_ACCOUNT, ListedReason, ListPage
from relay.model.unanswered import Why

A, B = "a@example.org", "b@example.org"
MINUTES = 60.0


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def there(clock):
    return FakeList(clock)


@pytest.fixture
async def here(tmp_path, clock):
    async with keeping(tmp_path / "store", clock) as keeper:
        yield keeper


async def later(clock, here, there, minutes=11, **more):
    clock.advance(minutes * MINUTES)
    return await here.passes(there, **more)


# --- Reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [READ, SYNC])
async def test_what_is_on_the_accounts_list_gets_no_mail_here(clock, here, there, mode):
    there.holds(A)
    assert (await here.passes(there, mode)).counts == Counts(read=1, added=1)
    assert await here.listed() == {A: FROM_ACCOUNT}
    assert not here.told, "a list met for the first time is told of by its length"
    there.holds(B)
    assert (await later(clock, here, there, mode=mode)).counts == Counts(read=2, added=1)
    assert here.told == [("added", B)]
    there.loses(A)
    assert (await later(clock, here, there, mode=mode)).counts == Counts(read=1, removed=1)
    assert await here.listed() == {B: FROM_ACCOUNT}
    assert here.told == [("added", B), ("removed", A)]
    assert not there.writes


async def test_a_long_list_is_read_whole_only_now_and_then(clock, here):
    there = FakeList(clock, page_size=10)
    there.holds(*(f"a{n:03}@example.org" for n in range(900)))
    await here.passes(there, READ)
    assert there.calls == ["whole"] * 90
    there.calls.clear()
    clock.advance(61 * MINUTES)  # what came within the last hour is read once more
    there.holds(B)
    there.refusing["whole"] = lambda: pytest.fail("it is not time yet")
    await here.passes(there, READ)
    assert there.calls[0] == "since"
    assert await here.refuses(B)


async def test_a_reading_of_changes_is_no_reason_to_miss_anything(clock, here):
    there = FakeList(clock, page_size=1)
    there.holds(*(f"a{n:03}@example.org" for n in range(30)))
    await here.passes(there, READ)
    clock.advance(29 * MINUTES)
    there.loses("a000@example.org")
    assert (await here.passes(there, READ)).counts.removed == 0
    assert (await later(clock, here, there, mode=READ, minutes=2)).counts.removed == 1


async def test_a_token_that_ended_begins_the_reading_anew(here, there, clock):
    there.page_size = 1
    there.holds(A, B)
    there.refusing["whole"] = [None, no(Why.EXPIRED)]
    passed = await here.passes(there, READ)
    assert not passed.troubles
    assert await here.listed() == {A: FROM_ACCOUNT, B: FROM_ACCOUNT}


async def test_a_token_that_ends_always_is_told_of(here, there):
    there.refusing["whole"] = lambda: no(Why.EXPIRED)
    [trouble] = (await here.passes(there, READ)).troubles
    assert str(trouble) == ("ListSuppressedDestinations: SES's words; it is asked again by itself")
    assert there.calls == ["whole", "whole"]


async def test_a_page_that_leads_to_itself_is_read_twice_at_most(here, there):
    there.holds(A)

    async def page(since, token):
        there.calls.append("page")
        return ListPage(listed=tuple(there.entries.values()), token="again")

    there.page = page
    [trouble] = (await here.passes(there, READ)).troubles
    assert "a page that leads to itself" in trouble.says
    assert there.calls == ["page", "page"]
    assert await here.refuses(A)


# --- Writing --------------------------------------------------------------------------------------


async def test_what_the_relay_learned_is_put_there(clock, here, there):
    await here.learn(A)
    await here.learn(B, "complaint")
    await here.suppress("left@example.org", reason="gone")
    await here.suppress("full@example.org", until=clock.now() + timedelta(days=30))
    await here.learn("bounce@simulator.amazonses.com")
    assert (await here.passes(there)).counts == Counts(put=3)
    assert {one.address: one.reason.value for one in there.entries.values()} == {
        A: "BOUNCE",
        B: "COMPLAINT",
        "left@example.org": "BOUNCE",
    }
    there.calls.clear()
    assert (await later(clock, here, there)).counts == Counts(read=3)
    assert not there.writes


async def test_reading_alone_writes_nothing(clock, here, there):
    await here.learn(A)
    there.holds(B)
    await here.passes(there, READ)
    await here.unsuppress(B)
    await later(clock, here, there, mode=READ)
    assert not there.writes
    assert not await here.refuses(B), "an operator's word stands, though SES sends nothing there"


async def test_what_an_operator_removes_here_is_removed_there(clock, here, there):
    there.holds(A)
    await here.suppress(B)
    await here.passes(there)
    await here.unsuppress(A, B)
    assert (await later(clock, here, there)).counts == Counts(read=2, deleted=2)
    assert not there.entries
    there.calls.clear()
    for _ in range(3):
        assert (await later(clock, here, there)).counts == Counts()
    assert not there.writes
    assert not await here.listed()


async def test_a_removal_and_a_reading_at_the_same_time(clock, here, there):
    """The page that was on its way brings nothing back, and neither does an answer from before."""
    there.holds(A)
    await here.passes(there)
    there.lag = 300.0
    clock.advance(11 * MINUTES)
    await here.unsuppress(A)
    assert (await here.passes(there)).counts.deleted == 1
    assert (await later(clock, here, there, minutes=2)).counts == Counts(read=1)
    assert not await here.listed()
    there.lag = 0.0
    assert (await later(clock, here, there)).counts == Counts()


async def test_what_we_put_and_ses_does_not_show_yet_stays(clock, here, there):
    await here.learn(A)
    there.lag = 300.0
    await here.passes(there)
    await later(clock, here, there, minutes=2)
    assert await here.refuses(A)
    assert there.writes == ["put"]


async def test_a_bounce_after_a_removal_counts_more(clock, here, there):
    there.holds(A)
    await here.passes(there)
    await here.unsuppress(A)
    clock.advance(6 * MINUTES)
    there.holds(A)  # SES, for another sender of the account
    assert (await later(clock, here, there)).counts == Counts(read=1, added=1)
    assert not there.writes
    assert await here.refuses(A)


async def test_what_somebody_takes_off_there_is_taken_off_here(clock, here, there):
    await here.learn(A)
    await here.passes(there)
    there.loses(A)
    assert (await later(clock, here, there)).counts == Counts(removed=1)
    assert not await here.refuses(A)
    there.calls.clear()
    await later(clock, here, there)
    assert not there.writes, "it is not put there again"


async def test_reading_alone_keeps_what_the_relay_learned_itself(clock, here, there):
    await here.learn(A)
    there.holds(A)
    await here.passes(there, READ)
    there.loses(A)
    assert (await later(clock, here, there, mode=READ)).counts == Counts()
    assert await here.refuses(A)


async def test_what_is_taken_off_one_accounts_list_is_taken_off_all(clock, here, there):
    other = FakeList(clock, "999999999999/us-east-1")
    await here.learn(A)
    for one in (there, other):
        await here.passes(one)
    assert set(there.entries) == set(other.entries) == {A}
    there.loses(A)
    await later(clock, here, there)
    await later(clock, here, other)
    assert not other.entries
    for one in (there, other):
        one.calls.clear()
        await later(clock, here, one)
        assert not one.writes


async def test_what_came_from_one_accounts_list_goes_to_no_other(clock, here, there):
    other = FakeList(clock, "999999999999/us-east-1")
    there.holds(A)
    await here.passes(there)
    await here.passes(other)
    assert not other.entries


# --- What SES refuses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("whole", "ListSuppressedDestinations"),
        ("put", "PutSuppressedDestination"),
        ("delete", "DeleteSuppressedDestination"),
        ("find", "GetSuppressedDestination"),
    ],
)
async def test_a_lacking_permission_is_told_with_its_action(clock, here, there, operation, action):
    there.holds(A, B)
    await here.passes(there)
    await here.unsuppress(A)
    await here.learn("new@example.org")
    there.loses(B)
    there.refusing[operation] = lambda: DENIED
    passed = await later(clock, here, there)
    assert [str(one) for one in passed.troubles] == [f"{action}: SES's words; allow ses:{action}"]
    other = {"put": passed.counts.put, "delete": passed.counts.deleted}
    other["find"] = passed.counts.removed
    done = 0 if operation == "whole" else 1
    assert other == {name: 0 if name == operation else done for name in other}
    del there.refusing[operation]
    passed = await later(clock, here, there)
    assert not passed.troubles
    assert set(there.entries) == {"new@example.org"}
    assert set(await here.listed()) == {"new@example.org"}


async def test_asked_too_often_it_asks_more_slowly(clock, here, there):
    there.holds(A)
    there.refusing["whole"] = [THROTTLED, THROTTLED]
    began = clock.monotonic()
    assert not (await here.passes(there, READ)).troubles
    assert clock.monotonic() - began == 2 + 4
    assert await here.refuses(A)


async def test_asked_too_often_for_long_it_leaves_it_for_later(clock, here, there):
    there.refusing["whole"] = lambda: THROTTLED
    began = clock.monotonic()
    [trouble] = (await here.passes(there, READ)).troubles
    assert trouble.fix.startswith("others of the account ask SES too much")
    assert clock.monotonic() - began == 2 + 4 + 8 + 16 + 32 + 64


async def test_an_address_that_ses_does_not_take_is_not_put_again_and_again(clock, here, there):
    await here.suppress("odd@example.org", B)
    there.refusing["put"] = [REFUSED]
    assert (await here.passes(there)).counts == Counts(put=1, refused=1)
    there.calls.clear()
    assert (await later(clock, here, there)).counts == Counts(read=1)
    assert not there.writes
    await later(clock, here, there, extent=Extent.WHOLE)
    assert set(there.entries) == {B, "odd@example.org"}, "an operator's pass tries it again"


async def test_nothing_is_put_on_the_list_of_an_account_in_the_sandbox(clock, here, there):
    there.sandbox = True
    await here.suppress(A)
    assert (await here.passes(there)).troubles == (SANDBOX,)
    assert not there.writes
    there.sandbox = False
    await later(clock, here, there)
    assert set(there.entries) == {A}


async def test_a_list_that_lost_nearly_everything_is_followed_by_word_alone(clock, here, there):
    many = [f"a{n:03}@example.org" for n in range(250)]
    there.holds(*many)
    await here.passes(there)
    there.loses(*many[:200])
    for _ in range(2):
        [trouble] = (await later(clock, here, there)).troubles
        assert "has lost 200 of 250 addresses at once" in trouble.says
        assert "--all-removals" in trouble.fix
    assert len(await here.listed()) == 250
    passed = await later(clock, here, there, extent=Extent.WHOLE)
    assert passed.troubles
    passed = await later(clock, here, there, extent=Extent.EMPTIED)
    assert (passed.counts.removed, passed.troubles) == (200, ())
    assert len(await here.listed()) == 50


async def test_what_a_listing_left_out_and_is_there_stays(clock, here, there):
    there.holds(A, B)
    await here.passes(there)
    shown = there.entries.pop(A)
    there._changed()
    there.find = lambda address: _found(shown)
    assert (await later(clock, here, there)).counts == Counts(read=1)
    assert await here.refuses(A)


async def _found(one):
    return one


# --- In pieces ------------------------------------------------------------------------------------


async def test_a_long_task_is_done_in_pieces(clock, here, there):
    await here.suppress(*(f"a{n:04}@example.org" for n in range(MOST + 150)))
    passed = await here.passes(there)
    assert (passed.counts.put, passed.more) == (MOST, True)
    passed = await here.passes(there)
    assert (passed.counts.put, passed.more) == (150, False)
    assert len(there.entries) == MOST + 150


async def test_addresses_that_ses_refuses_do_not_stop_the_others(clock, here, there):
    await here.suppress(*(f"a{n:04}@example.org" for n in range(2 * MOST)))
    await here.suppress("z@example.org")
    there.refusing["put"] = [REFUSED] * 2 * MOST
    for _ in range(4):
        if not (await here.passes(there)).more:
            break
    assert set(there.entries) == {"z@example.org"}


async def test_an_operators_pass_goes_to_the_end_and_shows_how_far_it_is(here, there):
    await here.suppress(*(f"a{n:04}@example.org" for n in range(MOST + 50)))
    seen = []
    passed = await here.passes(
        there, extent=Extent.WHOLE, shown=lambda counts: seen.append(counts.put)
    )
    assert passed.counts.put == MOST + 50
    assert seen == sorted(seen)
    assert len(set(seen)) > MOST


async def test_who_works_keeps_the_others_off(clock, here, there):
    await here.suppress(*(f"a{n:04}@example.org" for n in range(100)))
    mirrors, turns = here.shared.mirrors, []
    put = there.put

    async def slow(address, reason):
        await clock.sleep(2.2)
        now = clock.now()
        turns.append(await mirrors.take_turn(there.whose, now, now))
        return await put(address, reason)

    there.put = slow
    await here.passes(there)
    assert turns == [None] * 100


async def test_complaints_are_put_as_complaints_once_they_are_known(clock, here, there):
    there.holds(A, reason=ListedReason.COMPLAINT)
    await here.passes(there)
    [entry] = await here.shared.suppression.listed("", 1)
    assert entry.note == "list of account 123456789012 in eu-west-1: complaint"
