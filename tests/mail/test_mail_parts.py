from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_examples import read

from relay.mail.long_lines import has_long_line
from relay.mail.parts import encode_parts
from relay.mail.refusal import Refusal
from relay.model.content import Content

LONG = b"A long line of words, " * 60


def encoded(octets, *, seven_bit=False):
    result = encode_parts(read(octets).content, seven_bit=seven_bit)
    assert not isinstance(result, Refusal), result
    return result


def refusal(octets):
    result = encode_parts(read(octets).content, seven_bit=True)
    assert isinstance(result, Refusal), result
    return str(result.reply)


def payloads(content):
    """Read what a mail program would show and save: leaf by leaf, decoded."""
    octets = content if isinstance(content, bytes) else content.octets()
    message = message_from_bytes(octets, policy=policy.compat32)
    return [
        (part.get_content_type(), part.get_filename(), part.get_payload(decode=True))
        for part in message.walk()
        if not part.is_multipart()
    ]


def test_what_needs_nothing_is_the_same_object():
    content = read(b"A: b\r\n\r\n" + b"x" * 998 + b"\r\n" + "ü".encode()).content
    assert encode_parts(content, seven_bit=False) == (content, ())


def test_text_becomes_quoted_printable():
    octets = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + LONG + "ü =\r\n. \r\n".encode()
    content, changed = encoded(octets)
    assert payloads(content) == payloads(octets)
    assert content.first(b"content-transfer-encoding").value == b"quoted-printable"
    assert [str(made) for made in changed] == ["long-lines: text/plain"]


def test_other_types_become_base64():
    octets = (
        b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n" + b"\xff" * 2000
    )
    content, _ = encoded(octets)
    assert payloads(content) == payloads(octets)
    assert [field.raw for field in content.fields] == [
        b"Content-Type: image/png\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
    ]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"base64", b"QUJD" * 500),
        (b"BASE64", b"QUJD" * 500),
        (b"quoted-printable", b"=3D=0A" * 300),
    ],
)
def test_long_lines_of_an_encoding_are_set_right(encoding, body):
    octets = b"Content-Type: a/b\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body
    content, _ = encoded(octets)
    assert payloads(content) == payloads(octets)
    assert not has_long_line(content.body)


def test_untyped_8_bit_text_gets_a_charset():
    assert encoded(b"A: b\r\n\r\n" + "ü".encode() * 600)[0].first(b"content-type").value == (
        b"text/plain; charset=utf-8"
    )
    assert encoded(b"A: b\r\n\r\n" + b"\xfc" * 1200)[0].first(b"content-type").value == (
        b"text/plain; charset=iso-8859-1"
    )
    assert encoded(b"A: b\r\n\r\n" + b"x" * 1200)[0].first(b"content-type") is None


def mixed(*parts):
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + body + b"--x--\r\n"


def test_only_the_part_that_needs_it_changes():
    short = b"Content-Type: text/html\r\nX-Odd : y\r\n\r\n<p> \t</p>  "
    name = b"Content-Disposition: attachment; filename=a.bin\r\nContent-Type: a/b\r\n\r\n"
    octets = mixed(short, name + b"\x01" * 2000, short)
    content, changed = encoded(octets)
    assert payloads(content) == payloads(octets)
    assert bytes(content.body).count(b"--x\r\n" + short + b"\r\n") == 2
    assert [str(made) for made in changed] == ["long-lines: a/b"]


def test_the_text_around_parts_is_dropped_when_too_long():
    octets = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n%b\r\n--x\r\n\r\none\r\n--x--\r\n%b"
    content, changed = encoded(octets % (LONG, LONG))
    assert bytes(content.body) == b"\r\n--x\r\n\r\none\r\n--x--\r\n"
    assert [str(made) for made in changed] == ["long-lines: text around the parts"] * 2


def test_a_long_part_header_is_folded():
    octets = mixed(b"Content-Description: " + LONG + b"\r\n\r\none", b"\r\ntwo")
    content, _ = encoded(octets)
    assert not has_long_line(content.body)
    assert payloads(content) == payloads(octets)


def test_parts_within_a_forwarded_message_are_encoded_there():
    octets = mixed(b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\n" + LONG)
    content, _ = encoded(octets)
    assert payloads(content) == payloads(octets)
    assert b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Transfer" in bytes(
        content.body
    )


@pytest.mark.parametrize(
    "octets",
    [
        b"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\n" + LONG + b"\r\n--x--",
        b"Content-Type: multipart/encrypted; boundary=x\r\n\r\n--x\r\n\r\n" + LONG + b"\r\n--x--",
        b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n" + LONG,
        b"Content-Type: a/b\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n" + LONG,
        b"Content-Type: message/partial\r\n\r\n" + LONG,
        b"Content-Type: multipart/mixed\r\n\r\n" + LONG,
    ],
)
def test_what_must_not_change_is_refused_with_the_reason(octets):
    assert refusal(octets).startswith("554 5.6.3")
    assert "998 octets" in refusal(octets)


def test_8_bit_content_is_encoded_only_on_request():
    octets = mixed("\r\nü".encode(), b"\r\nplain", b"Content-Type: a/b\r\n\r\n\xff")
    assert encoded(octets)[1] == ()
    content, changed = encoded(octets, seven_bit=True)
    assert bytes(content.body).isascii()
    assert payloads(content) == payloads(octets)
    assert [str(made) for made in changed] == [
        "eight-bit-body: text/plain",
        "eight-bit-body: a/b",
    ]


def test_8_bit_content_under_a_seal_stays():
    octets = b"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\n\xfc\r\n--x--"
    content, changed = encoded(octets, seven_bit=True)
    assert changed == ()
    assert content.octets() == octets


PIECES = st.sampled_from(
    [
        b"x" * 1000,
        b"short line",
        "ü ö".encode(),
        b"",
        b" ",
        b"= ",
        b".",
        b"y " * 700,
        b"--z",
        b"From ",
    ]
)
TYPES = st.sampled_from([b"text/plain; charset=utf-8", b"text/html", b"image/png", b"a/b"])


@given(st.lists(st.tuples(TYPES, st.lists(PIECES, max_size=5).map(b"\r\n".join)), max_size=4))
def test_a_decoder_gets_the_same(parts):
    octets = mixed(*[b"Content-Type: " + kind + b"\r\n\r\n" + body for kind, body in parts])
    for seven_bit in (False, True):
        content, _ = encoded(octets, seven_bit=seven_bit)
        assert isinstance(content, Content)
        assert payloads(content) == payloads(octets)
        assert not has_long_line(content.body)
        again = encode_parts(content, seven_bit=seven_bit)
        assert again == (content, ())


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_a_body_that_ended_with_a_line_end_still_does(end):
    octets = b"Content-Type: image/png\r\n\r\n" + b"\xff" * 2000 + end
    content, _ = encoded(octets)
    assert payloads(content) == payloads(octets)
    assert bytes(content.body).endswith(b"\r\n") == bool(end)
