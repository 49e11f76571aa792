"""Counts by the minute and by the second."""

from datetime import timedelta

from fakes import START

from relay.web.minutes import SHOWN, Minutes, Pulse


def at(seconds):
    return START + timedelta(seconds=seconds)


def test_outcomes_are_counted_by_the_minute():
    minutes = Minutes()
    minutes.note("message.relayed", at(0), 2)
    minutes.note("message.relayed", at(59), 1)
    minutes.note("message.expired", at(60), 1)
    minutes.note("message.received", at(60), 5)  # no outcome of a request
    hour = minutes.until(at(120))
    assert len(hour) == SHOWN
    assert [dict(counts) for _, counts in hour[-3:]] == [{"relayed": 3}, {"failed": 1}, {}]
    assert hour[-1][0] == at(120)


def test_minutes_older_than_an_hour_are_forgotten():
    minutes = Minutes()
    minutes.note("message.relayed", at(0), 1)
    assert not any(counts for _, counts in minutes.until(at(3600)))


def test_a_clock_that_is_set_back_loses_nothing():
    minutes = Minutes()
    minutes.note("message.relayed", at(60), 1)
    minutes.note("message.relayed", at(0), 1)
    assert dict(minutes.until(at(60))[-1][1]) == {"relayed": 2}


def test_the_rate_is_that_of_the_last_ten_seconds():
    pulse = Pulse()
    for second in range(30):
        pulse.note("default", at(second), 3)
    pulse.note("other", at(29), 5)
    assert pulse.rate("default", at(30)) == 3.0
    assert pulse.rate("other", at(30)) == 0.5
    assert pulse.rate("default", at(35)) == 1.5
    assert pulse.rate("default", at(60)) == 0.0
