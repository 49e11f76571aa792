import pytest
from mail_examples import fields, raws, read

from relay.mail.author import Authors, read_authors, rewrite_from, set_default_from
from relay.mail.refusal import Refusal
from relay.model.address import Address

DEVICE = Address("device", "example.com")


def authors(octets, default=None):
    result = read_authors(read(octets).content, default)
    return result if isinstance(result, Refusal) else [str(address) for address in result.all]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b"From: A <a@x.com>\r\n", ["a@x.com"]),
        (b"From: a@x.com, b@y.com\r\nSender: c@z.com\r\n", ["a@x.com", "b@y.com", "c@z.com"]),
        (b"From: team: a@x.com, b@y.com;\r\n", ["a@x.com", "b@y.com"]),
        (b"From: a@x.com\r\nFrom: evil@y.com\r\n", ["a@x.com", "evil@y.com"]),
        ("From: Jörg <a@bücher.example>\r\n".encode(), ["a@xn--bcher-kva.example"]),
        (b"From : a@x.com\r\n", ["a@x.com"]),
    ],
)
def test_every_author_is_seen(header, found):
    assert authors(header + b"\r\n") == found


@pytest.mark.parametrize(
    ("header", "reply"),
    [
        (b"", "554 5.6.0 The message has no From header"),
        (b"From:\r\n", "554 5.6.0 The message has no From header"),
        (b"From: nobody:;\r\n", "554 5.6.0 The message has no From header"),
        (b"From: root\r\n", "554 5.6.0 From cannot be sent: 'root'"),
        (b"From: a@x.com, root\r\n", "554 5.6.0 From cannot be sent: 'root'"),
        (b"From: a@x.com\r\nSender: b@\r\n", "554 5.6.0 Sender cannot be sent: 'b@'"),
        ("From: jörg@x.com\r\n".encode(), "553 5.6.7"),
    ],
)
def test_what_ses_could_not_send_is_refused(header, reply):
    found = authors(header + b"\r\n")
    assert isinstance(found, Refusal)
    assert str(found.reply).startswith(reply)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("Subject: x",), [b"Subject: x\r\n", b"From: device@example.com\r\n"]),
        (("From:", "A: b"), [b"From: device@example.com\r\n", b"A: b\r\n"]),
        (("From: scanner",), [b'From: "scanner" <device@example.com>\r\n']),
        (('From: "HP 9"',), [b'From: "HP 9" <device@example.com>\r\n']),
        (("From: <>",), [b"From: device@example.com\r\n"]),
        (("From: a@x.com",), [b"From: a@x.com\r\n"]),
    ],
)
def test_the_default_author_stands_in_where_there_is_no_address(lines, expected):
    given = fields(*lines)
    result, changed = set_default_from(given, DEVICE)
    assert raws(result) == expected
    assert bool(changed) == (result is not given)
    assert authors(b"".join(raws(given)) + b"\r\n", DEVICE) == [
        str(address) for address in read_authors(read(b"").content.with_fields(result)).all
    ]


def test_the_default_author_never_hides_a_bad_address_beside_a_good_one():
    assert isinstance(authors(b"From: a@x.com, root\r\n\r\n", DEVICE), Refusal)
    assert isinstance(authors("From: ä@x.com\r\n\r\n".encode(), DEVICE), Refusal)


def test_without_a_default_nothing_is_set():
    given = fields("Subject: x")
    assert set_default_from(given, None) == (given, ())


def test_rewriting_keeps_the_name_and_leads_answers_to_the_author():
    given = fields('From: "A, B"\r\n <a@other.com>', "Subject: x", "Sender: s@other.com")
    result, changed = rewrite_from(given, DEVICE)
    assert raws(result) == [
        b'From: "A, B" <device@example.com>\r\n',
        b"Subject: x\r\n",
        b'Reply-To: "A, B"\r\n <a@other.com>\r\n',
        b'X-Original-From: "A, B"\r\n <a@other.com>\r\n',
    ]
    assert [str(made) for made in changed] == ["rewrite-from: device@example.com"]


def test_rewriting_respects_a_reply_to():
    result, _ = rewrite_from(fields("Reply-To: r@x.com", "From: a@other.com"), DEVICE)
    assert raws(result) == [
        b"Reply-To: r@x.com\r\n",
        b"From: device@example.com\r\n",
        b"X-Original-From: a@other.com\r\n",
    ]


def test_rewriting_to_the_same_author_changes_nothing():
    given = fields("From: D <device@example.com>")
    assert rewrite_from(given, DEVICE) == (given, ())
    assert rewrite_from(given, None) == (given, ())


def test_all_holds_authors_and_senders():
    both = Authors((DEVICE,), (Address("s", "x.com"),))
    assert both.all == (DEVICE, Address("s", "x.com"))
