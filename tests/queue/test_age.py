"""Lifetimes end by real time, not by what somebody sets the clock to."""

from datetime import timedelta

from fakes import START, FakeClock

from relay.queue.age import Ages

DAYS = 86_400


def test_mail_ages_as_time_passes():
    clock = FakeClock(START)
    ages = Ages(clock)
    clock.advance(5 * DAYS)
    assert ages.now(START) == START + timedelta(days=5)


def test_a_clock_set_forward_ages_nothing_that_was_there():
    clock = FakeClock(START)
    ages = Ages(clock)
    clock.jump(30 * DAYS)
    clock.advance(60)
    assert ages.now(START) == START + timedelta(seconds=60)


def test_what_came_after_goes_by_the_new_clock():
    clock = FakeClock(START)
    ages = Ages(clock)
    clock.jump(30 * DAYS)
    received = clock.now()
    clock.advance(60)
    assert ages.now(received) == received + timedelta(seconds=60)


def test_a_clock_set_back_makes_nothing_older():
    clock = FakeClock(START)
    ages = Ages(clock)
    clock.jump(-DAYS)
    assert ages.now(START) == START - timedelta(days=1)
