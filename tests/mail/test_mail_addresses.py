import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.addresses import mailboxes
from relay.model.address import Address, AddressFault


def found(value):
    return [str(box.address) for box in mailboxes(value)]


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        (b"", []),
        (b" , ,", []),
        (b"a@b.c", ["a@b.c"]),
        (b"<a@b.c>", ["a@b.c"]),
        (b"Name <a@b.c>", ["a@b.c"]),
        (b'"A, B" <a@b.c>, c@d.e', ["a@b.c", "c@d.e"]),
        (b'"A \\" <x@y>" <a@b.c>', ["a@b.c"]),
        (b"a@b.c (Name)", ["a@b.c"]),
        (b"(x (nested, @) y) a@b.c", ["a@b.c"]),
        (b"a(comment)@b.c", ["a@b.c"]),
        (b"a @ b . c", ["a@b.c"]),
        (b"< a@b.c >", ["a@b.c"]),
        (b"group: a@b.c, d@e.f;", ["a@b.c", "d@e.f"]),
        (b"group: a@b.c;, d@e.f", ["a@b.c", "d@e.f"]),
        (b"nobody:;", []),
        (b"<@r.x,@s.y:a@b.c>", ["a@b.c"]),
        (b'"quoted local"@b.c', ['"quoted local"@b.c']),
        (b"=?utf-8?q?a=2C?= <a@b.c>", ["a@b.c"]),
        (b"a@b.c; d@e.f", ["a@b.c", "d@e.f"]),
    ],
)
def test_addresses_are_found(value, addresses):
    assert found(value) == addresses


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b"root", AddressFault.NO_DOMAIN),
        (b"A B a@b.c", AddressFault.BAD_LOCAL_PART),
        (b"<>", AddressFault.EMPTY),
        (b"<a@b.c> x@y.z", AddressFault.BAD_LOCAL_PART),
        (b"a@b@c", AddressFault.BAD_LOCAL_PART),
        (b"a@[192.0.2.1]", AddressFault.BAD_DOMAIN),
        ("ä@b.c".encode(), AddressFault.NON_ASCII),
        (b'"unclosed <a@b.c>', AddressFault.BAD_LOCAL_PART),
        (b"<a@b.c", None),
    ],
)
def test_what_is_no_address_is_not_overlooked(value, fault):
    (box,) = mailboxes(value)
    assert box.address == fault or (fault is None and isinstance(box.address, Address))


def test_an_address_cannot_hide_as_the_name_of_a_group():
    hidden, shown = mailboxes(b"evil@b.c: a@b.c;")
    assert hidden.address is AddressFault.BAD_DOMAIN
    assert shown.address == Address("a", "b.c")


@pytest.mark.parametrize(
    "value",
    [b"a@b.c <evil@d.e>", b"<evil@d.e> (a@b.c)", b'"a@b.c" <evil@d.e>', b"(<a@b.c>) evil@d.e"],
)
def test_only_what_ses_would_take_for_the_address_counts(value):
    assert found(value) == ["evil@d.e"]


def test_two_addresses_in_one_entry_are_none():
    (box,) = mailboxes(b"<a@b.c> <evil@d.e>")
    assert isinstance(box.address, AddressFault)


def test_the_display_name_stays_as_it_stands():
    assert [box.display for box in mailboxes(b'"A, B" <a@b.c>, C  D <c@d.e>, e@f.g')] == [
        '"A, B"',
        "C  D",
        "",
    ]


MARKS = st.sampled_from([*b'"\\()<>,:;@.[] \t\xe4a'])


@given(st.lists(MARKS, max_size=40).map(bytes))
def test_nothing_raises(value):
    for box in mailboxes(value):
        assert isinstance(box.address, Address | AddressFault)


@pytest.mark.parametrize(
    "mark", [b"(", b"[", b'"', b"<", b'\\"', b"[\\[", b"a,", b"(a)", b":", b"<a@b> "]
)
def test_long_runs_are_read_in_one_pass(mark):
    # A quadratic reader would not come back from these.
    mailboxes(mark * 50_000)
