"""How places in the queue's window are shared among keys."""

from hypothesis import given
from hypothesis import strategies as st

from relay.model.ports import QueueKey
from relay.model.settings import Lane
from relay.scheduler.backlog import divide

KEYS = [QueueKey("default", lane, user) for lane in Lane for user in "abcd"]
COUNTS = st.dictionaries(st.sampled_from(KEYS), st.integers(1, 100))


def urgent(user):
    return QueueKey("default", Lane.TRANSACTIONAL, user)


def bulk(user):
    return QueueKey("default", Lane.BULK, user)


def test_everybody_gets_what_they_want_if_there_is_room():
    wanted = {urgent("a"): 5, bulk("b"): 7}
    assert divide(wanted, {}, 100) == wanted


def test_the_small_one_gets_all_and_the_large_ones_share_the_rest():
    wanted = {urgent("a"): 2, urgent("b"): 500, urgent("c"): 500}
    assert divide(wanted, {}, 100) == {urgent("a"): 2, urgent("b"): 49, urgent("c"): 49}


def test_urgent_mail_goes_first_and_bulk_mail_keeps_a_tenth():
    wanted = {urgent("a"): 500, bulk("b"): 500}
    assert divide(wanted, {}, 100) == {urgent("a"): 90, bulk("b"): 10}


def test_with_one_place_left_it_is_for_urgent_mail():
    assert divide({urgent("a"): 5, bulk("b"): 5}, {}, 1) == {urgent("a"): 1}
    assert divide({bulk("b"): 5}, {}, 1) == {bulk("b"): 1}


def test_who_has_least_in_work_comes_first_when_room_is_short():
    wanted = {urgent("a"): 5, urgent("b"): 5, urgent("c"): 5}
    claimed = {urgent("a"): 3, urgent("c"): 1}
    assert divide(wanted, claimed, 2) == {urgent("b"): 1, urgent("c"): 1}


@given(COUNTS, COUNTS, st.integers(0, 300))
def test_no_more_than_wanted_no_more_than_room_and_no_place_left_empty(wanted, claimed, room):
    shares = divide(wanted, claimed, room)
    assert all(0 < share <= wanted[key] for key, share in shares.items())
    assert sum(shares.values()) == min(room, sum(wanted.values()))
