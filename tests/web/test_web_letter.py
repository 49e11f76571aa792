"""Taking messages apart for reading, however odd they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_world import EVIL, LETTER

from relay.web.letter import MOST_OCTETS, Attachment, read, read_fields


def test_a_letter_has_fields_text_html_and_attachments():
    letter = read(LETTER)
    assert letter.field("subject") == f"Résumé {EVIL}"
    assert letter.field("From") == "Jürgen <juergen@example.com>"
    assert letter.field("Cc") == ""
    assert letter.text == f"Grüße {EVIL}"
    assert letter.html.startswith("<p onclick")
    assert letter.attachments == (Attachment(f"{EVIL}.pdf", "application/pdf", 3),)
    assert not letter.cut


def test_a_view_reads_like_octets():
    assert read(memoryview(LETTER)) == read(LETTER)
    assert read_fields(memoryview(LETTER)).fields == read(LETTER).fields


def test_a_plain_message_is_text():
    assert read(b"Subject: x\r\n\r\nHello\r\n").text == "Hello\r\n"


def test_an_enclosed_message_is_an_attachment():
    inner = b"Subject: inner\r\n\r\nHi\r\n"
    letter = read(b"Content-Type: message/rfc822\r\n\r\n" + inner)
    assert letter.text is None
    assert letter.attachments[0].kind == "message/rfc822"


def test_a_text_with_a_file_name_is_an_attachment():
    raw = b'Content-Type: text/plain; name="a.txt"\r\n\r\nx'
    assert read(raw).attachments == (Attachment("a.txt", "text/plain", 1),)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"Subject: =?nonsense?b?!!!?=\r\n\r\n",
        b"Subject: =?utf-8?b?A?=\r\n\r\n",
        b"Subject: caf\xe9\r\n\r\ncaf\xe9",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\nx",
        b"Content-Type: text/plain; charset=\xff\r\n\r\nx",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: application/x; name*0*=nonsense''%ff; name*1=x\r\n\r\n",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!",
        b"Content-Disposition: attachment; filename*=x\r\n\r\n",
        b"Content-Type: text/plain; charset=rot13\r\n\r\nx",
        b"Content-Type: text/plain; charset*=''\r\n\r\nx",
    ],
)
def test_odd_messages_are_shown_somehow(raw):
    letter = read(raw)
    assert letter.fields == read_fields(raw).fields


def test_parts_within_parts_without_end_are_shown_by_their_fields():
    raw = b"Subject: deep\r\n"
    for number in range(3000):
        raw += b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (number, number)
    assert read(raw).field("Subject") == "deep"


def test_a_huge_message_is_cut():
    letter = read(b"Subject: big\r\n\r\n" + b"x" * (2 * MOST_OCTETS))
    assert letter.cut
    assert len(letter.text) < MOST_OCTETS


def test_fields_and_parts_without_number_are_cut():
    letter = read(b"A: b\r\n" * 2000 + b"\r\n")
    assert (len(letter.fields), letter.cut) == (500, True)
    parts = b"--a\r\nContent-Type: image/png\r\n\r\n\r\n" * 300
    letter = read(b'Content-Type: multipart/mixed; boundary="a"\r\n\r\n' + parts)
    assert (len(letter.attachments), letter.cut) == (100, True)


WORDS = st.sampled_from(
    [
        *(b"Content-Type: ", b"multipart/mixed", b"text/plain", b"; boundary=", b"charset", b"*"),
        *(b"Content-Disposition: attachment", b"; filename", b"Content-Transfer-Encoding: "),
        *(
            b"base64",
            b"uuencode",
            b"message/rfc822",
            b"message/delivery-status",
            b"message/partial",
        ),
        *(b"Subject: ", b"=?", b"utf-8", b"?b?", b"?=", b"\r\n", b"--", b"a", b'"', b"%", b"0"),
        *(b"''", b"\xff", b" "),
    ]
)


@given(st.lists(st.one_of(WORDS, st.binary(max_size=3)), max_size=40).map(b"".join))
def test_nothing_a_peer_writes_breaks_the_page(raw):
    assert read(raw).fields == read_fields(raw).fields
