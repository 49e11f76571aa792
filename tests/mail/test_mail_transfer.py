import base64 as library
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.pieces import PIECE, pieces
from relay.mail.transfer import base64, quoted_printable, unquoted, wrapped

TEXTS = st.lists(
    st.sampled_from([b"\r\n", b" ", b"\t", b"=", b".", b"a" * 90, "ü".encode(), b"From "])
).map(b"".join)


def lines(octets):
    return [len(line) for line in octets.split(b"\r\n")]


@given(TEXTS)
def test_quoted_printable_decodes_to_the_same(text):
    written = quoted_printable(text)
    assert written is not None
    assert quopri.decodestring(written) == text
    assert unquoted(written) == text
    assert max(lines(written)) <= 76
    assert written.isascii()
    assert not any(line.endswith((b" ", b"\t")) for line in written.split(b"\r\n"))


@pytest.mark.parametrize("blank", [b" ", b"\t"])
@pytest.mark.parametrize("size", range(70, 80))
def test_a_blank_at_the_end_of_a_full_line_makes_no_line_of_77(size, blank):
    text = b"a" * size + blank + b"\r\nFrom here\r\n"
    written = quoted_printable(text)
    assert quopri.decodestring(written) == text
    assert max(lines(written)) <= 76


def test_text_of_many_pieces():
    text = ("ü " * 40 + "\r\n").encode() * 10_000
    written = quoted_printable(memoryview(text))
    assert written is not None
    assert quopri.decodestring(written) == text


def test_a_line_longer_than_a_piece_is_no_text():
    assert quoted_printable(b"x" * (PIECE + 1) + b"\r\n") is None


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 57 * 4096, 57 * 4096 + 1, 1_000_000])
def test_base64_has_lines_of_76(size):
    octets = bytes(n % 251 for n in range(size))
    written = base64(memoryview(octets))
    assert library.b64decode(written) == octets
    assert max(lines(written)) <= 76
    assert all(length == 76 for length in lines(written)[:-1])
    assert wrapped(written) == written
    assert wrapped(written.replace(b"\r\n", b"")) == written


def test_odd_lines_of_base64_are_made_regular():
    octets = b"QUJD\r\nREVG" * 50
    assert library.b64decode(wrapped(octets)) == library.b64decode(octets)


@given(TEXTS)
def test_pieces_are_the_whole(text):
    assert b"".join(pieces(text)) == text


def test_pieces_are_cut_behind_line_ends():
    body = (b"x" * 100_000 + b"\r\n") * 7 + b"y" * PIECE * 3 + b"\r\nz"
    cut = list(pieces(memoryview(body)))
    assert b"".join(cut) == body
    assert all(piece.endswith(b"\n") for piece in cut[:-1])
    assert sorted(len(piece) > PIECE for piece in cut) == [False] * (len(cut) - 1) + [True]
