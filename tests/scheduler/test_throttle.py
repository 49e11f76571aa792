"""The bucket of one route stays below SES's own, and wastes little of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.scheduler.recovery import RECOVERY
from relay.scheduler.throttle import PATIENCE, START_RATE, Part, Throttle

# (pause before asking, recipients) of one request after the other
REQUESTS = st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), min_size=1, max_size=60)
RATES = st.floats(0.5, 500)


def known(rate, now=0.0):
    throttle = Throttle(now)
    throttle.limit(rate, now)
    return throttle


def saturate(throttle, seconds, start=0.0, recipients=1):
    """Send as fast as it lets; give the times."""
    now, sent = start, []
    while (now := now + throttle.wait(now)) < start + seconds:
        throttle.take(recipients)
        sent.append(now)
    return sent


def test_the_first_message_never_waits():
    assert Throttle(5.0).wait(5.0) == 0
    assert known(0.1).wait(0.0) == 0


@given(RATES, REQUESTS)
def test_ses_never_refuses_what_its_own_bucket_would_admit(max_send_rate, requests):
    throttle = known(0.9 * max_send_rate)
    now, credit, at = 0.0, max(1.0, max_send_rate), 0.0  # one second of the rate, as SES keeps it
    for pause, recipients in requests:
        now += pause
        now += throttle.wait(now)
        throttle.take(recipients)
        credit = min(max(1.0, max_send_rate), credit + (now - at) * max_send_rate)
        at = now
        assert credit > 0
        credit -= recipients


@given(RATES, REQUESTS)
def test_what_goes_in_any_time_is_bounded_by_rate_burst_and_one_request(rate, requests):
    throttle, now, sent = known(rate), 0.0, []
    for pause, recipients in requests:
        now += pause
        now += throttle.wait(now)
        throttle.take(recipients)
        sent.append((now, recipients))
    burst = max(1.0, rate / 10)
    for first, (begin, _) in enumerate(sent):
        total = 0
        for end, recipients in sent[first:]:
            assert total <= rate * (end - begin) + burst + 1e-3
            total += recipients


def test_a_second_at_the_default_headroom_never_exceeds_the_accounts_rate():
    sent = saturate(known(0.9 * 50), 20)
    for begin in sent:
        assert sum(begin <= at < begin + 1 for at in sent) <= 50


@given(RATES, st.integers(1, 50))
def test_somebody_who_always_sends_gets_the_whole_rate(rate, recipients):
    seconds = 200 * recipients / rate
    sent = saturate(known(rate), seconds, recipients=recipients)
    assert len(sent) * recipients >= 0.97 * rate * seconds


def test_a_debt_is_paid_before_the_next_request():
    throttle = known(10)
    throttle.take(50)
    assert throttle.wait(0.0) == (1 - (1 - 50)) / 10
    assert throttle.wait(4.0) > 0
    assert throttle.wait(5.1) == 0


def test_the_estimate_counts_who_goes_before():
    throttle = known(10)
    throttle.take(1)
    assert throttle.wait(0.0, ahead=20) == 2.1


def test_what_was_not_used_comes_back():
    throttle = known(10)
    throttle.take(1)
    throttle.give_back(1)
    assert throttle.wait(0.0) == 0
    throttle.give_back(50)
    throttle.take(1)
    assert throttle.wait(0.0) > 0


def test_a_burst_of_refusals_halves_once():
    throttle = known(40)
    for _ in range(20):
        throttle.refused(granted_at=0.0, now=1.0)
    assert throttle.rate == 20
    throttle.refused(granted_at=1.5, now=1.6)
    assert throttle.rate < 11


def test_after_a_refusal_nothing_goes_before_new_credit():
    throttle = known(40)
    throttle.refused(granted_at=0.0, now=1.0)
    assert throttle.wait(1.0) == 1 / 20


def test_the_rate_comes_back_slower_and_slower_to_what_was_refused_and_then_fast():
    throttle = known(60)
    throttle.refused(granted_at=0.0, now=0.0)
    throttle.refused(granted_at=0.5, now=1.0)  # 30.9… was refused too
    refused, rates = 60 * (1 - 0.5 * (59 / 60) ** 3), []
    for now in (1, 1 + RECOVERY / 2, 1 + RECOVERY, 1 + 4 / 3 * RECOVERY, 1 + 2 * RECOVERY):
        throttle.wait(float(now))
        rates.append(throttle.rate)
    assert rates == pytest.approx([refused / 2, refused * 15 / 16, refused, refused * 1.5, 60])


def test_no_row_of_halvings_stops_it_altogether():
    throttle = known(64)
    for _ in range(100):
        throttle.refused(granted_at=0.0, now=0.0)
        throttle.refused(granted_at=1.0, now=0.0)
    assert throttle.rate == 1


def test_a_new_limit_holds_at_once_and_a_halved_rate_stays_halved():
    throttle = known(10)
    throttle.limit(100, 0.0)
    assert throttle.rate == 100
    throttle.refused(granted_at=0.0, now=0.0)
    throttle.limit(200, 0.0)
    assert throttle.rate == 100
    throttle.limit(20, 0.0)
    assert throttle.rate == 10


def test_an_unknown_rate_is_found_out_by_those_who_wait():
    throttle = Throttle(0.0)
    assert throttle.rate == START_RATE
    for _ in range(200):
        throttle.relayed(1)
    assert throttle.rate > 40
    throttle.refused(granted_at=0.0, now=1.0)
    found = throttle.rate
    assert 20 < found < 21
    for _ in range(60):
        throttle.relayed(1)
    assert found + 0.5 < throttle.rate < found + 1.5


def test_a_known_rate_does_not_grow_by_use():
    throttle = known(10)
    throttle.relayed(1000)
    assert throttle.rate == 10


def test_time_that_stands_still_or_runs_back_changes_nothing():
    throttle = known(10)
    throttle.take(1)
    wait = throttle.wait(0.0)
    assert throttle.wait(-5.0) == wait


# --- a part of the rate --------------------------------------------------------------------------


def test_a_part_of_the_rate_is_a_part_of_everything():
    throttle = known(40)
    throttle.allot(Part(share=0.25), 0.0)
    assert (throttle.rate, throttle.ceiling, throttle.usual, throttle.whole) == (10, 10, 10, 40)
    throttle.refused(granted_at=0.0, now=1.0)
    assert throttle.rate == 5
    throttle.allot(Part(share=0.5), 1.0)
    assert throttle.rate == 10


def test_one_of_several_starts_without_credit():
    throttle = known(40)
    throttle.allot(Part(share=0.25), 0.0)
    assert throttle.wait(0.0) == 0.1


def test_who_has_no_share_sends_nothing_and_looks_again():
    throttle = known(40)
    throttle.allot(Part(share=0.0), 0.0)
    assert throttle.wait(0.0) == throttle.wait(60.0) == PATIENCE
    throttle.allot(Part(share=0.5), 60.0)
    assert throttle.wait(60.0) == 1 / 20


def test_after_its_lease_a_member_keeps_to_the_floor():
    throttle = known(40)
    throttle.allot(Part(share=0.5, until=10.0, floor=0.05), 0.0)
    sent = saturate(throttle, 30)
    assert sum(at < 10 for at in sent) == pytest.approx(200, abs=2)
    assert sum(at >= 10 for at in sent) == pytest.approx(40, abs=3)


def test_what_another_member_was_refused_slows_this_one():
    throttle = known(40)
    throttle.slow(1.0, 5.0)
    throttle.wait(5.0)
    assert throttle.rate == 20
    throttle.refused(granted_at=4.0, now=6.0)  # that went before the halving
    assert throttle.rate > 20
