"""Connections are counted in and out, in all and by client."""

from ipaddress import ip_address

from smtp_fakes import listener

from relay.model import replies
from relay.smtp.census import Census

HERE, THERE = ip_address("192.0.2.1"), ip_address("192.0.2.2")


def test_in_all_and_by_client():
    census = Census()
    door = listener(max_connections=3, max_connections_per_client=2)
    assert census.enter(door, HERE) is None
    assert census.enter(door, HERE) is None
    assert census.enter(door, HERE) == replies.TOO_MANY_CONNECTIONS
    assert census.enter(door, THERE) is None
    assert census.enter(door, ip_address("192.0.2.3")) == replies.TOO_MANY_CONNECTIONS
    census.leave(door, HERE)
    assert census.enter(door, HERE) is None
    assert census.total == 3


def test_peers_on_a_unix_socket_are_no_single_client():
    census = Census()
    door = listener(max_connections_per_client=1)
    assert census.enter(door, None) is None
    assert census.enter(door, None) is None


def test_nothing_is_left_behind():
    census = Census()
    door = listener()
    for number in range(100):
        census.enter(door, ip_address(number))
        census.leave(door, ip_address(number))
    assert census.total == 0
    assert not census._by_client
