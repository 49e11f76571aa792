"""The settings as plain values: equality, secrecy, patterns, and what an option says of itself."""

import dataclasses
import time
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.settings import (
    AddressPattern,
    ClearPassword,
    FdBind,
    Glob,
    HashedPassword,
    Listener,
    PostgresStore,
    Route,
    Secret,
    Settings,
    TcpBind,
    UnixBind,
    User,
    local_only,
)


def settings(**changes):
    given = {
        "listeners": (Listener(bind=TcpBind("127.0.0.1", 25)),),
        "routes": {"default": Route(region="eu-west-1")},
    }
    return Settings(**(given | changes))


def test_equal_when_nothing_changed():
    assert settings() == settings()
    assert settings() != settings(workers=2)


def test_a_changed_secret_is_a_change():
    def with_password(text):
        user = User(name="a", senders=(AddressPattern("*"),), password=HashedPassword(Secret(text)))
        return settings(users=(user,))

    assert with_password("one") == with_password("one")
    assert with_password("one") != with_password("two")


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings().workers = 2


def test_defaults_are_those_of_the_contract():
    listener = settings().listeners[0]
    assert (listener.tls, listener.auth) == ("starttls_required", "required")
    assert listener.mechanisms == ("PLAIN", "LOGIN")
    assert not listener.cleartext_auth
    assert listener.limits.recipients_per_transaction == 1000
    assert settings().queue.wait == 5
    assert settings().queue.lifetime == 4 * 86_400
    assert settings().history == 30 * 86_400
    assert settings().routes["default"].recipients_per_request == 50
    assert settings().routes["default"].headroom == 0.9
    assert (settings().bounces.to, settings().bounces.from_) == ("off", None)


@pytest.mark.parametrize(
    "value",
    [
        Secret("hunter2"),
        HashedPassword(Secret("hunter2")),
        ClearPassword(Secret("hunter2")),
        PostgresStore(Secret("postgresql://relay:hunter2@db/relay")),
    ],
)
def test_secrets_do_not_show(value):
    assert "hunter2" not in f"{value} {value!r} {[value]} {dataclasses.replace(value)}"


def test_a_secret_is_given_to_who_asks():
    assert Secret("hunter2").reveal() == "hunter2"


@pytest.mark.parametrize(
    ("bind", "text", "local"),
    [
        (TcpBind("127.0.0.1", 25), "127.0.0.1:25", True),
        (TcpBind("127.8.9.1", 25), "127.8.9.1:25", True),
        (TcpBind("::1", 25), "[::1]:25", True),
        (TcpBind("localhost", 25), "localhost:25", True),
        (TcpBind("0.0.0.0", 25), "0.0.0.0:25", False),
        (TcpBind("::", 25), "[::]:25", False),
        (TcpBind("relay.example", 25), "relay.example:25", False),
        (UnixBind(Path("/run/relay.sock")), "unix:/run/relay.sock", True),
        (FdBind("smtp"), "fd:smtp", False),
    ],
)
def test_binds_know_their_text_and_reach(bind, text, local):
    assert str(bind) == text
    assert local_only(bind) is local


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("*", ["a@b.example", "a@b"], ["<>"]),
        ("<>", ["<>"], ["a@b.example", ""]),
        ("*@example.com", ["a@example.com", "a@EXAMPLE.com"], ["a@sub.example.com", "<>"]),
        ("*@Example.COM", ["a@example.com"], ["a@example.org"]),
        ("*@*.example.com", ["a@x.example.com", "a@x.y.example.com"], ["a@example.com"]),
        ("app-*@example.com", ["app-@example.com", "app-1@example.com"], ["ap@example.com"]),
        ("Bob@example.com", ["Bob@example.com"], ["bob@example.com"]),
        ('"a@b"@example.com', ['"a@b"@example.com'], ["a@b", "b@example.com"]),
        # The star before the @ must not swallow the domain of another.
        ("*@example.com", [], ["a@example.com.evil.example", '"x@example.com"@evil.example']),
    ],
)
def test_address_patterns(pattern, fits, fits_not):
    for address in fits:
        assert AddressPattern(pattern).matches(address), address
    for address in fits_not:
        assert not AddressPattern(pattern).matches(address), address


@pytest.mark.parametrize("text", ["", "example.com", "a@", "@example.com", "@"])
def test_what_is_no_address_pattern(text):
    with pytest.raises(ValueError, match="is not an address pattern"):
        AddressPattern(text)


def slow_match(pattern, text):
    """Match by trying every length for every star: right, and far too slow for use."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(slow_match(pattern[1:], text[n:]) for n in range(len(text) + 1))
    return text[:1] == pattern[0] and slow_match(pattern[1:], text[1:])


@given(st.text("ab*", max_size=7), st.text("ab", max_size=9))
def test_globs_fit_what_the_plain_definition_fits(pattern, text):
    assert Glob(pattern).matches(text) is slow_match(pattern, text)


def test_no_pattern_makes_a_match_slow():
    began = time.process_time()
    assert not Glob("a*" * 200 + "b").matches("a" * 20_000)
    assert not AddressPattern("a*" * 50 + "b@x.example").matches("a" * 20_000 + "@x.example")
    assert time.process_time() - began < 1  # backtracking would take longer than the universe


def test_networks_are_networks():
    listener = Listener(bind=TcpBind("0.0.0.0", 25), networks=(ip_network("10.0.0.0/8"),))
    assert ip_network("10.1.0.0/16").subnet_of(listener.networks[0])


def every_section(section=Settings):
    yield section
    for field in dataclasses.fields(section):
        for part in (field.default_factory, field.default):
            if dataclasses.is_dataclass(part) and isinstance(part, type):
                yield from every_section(part)


def test_every_option_says_what_it_is_for():
    for section in every_section():
        for field in dataclasses.fields(section):
            reason = field.metadata["description"]
            assert reason.endswith("."), (section, field.name)
            assert len(reason) > 10, (section, field.name)
