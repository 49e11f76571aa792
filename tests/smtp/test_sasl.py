"""SASL exchanges: what is asked, and what comes out."""

import hashlib
import hmac
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model import replies
from relay.model.settings import Mechanism
from relay.smtp.sasl import LONGEST_NAME, Digest, Secret, decode, exchange


async def run(mechanism, initial, *answers, challenge=b"<1@relay.test>"):
    asked = []
    given_answers = iter(answers)

    async def ask(octets):
        asked.append(octets)
        return next(given_answers)

    return asked, await exchange(mechanism, initial, ask, challenge)


async def test_plain():
    assert await run(Mechanism.PLAIN, b"\0name\0pass word") == ([], Secret("name", b"pass word"))
    assert await run(Mechanism.PLAIN, None, b"\0n\0p") == ([b""], Secret("n", b"p"))
    assert await run(Mechanism.PLAIN, b"n\0n\0p") == ([], Secret("n", b"p"))


@pytest.mark.parametrize(
    ("initial", "reply"),
    [
        (b"", replies.AUTH_MALFORMED),
        (b"name\0pass", replies.AUTH_MALFORMED),
        (b"\0a\0b\0c", replies.AUTH_MALFORMED),
        (b"\0\xff\0p", replies.AUTH_MALFORMED),
        (b"\0" + b"n" * (LONGEST_NAME + 1) + b"\0p", replies.AUTH_MALFORMED),
        (b"boss\0n\0p", replies.AUTH_BAD),
    ],
)
async def test_plain_refuses(initial, reply):
    assert await run(Mechanism.PLAIN, initial) == ([], reply)


async def test_login():
    asked, proof = await run(Mechanism.LOGIN, None, b"name", b"pw")
    assert (asked, proof) == ([b"Username:", b"Password:"], Secret("name", b"pw"))
    assert await run(Mechanism.LOGIN, b"name", b"pw") == ([b"Password:"], Secret("name", b"pw"))


@pytest.mark.parametrize("answers", [(replies.AUTH_CANCELLED,), (b"name", replies.AUTH_CANCELLED)])
async def test_login_cancelled(answers):
    assert (await run(Mechanism.LOGIN, None, *answers))[1] == replies.AUTH_CANCELLED


async def test_cram_md5():
    digest = hmac.new(b"pw", b"<1@relay.test>", hashlib.md5).hexdigest()
    asked, proof = await run(Mechanism.CRAM_MD5, None, f"a name {digest.upper()}".encode())
    assert asked == [b"<1@relay.test>"]
    assert proof == Digest("a name", b"<1@relay.test>", digest)
    assert (await run(Mechanism.CRAM_MD5, b"x"))[1] == replies.SYNTAX
    assert (await run(Mechanism.CRAM_MD5, None, b"x"))[1] == replies.AUTH_MALFORMED


def test_decode():
    assert decode(b64encode(b"a\0b")) == b"a\0b"
    assert decode(b"=") == b""
    assert decode(b"*") == replies.AUTH_CANCELLED
    assert decode(b"a b") == replies.AUTH_MALFORMED


@given(text=st.binary(max_size=40))
def test_no_text_raises(text):
    assert isinstance(decode(text), bytes | type(replies.AUTH_BAD))


def test_secrets_are_not_shown():
    assert "hunter2" not in repr(Secret("n", b"hunter2")) + repr(Digest("n", b"c", "hunter2"))
