"""Mirrors of accounts' lists: what is news, what goes with them, what we owe them; in any store."""

from datetime import timedelta

import pytest
from stored import AT, later

from relay.model.address import Address
from relay.model.ports import (
    FROM_ACCOUNT,
    Lesson,
    ListCounts,
    Listed,
    ListedReason,
    ListStanding,
    Owed,
    Suppressed,
)

LIST, OTHER = "111111111111/eu-west-1", "222222222222/us-east-1"
A, B = "a@example.org", "b@example.org"
HOUR = 3600.0


def listed(address=A, updated=0.0, reason=ListedReason.BOUNCE):
    return Listed(address=address, reason=reason, updated=later(updated))


def ours(address=A, reason="bounce", since=0.0, until=None, note=""):
    return Suppressed(
        address=address,
        reason=reason,
        since=later(since),
        until=None if until is None else later(until),
        note=note,
    )


def found(address=A, updated=0.0, name=LIST, reason="bounce"):
    account, region = name.split("/")
    note = f"list of account {account} in {region}: {reason}"
    return ours(address, FROM_ACCOUNT, updated, note=note)


@pytest.fixture
async def shared(kept):
    return (await kept.open()).shared


async def look(shared, address=A):
    return await shared.suppression.suppressed(Address.parse(address), AT)


async def owed(shared, name=LIST, after=0):
    return [one.address for one in (await shared.mirrors.to_put(name, after, 100)).entries]


# --- Turns ---------------------------------------------------------------------------------------


async def test_one_at_a_time_works_on_a_list(shared):
    mirrors = shared.mirrors
    assert await mirrors.take_turn(LIST, AT, later(60)) == ListStanding()
    assert await mirrors.take_turn(LIST, later(59), later(120)) is None
    assert await mirrors.take_turn(OTHER, AT, later(60)) == ListStanding()
    known = ListStanding(read_at=later(1), whole_at=AT, pages=3, put_upto=7)
    assert await mirrors.stand(LIST, known) is None
    assert await mirrors.take_turn(LIST, later(60), later(120)) == known
    assert await mirrors.keep_turn(LIST, later(500)) == known
    assert await mirrors.take_turn(LIST, later(499), later(900)) is None


async def test_an_operator_may_begin_before_any_relay(shared):
    assert await shared.mirrors.keep_turn(LIST, later(60)) == ListStanding()
    assert await shared.mirrors.take_turn(LIST, AT, later(60)) is None


# --- What a list holds ----------------------------------------------------------------------------


async def test_what_is_news_goes_on_our_list_once(shared):
    page = [listed(A), listed("B@example.org", 5, ListedReason.COMPLAINT)]
    added = await shared.mirrors.take_over(LIST, page, AT)
    assert added == [found(A), found(B, 5, reason="complaint")]
    assert await look(shared, "A@Example.org") == found(A)
    assert await shared.mirrors.take_over(LIST, page, later(60)) == []
    assert await shared.mirrors.counts(LIST, later(60)) == ListCounts(known=2, absent=0)
    assert await shared.mirrors.holders([A, "c@example.org"]) == [(A, LIST)]


async def test_what_another_process_took_over_is_known_within_a_second(kept):
    mirrors = (await kept.open()).shared.mirrors
    guest = await kept.guest()
    assert await guest.suppression.suppressed(Address.parse(A), AT) is None
    await mirrors.take_over(LIST, [listed()], AT)
    kept.clock.advance(1)
    assert (await guest.suppression.suppressed(Address.parse(A), AT)).reason == FROM_ACCOUNT


@pytest.mark.parametrize("since", [-HOUR, HOUR])
@pytest.mark.parametrize("reason", ["bounce", "manual"])
async def test_what_is_our_own_stays_our_own(shared, reason, since):
    await shared.suppression.suppress([ours(reason=reason, since=since)])
    assert await shared.mirrors.take_over(LIST, [listed()], AT) == []
    assert (await look(shared)).reason == reason


async def test_a_bounce_that_comes_after_makes_it_our_own(shared):
    await shared.mirrors.take_over(LIST, [listed()], AT)
    await shared.lessons.learn(Lesson(key="k", at=AT, suppress=(ours(since=HOUR),)))
    assert (await look(shared)).reason == "bounce"
    assert await owed(shared) == []


async def test_for_good_is_stronger_than_for_a_time(shared):
    await shared.suppression.suppress([ours(reason="ses_global_list", until=HOUR)])
    assert await shared.mirrors.take_over(LIST, [listed()], AT) == []
    assert await look(shared) == found()


# --- What goes with it ----------------------------------------------------------------------------


async def test_what_a_whole_reading_does_not_show_is_absent(shared):
    mirrors = shared.mirrors
    await mirrors.take_over(LIST, [listed(A), listed(B), listed("c@example.org")], AT)
    await mirrors.take_over(LIST, [listed(B)], later(HOUR))
    assert await mirrors.counts(LIST, later(HOUR)) == ListCounts(known=3, absent=2)
    assert await mirrors.absent(LIST, later(HOUR), "", 1) == [A]
    assert await mirrors.absent(LIST, later(HOUR), A, 9) == ["c@example.org"]
    assert await mirrors.absent(OTHER, later(HOUR), "", 9) == []


