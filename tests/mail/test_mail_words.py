from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.pieces import PIECE
from relay.mail.words import decode_raw, encoded, is_utf8, phrase

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(TEXT)
def test_words_are_short_and_decode_to_the_text(text):
    written = encoded(text)
    assert all(len(line.strip()) <= 75 for line in written.split(b"\r\n"))
    assert written.isascii()
    assert str(make_header(decode_header(written.decode()))) == text


def test_utf8_is_preferred_and_latin1_stands_in():
    assert decode_raw("Köln".encode()) == "Köln"
    assert decode_raw("Köln".encode("latin-1")) == "Köln"


@pytest.mark.parametrize(
    ("text", "written"),
    [("A B", b'"A B"'), ('A "B" \\', b'"A \\"B\\" \\\\"'), ("Ä", b"=?utf-8?b?w4Q=?=")],
)
def test_phrases(text, written):
    assert phrase(text) == written


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (b"", True),
        ("ü".encode() * PIECE, True),
        (b"x" + "ü".encode() * PIECE, True),
        ("ü".encode() * PIECE + b"\xc3", False),
        (b"\xff", False),
    ],
)
def test_large_texts_are_checked_across_pieces(octets, found):
    assert is_utf8(octets) is found
    assert is_utf8(memoryview(octets)) is found
