"""Users by name and by network."""

from ipaddress import ip_address, ip_network

from smtp_fakes import hashed_user

from relay.model.settings import IdentifyBy
from relay.smtp.users import Users, within


def at(name, *networks):
    return hashed_user(
        name,
        identify_by=IdentifyBy.NETWORK,
        networks=tuple(ip_network(network) for network in networks),
    )


def test_names_are_for_those_who_log_in():
    users = Users([hashed_user("a"), at("b", "10.0.0.0/8")])
    assert users.named("a").name == "a"
    assert users.named("A") is None
    assert users.named("b") is None
    assert [user.name for user in users.with_passwords()] == ["a"]


def test_the_most_specific_network_wins():
    users = Users([at("wide", "10.0.0.0/8", "2001:db8::/32"), at("narrow", "10.1.0.0/16")])
    assert users.at(ip_address("10.1.2.3")).name == "narrow"
    assert users.at(ip_address("10.2.2.3")).name == "wide"
    assert users.at(ip_address("2001:db8::1")).name == "wide"
    assert users.at(ip_address("192.0.2.1")) is None
    assert users.at(None) is None


def test_of_two_alike_the_first_in_the_file_wins():
    users = Users([at("first", "10.0.0.0/8"), at("second", "10.0.0.0/8")])
    assert users.at(ip_address("10.1.2.3")).name == "first"


def test_a_unix_socket_is_in_no_network():
    assert not within(None, [ip_network("0.0.0.0/0")])
    assert within(ip_address("::1"), [ip_network("0.0.0.0/0"), ip_network("::/0")])
