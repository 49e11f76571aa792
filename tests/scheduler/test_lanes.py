"""Order and fairness among those who wait."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from relay.model.ports import QueueKey
from relay.model.settings import Lane
from relay.scheduler.lanes import Lanes, Users, Waiter


def waiter(user, recipients=1, lane=Lane.TRANSACTIONAL):
    key = QueueKey("default", lane, user)
    return Waiter(key=key, scopes=(), recipients=recipients, deadline=None, answer=None)


def serve(lanes):
    chosen = lanes.next()
    lanes.serve(chosen)
    return chosen


def users_served(lanes, count):
    return "".join(serve(lanes).key.user for _ in range(count))


def test_users_take_turns():
    users = Users()
    for user in "aaaabbbcc":
        users.add(waiter(user))
    assert users_served(users, 9) == "abcabcaba"


def test_who_comes_new_goes_next():
    users = Users()
    for _ in range(1000):
        users.add(waiter("a"))
    users_served(users, 500)
    users.add(waiter("b"))
    assert users_served(users, 3) in {"baa", "aba"}


def test_turns_are_counted_in_recipients():
    users = Users()
    for _ in range(100):
        users.add(waiter("a", recipients=50))
        users.add(waiter("b"))
    assert Counter(users_served(users, 52)) == {"a": 2, "b": 50}


def test_a_user_who_comes_back_has_not_shed_what_it_owes():
    users = Users()
    for _ in range(100):
        users.add(waiter("b"))
    users.add(waiter("a", recipients=50))
    served = users_served(users, 3)
    assert "a" in served
    users.add(waiter("a"))
    assert users_served(users, 40) == "b" * 40


def test_a_user_who_was_away_has_saved_up_nothing():
    users = Users()
    users.add(waiter("a"))
    for _ in range(300):
        users.add(waiter("b"))
    users_served(users, 200)
    for _ in range(50):
        users.add(waiter("a"))
    assert Counter(users_served(users, 60)) == {"a": 30, "b": 30}


def test_bulk_mail_gets_its_tenth_in_recipients():
    lanes, got = Lanes(), Counter()
    for _ in range(300):
        lanes.add(waiter("u", recipients=50))
        for _ in range(10):
            lanes.add(waiter("b", lane=Lane.BULK))
    for _ in range(300):
        one = serve(lanes)
        got[one.key.user] += one.recipients
    assert 0.09 <= got["b"] / got.total() <= 0.11


def test_bulk_mail_gets_a_tenth_while_urgent_mail_waits():
    lanes = Lanes()
    for _ in range(1000):
        lanes.add(waiter("u"))
        lanes.add(waiter("b", lane=Lane.BULK))
    served = Counter(users_served(lanes, 500))
    assert 49 <= served["b"] <= 51


def test_a_large_bulk_request_saves_up_for_its_turn():
    lanes = Lanes()
    lanes.add(waiter("b", recipients=50, lane=Lane.BULK))
    for _ in range(1000):
        lanes.add(waiter("u"))
    assert users_served(lanes, 452).index("b") in range(449, 452)


def test_urgent_mail_that_comes_new_goes_before_all_bulk_mail():
    lanes = Lanes()
    for _ in range(1000):
        lanes.add(waiter("b", lane=Lane.BULK))
    users_served(lanes, 500)
    lanes.add(waiter("u"))
    assert users_served(lanes, 2) == "ub"


def test_bulk_mail_saves_up_nothing_while_nobody_competes():
    lanes = Lanes()
    for _ in range(200):
        lanes.add(waiter("u"))
    users_served(lanes, 150)
    for _ in range(100):
        lanes.add(waiter("b", lane=Lane.BULK))
    assert users_served(lanes, 9) == "u" * 9


def test_the_last_one_out_leaves_nothing_behind():
    users = Users()
    waiters = [waiter(user) for user in "abc"]
    for one in waiters:
        users.add(one)
    for one in waiters:
        users.remove(one)
    assert (len(users), users.next()) == (0, None)
    assert not users._lines
    assert not users._heap


def test_counting_those_who_wait():
    lanes = Lanes()
    lanes.add(waiter("a"))
    lanes.add(waiter("b", lane=Lane.BULK))
    lanes.add(waiter("b", lane=Lane.BULK))
    assert len(lanes) == 3
    assert lanes.waiting() == {Lane.TRANSACTIONAL: 1, Lane.BULK: 2}


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 50)), max_size=60), st.data())
def test_whatever_happens_a_key_is_served_in_order_and_each_waiter_once(arrivals, data):
    lanes, waiting, served = Lanes(), [], []
    for user, recipients in arrivals:
        lane = data.draw(st.sampled_from(list(Lane)))
        one = waiter(user, recipients, lane)
        lanes.add(one)
        waiting.append(one)
        match data.draw(st.sampled_from(["wait", "serve", "leave"])):
            case "serve":
                served.append(serve(lanes))
                waiting.remove(served[-1])
            case "leave":
                gone = data.draw(st.sampled_from(waiting))
                lanes.remove(gone)
                waiting.remove(gone)
        assert len(lanes) == len(waiting)
    while lanes:
        served.append(serve(lanes))
        oldest = next(one for one in waiting if one.key == served[-1].key)
        assert served[-1] is oldest
        waiting.remove(oldest)
    assert waiting == []
    assert len(set(map(id, served))) == len(served)


@given(
    st.lists(st.integers(1, 50), min_size=2, max_size=6),
    st.integers(10, 200),
)
def test_those_who_always_wait_get_the_same_share_of_recipients(sizes, turns):
    users, got = Users(), Counter()
    for number, size in enumerate(sizes):
        for _ in range(2):
            users.add(waiter(str(number), size))
    for _ in range(turns):
        one = users.next()
        users.serve(one)
        got[one.key.user] += one.recipients
        users.add(waiter(one.key.user, one.recipients))
    shares = [got[str(number)] for number in range(len(sizes))]
    # No one is ahead of another by more than a request of each.
    assert max(shares) - min(shares) <= 2 * max(sizes)
