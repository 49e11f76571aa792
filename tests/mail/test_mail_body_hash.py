import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.body_hash import body_hash
from relay.mail.pieces import PIECE


def plainly(body):
    """Canonicalise word for word as RFC 6376 §3.4.3 says, and hash."""
    lines = body.split(b"\r\n")
    while lines and not lines[-1]:
        lines.pop()
    canonical = b"".join(line + b"\r\n" for line in lines) or b"\r\n"
    return base64.b64encode(hashlib.sha256(canonical).digest())


def test_the_hash_of_nothing_is_that_of_rfc_6376():
    # RFC 6376 §3.4.3 prints it.
    assert body_hash(b"") == b"frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="
    assert body_hash(b"\r\n\r\n\r\n") == body_hash(b"")
    assert body_hash(b" \r\n") != body_hash(b"")


MARKS = st.sampled_from([b"\r\n", b" ", b"\t", b"a", b"  ", b"word"])


@given(st.lists(MARKS, max_size=60).map(b"".join))
def test_it_agrees_with_the_rfc_word_for_word(body):
    assert body_hash(body) == plainly(body)
    assert body_hash(memoryview(body)) == plainly(body)


@pytest.mark.parametrize(
    "body",
    [
        b"x" * (PIECE - 1) + b"\r\n" + b"y",
        b"x" * (PIECE - 2) + b"\r\n\r\n\r\ny\r\n\r\n",
        b"x" * (PIECE * 2 + 7) + b" \r\n",
        (b" \t " * 20 + b"\r\n") * 20_000 + b"end  ",
        b"\r\n" * PIECE + b"x",
        b"x\r\n" + b"\r\n" * PIECE,
        b" " * PIECE * 2,
    ],
)
def test_it_agrees_across_pieces(body):
    assert body_hash(memoryview(body)) == plainly(body)
