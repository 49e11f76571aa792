from datetime import UTC, datetime, timedelta

import pytest

from relay.simulator.rates import DayWindow, TokenBucket, Usage

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def after(**step):
    return NOW + timedelta(**step)


def test_a_call_of_any_size_passes_and_its_debt_is_repaid():
    bucket = TokenBucket(1.0, NOW)
    assert bucket.is_open(NOW)
    bucket.charge(5)
    assert not bucket.is_open(after(seconds=4.9))
    assert bucket.is_open(after(seconds=5))


def test_credit_is_one_second_worth_at_most():
    bucket = TokenBucket(14.0, NOW)
    assert bucket.is_open(after(days=1))
    assert bucket.credit == 14.0


def test_tenths_of_a_second_add_up():
    bucket = TokenBucket(1.0, NOW)
    bucket.charge(1)
    for tenth in range(1, 10):
        assert not bucket.is_open(after(milliseconds=100 * tenth))
    assert bucket.is_open(after(seconds=1))


def test_below_one_a_second_calls_are_possible():
    bucket = TokenBucket(0.1, NOW)
    bucket.charge(1)
    assert not bucket.is_open(after(seconds=9))
    assert bucket.is_open(after(seconds=10))


def test_a_clock_that_steps_back_neither_gives_nor_takes():
    bucket = TokenBucket(1.0, NOW)
    bucket.charge(1)
    assert not bucket.is_open(after(hours=-1))
    assert not bucket.is_open(after(hours=-1, milliseconds=900))
    assert bucket.is_open(after(hours=-1, seconds=1))


def test_a_changed_rate_keeps_the_debt_and_cuts_the_credit():
    bucket = TokenBucket(100.0, NOW)
    bucket.change_rate(2.0, NOW)
    assert bucket.credit == 2.0
    bucket.charge(4)
    bucket.change_rate(100.0, NOW)
    assert bucket.credit == -2.0


def test_the_day_rolls():
    day = DayWindow()
    day.add(3, NOW)
    day.add(4, after(hours=12))
    assert day.total(after(hours=23, minutes=59)) == 7
    assert day.total(after(hours=24)) == 4
    assert day.total(after(hours=36)) == 0


def test_the_day_is_kept_by_the_second():
    day = DayWindow()
    for _ in range(1_000):
        day.add(1, NOW)
    assert day.total(NOW) == 1_000
    assert day.total(after(hours=24)) == 0


def test_a_day_may_be_restarted_at_a_number():
    day = DayWindow()
    day.add(3, NOW)
    day.restart(50, NOW)
    assert day.total(NOW) == 50
    day.restart(0, NOW)
    assert day.total(NOW) == 0


@pytest.mark.parametrize(
    ("counted", "most", "refused"),
    [(1, 10, True), (1, 11, False), (0, 10, False), (1, -1, False), (1, 0, True), (0, 0, False)],
)
def test_the_quota_refuses_when_the_day_is_full(counted, most, refused):
    usage = Usage(1_000.0, NOW)
    usage.charge(10, 10, NOW)
    found = usage.sending_refusal(counted, most, NOW)
    assert (found is not None) is refused
    if found is not None:
        assert found.message == "Daily message quota exceeded."


def test_the_rate_is_named_before_the_quota():
    usage = Usage(1.0, NOW)
    usage.charge(10, 10, NOW)
    found = usage.sending_refusal(1, 10, NOW)
    assert found is not None
    assert found.message == "Maximum sending rate exceeded."


def test_control_calls_are_one_a_second():
    usage = Usage(1_000.0, NOW)
    assert usage.control_call(NOW) is None
    refused = usage.control_call(after(milliseconds=500))
    assert refused is not None
    assert refused.message == "Rate exceeded"
    assert usage.control_call(after(seconds=1)) is None