async def test_what_came_from_the_list_goes_with_it(shared):
    mirrors = shared.mirrors
    await mirrors.take_over(LIST, [listed()], AT)
    assert await mirrors.drop(LIST, [A], later(HOUR), ours_too=False) == [A]
    assert await look(shared) is None
    assert await mirrors.drop(LIST, [A], later(HOUR), ours_too=False) == []


async def test_what_came_from_two_lists_goes_with_the_last(shared):
    mirrors = shared.mirrors
    await mirrors.take_over(LIST, [listed()], AT)
    await mirrors.take_over(OTHER, [listed()], AT)
    assert await mirrors.drop(LIST, [A], later(HOUR), ours_too=True) == []
    assert await look(shared) is not None
    assert await mirrors.drop(OTHER, [A], later(HOUR), ours_too=True) == [A]
    assert await look(shared) is None


async def test_what_a_reading_showed_meanwhile_is_not_dropped(shared):
    await shared.mirrors.take_over(LIST, [listed()], later(HOUR))
    assert await shared.mirrors.drop(LIST, [A], later(HOUR), ours_too=True) == []
    assert await look(shared) is not None


@pytest.mark.parametrize("ours_too", [False, True])
async def test_our_own_goes_where_both_ways_are_wanted_from_the_others_too(kept, shared, ours_too):
    mirrors = shared.mirrors
    await shared.suppression.suppress([ours()])
    for name in (LIST, OTHER):
        await mirrors.written(name, A, ListedReason.BOUNCE, AT)
    kept.clock.advance(HOUR)
    gone = await mirrors.drop(LIST, [A], later(HOUR), ours_too=ours_too)
    assert gone == ([A] if ours_too else [])
    assert await mirrors.to_delete(OTHER, 9) == gone
    assert await mirrors.to_delete(LIST, 9) == []


# --- What we put there ----------------------------------------------------------------------------


async def test_what_is_ours_for_good_is_owed_to_each_list_that_lacks_it(shared):
    mirrors = shared.mirrors
    await shared.suppression.suppress(
        [
            ours(A),
            ours(B, "manual", note="left"),
            ours("full@example.org", "mailbox_full", until=HOUR),
        ]
    )
    await mirrors.take_over(OTHER, [listed("there@example.org")], AT)
    first = await mirrors.to_put(LIST, 0, 1)
    assert first == Owed(entries=(ours(A),), upto=first.upto)
    second = await mirrors.to_put(LIST, first.upto, 9)
    assert second.entries == (ours(B, "manual", note="left"),)
    assert await mirrors.to_put(LIST, second.upto, 9) == Owed(entries=(), upto=None)
    await mirrors.written(LIST, B, ListedReason.BOUNCE, AT)
    assert await owed(shared) == [A]
    assert await owed(shared, OTHER) == [A, B]


async def test_what_changes_again_is_looked_at_again(shared):
    await shared.suppression.suppress([ours("full@example.org", "mailbox_full", until=HOUR)])
    upto = (await shared.mirrors.to_put(LIST, 0, 9)).upto
    assert await owed(shared, after=upto) == []
    await shared.suppression.suppress([ours("full@example.org")])
    assert await owed(shared, after=upto) == ["full@example.org"]


async def test_what_we_just_put_is_not_absent(kept, shared):
    mirrors = shared.mirrors
    await shared.suppression.suppress([ours()])
    await mirrors.written(LIST, A, ListedReason.BOUNCE, AT)
    assert await mirrors.absent(LIST, later(599), "", 9) == []
    assert await mirrors.counts(LIST, later(599)) == ListCounts(known=1, absent=0)
    assert await mirrors.absent(LIST, later(601), "", 9) == [A]


# --- What is taken off here -----------------------------------------------------------------------


async def removed(kept, shared, at=0.0, address=A):
    kept.clock.advance((later(at) - kept.clock.now()).total_seconds())
    assert await shared.suppression.unsuppress([address]) == [address]


async def test_what_is_taken_off_here_is_taken_off_there_and_stays_off(kept, shared):
    mirrors = shared.mirrors
    await mirrors.take_over(LIST, [listed()], AT)
    await removed(kept, shared, 60)
    assert await mirrors.to_delete(LIST, 9) == [A]
    # A reading that began before, or that SES answers from before, brings nothing back.
    assert await mirrors.take_over(LIST, [listed()], later(61)) == []
    assert await look(shared) is None
    await mirrors.written(LIST, A, None, later(70))
    assert await mirrors.to_delete(LIST, 9) == []
    assert await mirrors.take_over(LIST, [listed()], later(90)) == []
    assert (await look(shared), await mirrors.to_delete(LIST, 9)) == (None, [])
    assert await mirrors.counts(LIST, later(90)) == ListCounts(known=0, absent=0)


