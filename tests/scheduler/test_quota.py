"""The rolling 24 hours: what is counted, what is kept back, when it comes free."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.settings import Lane
from relay.scheduler.quota import DAY, RECHECK, SLOT, Quota

URGENT, BULK = Lane.TRANSACTIONAL, Lane.BULK


def learned(limit, sent=0.0, now=0.0):
    quota = Quota()
    quota.learn(limit, sent, now)
    return quota


def send(quota, recipients, now):
    quota.take(recipients)
    quota.settle(recipients, now, sent=True)


def test_before_anything_is_known_nobody_is_stopped():
    assert Quota().room(BULK, 0.0) == inf


def test_minus_one_is_unlimited():
    assert learned(-1, sent=1e9).room(BULK, 0.0) == inf


def test_bulk_mail_stops_at_ninety_percent_and_urgent_mail_goes_on():
    quota = learned(100)
    send(quota, 90, 0.0)
    assert quota.room(BULK, 1.0) == 0
    assert quota.room(URGENT, 1.0) == 10
    send(quota, 10, 1.0)
    assert quota.room(URGENT, 2.0) == 0


def test_what_is_under_way_counts_until_it_is_refused():
    quota = learned(100)
    quota.take(100)
    assert quota.room(URGENT, 0.0) == 0
    quota.settle(100, 0.0, sent=False)
    assert quota.room(URGENT, 0.0) == 100


def test_mail_leaves_the_window_after_a_day():
    quota = learned(100)
    send(quota, 60, 0.0)
    send(quota, 40, 3600.0)
    assert quota.room(URGENT, DAY - 1) == 0
    assert quota.room(URGENT, DAY + SLOT) == 60
    assert quota.room(URGENT, DAY + 3600 + SLOT) == 100


def test_the_wait_ends_when_enough_has_left_the_window():
    quota = learned(100)
    send(quota, 10, 0.0)
    send(quota, 90, 1000.0)
    assert quota.wait(URGENT, 2000.0) == SLOT + DAY - 2000
    # Ten fewer are no room for bulk mail, which is over its share by ten.
    assert quota.wait(BULK, 2000.0) == 1000 + SLOT + DAY - 2000


def test_others_mail_is_asked_about_again():
    quota = learned(100, sent=100)
    assert quota.room(URGENT, 0.0) == 0
    assert quota.wait(URGENT, 0.0) == RECHECK
    quota.learn(100, 40, 300.0)
    assert quota.room(URGENT, 300.0) == 60


def test_a_lane_with_room_need_not_wait():
    assert learned(100).wait(BULK, 0.0) == 0


def test_what_ses_has_not_counted_yet_is_counted_here():
    quota = learned(100)
    send(quota, 50, 0.0)
    quota.learn(100, 20, 10.0)  # SES lags
    assert quota.used(10.0) == 50
    quota.learn(100, 70, 20.0)  # another relay sends on the same account
    assert quota.used(20.0) == 70
    send(quota, 5, 30.0)
    assert quota.used(30.0) == 75


def test_what_ses_said_a_day_ago_is_forgotten():
    quota = learned(100, sent=100)
    assert quota.used(DAY + 1) == 0


@pytest.mark.parametrize("limit", [0.0, 200.0])
def test_a_limit_may_come_and_go(limit):
    quota = learned(limit)
    assert quota.room(URGENT, 0.0) == limit
    quota.learn(-1, 0, 0.0)
    assert quota.room(URGENT, 0.0) == inf


@given(st.lists(st.tuples(st.floats(0, 30_000), st.integers(1, 50)), max_size=80))
def test_the_count_never_falls_below_the_exact_one_and_follows_it_by_a_slot(events):
    quota, now, sent = learned(1e6), 0.0, []
    for pause, recipients in events:
        now += pause
        send(quota, recipients, now)
        sent.append((now, recipients))
        exact = sum(n for at, n in sent if at + DAY > now)
        late = sum(n for at, n in sent if at + DAY + SLOT > now)
        assert exact <= quota.used(now) <= late


@given(st.lists(st.tuples(st.floats(0, 30_000), st.integers(1, 50)), min_size=1, max_size=80))
def test_after_the_wait_there_is_room(events):
    quota, now = learned(100), 0.0
    for pause, recipients in events:
        now += pause
        send(quota, recipients, now)
    for lane in Lane:
        assert quota.room(lane, now + quota.wait(lane, now) + 1e-6) > 0
