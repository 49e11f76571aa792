"""Guessing is slowed, then banned, and forgiven by time alone."""

from ipaddress import ip_address

import pytest
from fakes import FakeClock

from relay.smtp import guesses as module
from relay.smtp.guesses import (
    ADDRESS_LIMIT,
    BAN,
    FIRST_PAUSE,
    FORGIVEN_EACH,
    LONGEST_PAUSE,
    TRUSTED,
    USER_LIMIT,
    Guesses,
    neighbourhood,
)

HERE, THERE = ip_address("192.0.2.1"), ip_address("192.0.2.2")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def guesses(clock):
    return Guesses(clock)


def test_each_failure_doubles_the_pause(guesses):
    pauses = [guesses.failed(HERE, "a") for _ in range(6)]
    assert pauses == [FIRST_PAUSE * 2**n for n in range(4)] + [8.0, 8.0]
    assert max(pauses) == LONGEST_PAUSE


def test_an_address_is_banned_and_the_ban_ends(guesses, clock):
    for number in range(ADDRESS_LIMIT):
        assert not guesses.address_banned(HERE)
        guesses.failed(HERE, f"name {number}")
    assert guesses.address_banned(HERE)
    assert not guesses.address_banned(THERE)
    clock.advance(BAN + 1)
    assert not guesses.address_banned(HERE)
    assert guesses.failed(HERE, "new") == FIRST_PAUSE


def test_points_are_forgiven(guesses, clock):
    for _ in range(3 * ADDRESS_LIMIT):
        guesses.failed(HERE, "a")
        clock.advance(FORGIVEN_EACH)
    assert not guesses.address_banned(HERE)


def test_a_name_is_banned_from_everywhere_but_trusted_addresses(guesses, clock):
    guesses.succeeded(THERE, "a")
    for number in range(USER_LIMIT):
        guesses.failed(ip_address(number + 1), "a")
    assert guesses.name_banned(HERE, "a")
    assert not guesses.name_banned(HERE, "b")
    assert not guesses.name_banned(THERE, "a")
    clock.advance(BAN + 1)
    assert not guesses.name_banned(HERE, "a")


def test_trust_ends(guesses, clock):
    guesses.succeeded(THERE, "a")
    clock.advance(TRUSTED + 1)
    for number in range(USER_LIMIT):
        guesses.failed(ip_address(number + 1), "a")
    assert guesses.name_banned(THERE, "a")


def test_logging_in_does_not_wipe_an_address_clean(guesses):
    for _ in range(ADDRESS_LIMIT - 1):
        guesses.failed(HERE, "victim")
    guesses.succeeded(HERE, "own account")
    guesses.failed(HERE, "victim")
    assert guesses.address_banned(HERE)


def test_memory_is_bounded(guesses, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEYS", 10)
    for number in range(50):
        guesses.failed(ip_address(number), f"name {number}")
        guesses.succeeded(ip_address(number), f"name {number}")
    assert len(guesses._addresses._scores) == 10
    assert len(guesses._names._scores) == 10
    assert len(guesses._trusted) == 10


def test_neighbourhoods():
    assert neighbourhood(HERE) == "192.0.2.1"
    assert neighbourhood(None) == "None"
    near, nearer = ip_address("2001:db8:1:2::1"), ip_address("2001:db8:1:2:ffff::1")
    assert neighbourhood(near) == neighbourhood(nearer)
    assert neighbourhood(near) != neighbourhood(ip_address("2001:db8:1:3::1"))


def test_guesses_at_another_process_count_here_too(guesses, clock):
    there = Guesses(clock)
    for _ in range(ADDRESS_LIMIT - 1):
        there.failed(HERE, "a")
    for guess in there.untold():
        guesses.heard(guess)
    assert there.untold() == ()
    assert guesses.untold() == ()  # they are not told back
    assert not guesses.address_banned(HERE)
    guesses.failed(HERE, "b")
    assert guesses.address_banned(HERE)
    assert guesses.untold() == ((neighbourhood(HERE), "b"),)
