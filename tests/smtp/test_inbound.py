"""The buffer between the wire and the session."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.smtp.inbound import ENDED, HIGH_WATER, TOO_LONG, Inbound

LIMIT = 16


@pytest.fixture
async def inbound():
    return Inbound(asyncio.get_running_loop())


async def test_lines(inbound):
    inbound.add(b"one\r\ntw")
    assert inbound.take_line(LIMIT) == b"one\r\n"
    assert inbound.take_line(LIMIT) is None
    inbound.add(b"o\n")
    assert inbound.take_line(LIMIT) == b"two\n"


async def test_a_line_that_is_too_long_is_dropped_to_its_end(inbound):
    inbound.add(b"x" * 1000)
    assert inbound.take_line(LIMIT) is None
    assert len(inbound) < LIMIT
    inbound.add(b"x" * 1000 + b"\nnext\n")
    assert inbound.take_line(LIMIT) is TOO_LONG
    assert inbound.take_line(LIMIT) == b"next\n"


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=8))
def test_lines_stay_in_step_however_they_are_cut(lines):
    async def story():
        whole, single = (Inbound(asyncio.get_running_loop()) for _ in range(2))
        octets = b"".join(line + b"\n" for line in lines)
        whole.add(octets)
        taken = []
        for at in range(len(octets)):
            single.add(octets[at : at + 1])
            line = single.take_line(LIMIT)
            if line is not None:
                taken.append(line)
        assert taken == [whole.take_line(LIMIT) for _ in lines]
        for line, found in zip(lines, taken, strict=True):
            assert found == (line + b"\n" if len(line) < LIMIT else TOO_LONG)

    asyncio.run(story())


async def test_taking_and_putting_back(inbound):
    inbound.add(b"abc")
    assert inbound.take() == b"abc"
    assert len(inbound) == 0
    inbound.add(b"ef")
    inbound.put_back(b"d")
    assert inbound.take() == b"def"


async def test_it_says_when_it_is_full(inbound):
    inbound.add(b"x" * (HIGH_WATER + 1))
    assert inbound.full
    inbound.clear()
    assert not inbound.full


async def test_the_end_wakes_whoever_waits(inbound):
    waiting = asyncio.create_task(inbound.more())
    await asyncio.sleep(0)
    inbound.end()
    assert await waiting is None
    assert await inbound.more() is ENDED
    assert inbound.ended


async def test_reading_as_aiosmtpd_does(inbound):
    inbound.add(b"PROXY x\r\nrest")
    assert await inbound.readexactly(5) == b"PROXY"
    assert await inbound.readuntil() == b" x\r\n"
    assert await inbound.read(100) == b"rest"
    inbound.end()
    assert await inbound.read(1) == b""
    with pytest.raises(EOFError):
        await inbound.readexactly(1)
    with pytest.raises(EOFError):
        await inbound.readuntil()


async def test_a_header_that_never_ends_is_not_kept(inbound):
    inbound.add(b"x" * 300)
    with pytest.raises(EOFError):
        await inbound.readuntil()