async def test_what_a_list_shows_late_does_not_undo_a_removal(kept, shared):
    """SES had it on its list already, and we had not read that yet."""
    mirrors = shared.mirrors
    await mirrors.take_turn(LIST, AT, later(60))
    await shared.suppression.suppress([ours()])
    await removed(kept, shared, 60)
    assert (await mirrors.to_delete(LIST, 9), await mirrors.holders([A])) == ([], [])
    assert await mirrors.counts(LIST, later(61)) == ListCounts(known=0, absent=0)
    await mirrors.forget(LIST, later(59))
    assert await mirrors.take_over(LIST, [listed()], later(300)) == []
    assert await look(shared) is None
    assert (await mirrors.to_delete(LIST, 9), await mirrors.holders([A])) == ([A], [(A, LIST)])


async def test_a_removal_says_nothing_of_a_list_that_nobody_looks_at_any_more(kept, shared):
    await shared.mirrors.take_turn(LIST, AT, later(60))
    await shared.suppression.suppress([ours()])
    await removed(kept, shared, 25 * HOUR)
    assert await learned(shared, "k", FROM_ACCOUNT) != ()


async def test_a_list_that_does_not_show_it_forgets_the_removal(kept, shared):
    mirrors = shared.mirrors
    await mirrors.take_turn(LIST, AT, later(60))
    await shared.suppression.suppress([ours()])
    await removed(kept, shared, 60)
    await mirrors.forget(LIST, later(61))
    assert await mirrors.take_over(LIST, [listed()], later(300)) == [found()]


async def test_what_is_still_there_long_after_is_taken_off_again(kept, shared):
    mirrors = shared.mirrors
    await mirrors.take_over(LIST, [listed()], AT)
    await removed(kept, shared, 60)
    await mirrors.written(LIST, A, None, later(70))
    await mirrors.take_over(LIST, [listed()], later(671))
    assert await mirrors.to_delete(LIST, 9) == [A]


async def test_what_is_off_everywhere_is_forgotten(kept, shared):
    mirrors = shared.mirrors
    await mirrors.take_over(LIST, [listed()], AT)
    await removed(kept, shared, 60)
    await mirrors.written(LIST, A, None, later(70))
    await mirrors.forget(LIST, later(600))
    assert await mirrors.holders([A]) == [(A, LIST)], "a listing may be older than the deletion"
    await mirrors.forget(LIST, later(700))
    assert await mirrors.holders([A]) == []
    assert await mirrors.take_over(LIST, [listed(updated=900)], later(1000)) == [found(updated=900)]


@pytest.mark.parametrize(("updated", "comes_back"), [(60 + 299, False), (60 + 301, True)])
async def test_a_newer_entry_of_the_account_brings_it_back(kept, shared, updated, comes_back):
    await shared.mirrors.take_over(LIST, [listed()], AT)
    await removed(kept, shared, 60)
    added = await shared.mirrors.take_over(LIST, [listed(updated=updated)], later(HOUR))
    assert added == ([found(updated=updated)] if comes_back else [])
    assert await shared.mirrors.to_delete(LIST, 9) == ([] if comes_back else [A])


@pytest.mark.parametrize("by", ["operator", "event"])
async def test_what_comes_on_our_list_again_is_put_there_again(kept, shared, by):
    mirrors = shared.mirrors
    await shared.suppression.suppress([ours()])
    await mirrors.written(LIST, A, ListedReason.BOUNCE, AT)
    upto = (await mirrors.to_put(LIST, 0, 9)).upto
    await removed(kept, shared, 60)
    if by == "operator":
        await shared.suppression.suppress([ours(since=90)])
    else:
        await shared.lessons.learn(
            Lesson(key="k", at=AT + timedelta(seconds=90), suppress=(ours(since=90),))
        )
    assert await mirrors.to_delete(LIST, 9) == []
    assert await owed(shared, after=upto) == [A]


async def learned(shared, key, reason):
    lesson = Lesson(key=key, at=AT, suppress=(ours(reason=reason, since=90),))
    return (await shared.lessons.learn(lesson)).suppressed


async def test_mail_that_meets_the_list_before_the_deletion_brings_nothing_back(kept, shared):
    """SES bounces it for the list's sake, and the event would have undone the removal."""
    mirrors = shared.mirrors
    await mirrors.take_over(LIST, [listed()], AT)
    await removed(kept, shared, 60)
    assert await learned(shared, "k1", FROM_ACCOUNT) == ()
    assert (await look(shared), await mirrors.to_delete(LIST, 9)) == (None, [A])
    await mirrors.written(LIST, A, None, later(70))
    await mirrors.forget(LIST, later(700))
    assert await learned(shared, "k2", FROM_ACCOUNT) != ()
    await removed(kept, shared, 800)
    assert await learned(shared, "k3", "bounce") != (), "a bounce of its own is news"


async def test_all_of_it_outlives_a_crash(kept):
    shared = (await kept.open()).shared
    await shared.mirrors.take_over(LIST, [listed(A), listed(B)], AT)
    await shared.mirrors.stand(LIST, ListStanding())
    await shared.suppression.unsuppress([A])
    again = (await kept.after_a_crash()).shared
    assert await again.mirrors.to_delete(LIST, 9) == [A]
    assert await again.mirrors.counts(LIST, later(1)) == ListCounts(known=1, absent=1)
