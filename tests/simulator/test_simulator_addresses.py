import pytest

from relay.simulator.addresses import BadAddress, Mailbox, mailbox, mailboxes


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("", []),
        ("a@b.example", ["a@b.example"]),
        ("A B <a@b.example>", ["a@b.example"]),
        ('"Doe, Jane" <jane@b.example>, c@d.example', ["jane@b.example", "c@d.example"]),
        ('"quote \\" comma, <x>" <a@b.example>', ["a@b.example"]),
        ("(a comment, (nested)) a@b.example", ["a@b.example"]),
        ("team: a@b.example, c@d.example; , e@f.example", 3 * [None]),
        ("undisclosed-recipients:;", []),
        ('"two words"@b.example', ['"two words"@b.example']),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
        ("a@[IPv6:2001:db8::1]", ["a@[IPv6:2001:db8::1]"]),
        ("a@xn--bcher-kva.example", ["a@xn--bcher-kva.example"]),
        ("=?utf-8?q?J=C3=B6?= <a@b.example>", ["a@b.example"]),
        ("J\u00f6 <a@b.example>", ["a@b.example"]),
    ],
)
def test_lists_of_mailboxes_and_groups(value, addresses):
    found = mailboxes(value)
    assert not isinstance(found, BadAddress)
    if None in addresses:
        assert len(found) == len(addresses)
    else:
        assert [box.address for box in found] == addresses


def test_a_mailbox_keeps_how_it_was_written():
    assert mailbox(' "Doe, J" <J@B.Example> ') == Mailbox('"Doe, J" <J@B.Example>', "J@B.Example")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("nobody", "Missing final '@domain'"),
        ("@b.example", "Missing local name"),
        ("<>", "Illegal address"),
        ("<a@b.example", "Illegal address"),
        ('"a@b.example', "Illegal address"),
        ("(a@b.example", "Illegal address"),
        ("<a@b.example> <c@d.example>", "Extra route-addr"),
        ("a b@b.example", "Local address contains control or whitespace"),
        ("a\tb@b.example", "Local address contains control or whitespace"),
        ('"a\x01b"@b.example', "Local address contains control or whitespace"),
        ("a@b@c.example", "Local address contains illegal character"),
        ("a\\b@c.example", "Local address contains illegal character"),
        (".a@b.example", "Illegal address"),
        ("a..b@b.example", "Illegal address"),
        ("a@b example", "Domain contains control or whitespace"),
        ("a@b_c.example", "Illegal address"),
        ("a@localhost", "Invalid email address"),
        ("a@b..example", "Invalid email address"),
        ("a@b.example.", "Invalid email address"),
        (f"{'a' * 65}@b.example", "Invalid email address"),
        (f"a@{'b' * 64}.example", "Invalid email address"),
        (f"a@{'b.' * 128}example", "Invalid email address"),
        ("j\u00f6@b.example", "There are non-ASCII characters in the email address"),
        ("a@b\u00fccher.example", "There are non-ASCII characters in the email address"),
    ],
)
def test_bad_addresses_are_refused_in_the_words_of_ses(value, text):
    assert mailboxes(value) == BadAddress(text)


@pytest.mark.parametrize("value", ["", "a@b.example, c@d.example", "group:;"])
def test_a_parameter_is_one_mailbox(value):
    assert mailbox(value) == BadAddress("Illegal address")


def test_one_bad_address_spoils_the_list():
    assert mailboxes("a@b.example, nobody") == BadAddress("Missing final '@domain'")


def test_a_long_list_is_read_in_one_pass():
    assert len(mailboxes(", ".join(["a@b.example"] * 20_000))) == 20_000
