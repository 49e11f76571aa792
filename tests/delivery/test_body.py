"""Bodies made in pieces equal bodies made at once, and the event loop breathes meanwhile."""

import asyncio
import base64
import hashlib
import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.body import ONE_PIECE, STEP, form_body, json_body
from relay.model.content import Content, Field


def content_of(header, body):
    """Give a message whose header has exactly so many octets."""
    frame = len(b"X: \r\n")
    return Content((Field(b"X: " + b"x" * (header - frame) + b"\r\n"),), body)


async def sent(body):
    payload = body.payload
    return payload if isinstance(payload, bytes) else b"".join([piece async for piece in payload])


def check(content):
    async def story():
        expected = b"A=b&Data=" + quote_plus(base64.b64encode(content.octets())).encode()
        form = await form_body(b"A=b&Data=", content)
        assert await sent(form) == expected
        assert form.size == len(expected)
        assert form.sha256 == hashlib.sha256(expected).hexdigest()
        body = await json_body(b'{"Data": "', content, b'"}')
        octets = await sent(body)
        assert base64.b64decode(json.loads(octets)["Data"], validate=True) == content.octets()
        assert body.size == len(octets)
        assert body.sha256 == hashlib.sha256(octets).hexdigest()

    asyncio.run(story())


@given(st.integers(5, 200), st.binary(max_size=300))
def test_small_messages(header, body):
    check(content_of(header, body))


EDGES = [0, 1, 2, 3, STEP - 1, STEP, STEP + 1, 2 * STEP + 1]


@pytest.mark.parametrize("body", EDGES)
@pytest.mark.parametrize("header", [5, 6, 7, STEP - 3, STEP - 2, STEP - 1, 2 * STEP + 5])
def test_sizes_around_the_edges_of_pieces(header, body):
    octets = (bytes(range(256)) * (body // 256 + 1))[:body]
    check(content_of(header, octets))


def test_a_body_that_is_a_view_on_the_octets_received():
    received = bytearray(b"skipped" + bytes(range(256)) * 2000)
    check(content_of(7, memoryview(received)[7:]))


async def test_the_event_loop_breathes_between_pieces():
    breaths = 0

    async def breathe():
        nonlocal breaths
        while True:
            await asyncio.sleep(0)
            breaths += 1

    breathing = asyncio.create_task(breathe())
    body = await form_body(b"", content_of(5, b"x" * (21 * STEP)))
    assert breaths >= 20
    # No piece keeps the loop longer than encoding so many octets takes: about a millisecond.
    assert max(map(len, body.pieces)) <= 3 * STEP * 4 / 3
    breathing.cancel()


async def test_a_large_body_is_sent_piece_by_piece():
    body = await json_body(b"", content_of(5, b"x" * ONE_PIECE), b"")
    assert not isinstance(body.payload, bytes)
