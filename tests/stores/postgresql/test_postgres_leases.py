from fakes import FakeClock
from stored import AT, later

from relay.stores.postgresql.leases import Leases

SECOND = 1_000_000


def test_a_lease_said_anew_begins_now_and_none_is_none():
    leases = Leases(FakeClock(AT))
    assert leases.left("a", later(60)) == 60 * SECOND
    assert leases.left("a", None) is None


def test_what_is_left_does_not_depend_on_the_wall_clock():
    clock = FakeClock(AT)
    leases = Leases(clock)
    leases.remember("a", later(60), 60 * SECOND)
    clock.jump(3_600)
    clock.advance(20)
    assert leases.left("a", later(60)) == 40 * SECOND
    assert leases.left("b", later(3_680)) == 60 * SECOND


def test_a_lease_given_back_is_forgotten():
    clock = FakeClock(AT)
    leases = Leases(clock)
    leases.remember("a", later(60), 60 * SECOND)
    leases.remember("a", None, None)
    clock.jump(10)
    assert leases.left("a", later(60)) == 50 * SECOND
