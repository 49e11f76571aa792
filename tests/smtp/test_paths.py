"""Paths: strict and kind reading, IDN, and that nothing the peer sends can raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model import replies
from relay.model.address import Address
from relay.model.reply import Reply
from relay.smtp.paths import Path, PathRules, read_path, read_recipient, read_sender

STRICT = PathRules()
KIND = PathRules(strict=False, default_domain="example.com")


@pytest.mark.parametrize(
    ("argument", "path", "parameters"),
    [
        ("FROM:<a@b.example>", "a@b.example", ()),
        ("from:<a@b.example> SIZE=1  BODY=7BIT", "a@b.example", ("SIZE=1", "BODY=7BIT")),
        ('FROM:<"a>b"@c.example>', '"a>b"@c.example', ()),
        ('FROM:<"a\\"b"@c.example>', '"a\\"b"@c.example', ()),
        ("FROM:<>", "", ()),
    ],
)
def test_a_path_is_taken_apart(argument, path, parameters):
    assert read_path(argument, "FROM", STRICT) == Path(path, parameters)


@pytest.mark.parametrize(
    "argument",
    ["", "FROM", "TO:<a@b>", "FROM:a@b", "FROM: <a@b>", "FROM:<a@b", "FROM:<a@b>X", "FROM:<<a@b>>"],
)
def test_strictly_it_is_no_path(argument):
    assert read_path(argument, "FROM", STRICT) == replies.SYNTAX


@pytest.mark.parametrize(
    "argument", ["FROM: <a@b.example> X=1", "FROM:a@b.example X=1", "from:  a@b.example   X=1"]
)
def test_kindly_it_is_one(argument):
    assert read_path(argument, "FROM", KIND) == Path("a@b.example", ("X=1",))


def test_a_long_quoted_path_takes_linear_time():
    octets = 'FROM:<"' + '\\"' * 1000 + "a" * 1000
    assert read_path(octets, "FROM", KIND) == replies.SYNTAX


def test_senders():
    assert read_sender("", STRICT) is None
    assert read_sender("a@b.example", STRICT) == Address("a", "b.example")
    assert read_sender("a@bücher.example", STRICT) == Address("a", "xn--bcher-kva.example")
    assert read_sender("jörg@b.example", STRICT) == replies.NON_ASCII_ADDRESS
    refused = read_sender("root", KIND)
    assert isinstance(refused, Reply)
    assert str(refused).startswith("553 5.1.7 Bad sender address: ")


def test_recipients():
    assert read_recipient("root", KIND) == Address("root", "example.com")
    assert read_recipient("a@b.example.", KIND) == Address("a", "b.example")
    assert read_recipient("@x.example:a@b.example", KIND) == Address("a", "b.example")
    for wrong in ("", "root", "a@", "@b", "a@b.example.", "@x:a@b"):
        refused = read_recipient(wrong, STRICT)
        assert isinstance(refused, Reply)
        assert refused.enhanced == "5.1.3"


@given(octets=st.binary(max_size=80), strict=st.booleans())
def test_no_octets_raise(octets, strict):
    text = octets.decode("utf-8", "surrogateescape")
    rules = PathRules(strict=strict)
    path = read_path(f"TO:{text}", "TO", rules)
    assert isinstance(path, Path | Reply)
    for found in (read_sender(text, rules), read_recipient(text, rules)):
        if isinstance(found, Address):
            assert str(found).isascii()
        elif isinstance(found, Reply):
            str(found).encode("ascii")
