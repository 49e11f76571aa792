import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mail_examples import raws, read

from relay.mail.changes import Change
from relay.mail.refusal import Refusal
from relay.mail.split import COPY_BELOW, FIELD_LIMIT, HEADER_LIMIT, Reading, split


def made(reading):
    return [changed.change for changed in reading.changed]


def test_folding_is_kept_and_the_body_follows_the_empty_line():
    reading = read(b"A: 1\r\n folded\r\n\tagain\r\nB:2\r\n\r\nbody\r\n\r\nmore")
    assert raws(reading.content.fields) == [b"A: 1\r\n folded\r\n\tagain\r\n", b"B:2\r\n"]
    assert reading.content.body == b"body\r\n\r\nmore"
    assert reading.changed == ()


def test_a_large_body_is_a_view_on_what_was_received():
    octets = b"A: 1\r\n\r\n" + b"x" * COPY_BELOW
    assert read(octets).content.body.obj is octets


def test_a_message_may_have_no_header():
    assert read(b"\r\nbody").content.fields == ()
    assert read(b"\r\nbody").content.body == b"body"


@pytest.mark.parametrize("octets", [b"A: 1", b"A: 1\r\n", b"A: 1\r\n 2\r\n"])
def test_a_message_may_end_in_its_header(octets):
    reading = read(octets)
    assert raws(reading.content.fields) == [octets.removesuffix(b"\r\n") + b"\r\n"]
    assert reading.content.body == b""
    assert made(reading) == [Change.HEADER_END]


def test_nothing_at_all_is_an_empty_message():
    assert read(b"").content.octets() == b"\r\n"


@pytest.mark.parametrize("line", [b"From a@b Sat Nov 21", b">From a@b"])
def test_a_mailbox_line_at_the_top_is_dropped(line):
    reading = read(line + b"\r\nA: 1\r\n\r\nbody")
    assert raws(reading.content.fields) == [b"A: 1\r\n"]
    assert made(reading) == [Change.MBOX_LINE]


@pytest.mark.parametrize(
    "line", [b"no colon", b"non\xc3\xa4scii: x", b"two words: x", b" starts with a blank"]
)
def test_the_first_line_that_is_no_field_begins_the_body(line):
    tail = line + b"\r\nB: 2\r\n\r\nend"
    reading = read(b"\r\n".join([b"A: 1", tail]) if line[:1] != b" " else tail)
    assert reading.content.body == tail
    assert made(reading) == [Change.HEADER_END]


@pytest.mark.parametrize(
    "hidden", [b"Bcc: x", b"bcc : x", b"X-SES-Anything: x", b"Return-Path: <x>", b"Bounces-to:"]
)
def test_a_hidden_field_never_comes_to_light_in_the_body(hidden):
    found = split(b"A: 1\r\nbroken\r\nB: 2\r\n" + hidden + b"\r\n\r\nbody")
    assert isinstance(found, Refusal)
    name = hidden.partition(b":")[0].decode()
    assert found.reply.text == f"Header line 2 is not a field, and '{name}' follows it"


@pytest.mark.parametrize("line", [b": x", b":", b" \t: x"])
def test_a_field_needs_a_name(line):
    octets = b"A: 1\r\n" * (line[:1] == b":") + line + b"\r\n\r\n"
    found = split(octets)
    assert isinstance(found, Refusal)
    assert found.reply.code == 554


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"A: " + b"x" * HEADER_LIMIT + b"\r\n\r\n", "552 5.3.4"),
        (b"A: x\r\n" * 60_000 + b"\r\n", "552 5.3.4"),
        (b"A: " + b"x" * 2_000_000, "552 5.3.4"),
        (b"A: x\r\n" * (FIELD_LIMIT + 1) + b"\r\n", "554 5.6.0"),
    ],
)
def test_a_huge_header_is_refused(octets, reply):
    found = split(octets)
    assert isinstance(found, Refusal)
    assert str(found.reply).startswith(reply)


def test_the_limits_themselves_are_taken():
    assert len(read(b"A: x\r\n" * FIELD_LIMIT + b"\r\n").content.fields) == FIELD_LIMIT
    header = b"A: " + b"x" * (HEADER_LIMIT - 3)
    assert read(header + b"\r\n\r\nbody").content.body == b"body"


def test_a_long_text_without_header_is_all_body():
    octets = b"line\r\n" * 100_000
    assert bytes(read(octets).content.body) == octets


ATOMS = st.sampled_from(
    [b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b"A", b"Bcc: x", b"From ", b"a: b", b"\xff", b"-"]
)


@given(st.lists(ATOMS, max_size=30).map(b"".join))
@example(b"From \r\n")
@example(b"From x")
def test_nothing_is_lost_or_invented(octets):
    reading = split(octets)
    if isinstance(reading, Refusal):
        assert reading.reply.permanent
        return
    assert isinstance(reading, Reading)
    joined = reading.content.octets()
    if reading.changed == ():
        assert joined == octets or (octets == b"" and joined == b"\r\n")
    else:
        assert bytes(reading.content.body) in octets
        assert all(field.raw.removesuffix(b"\r\n") in octets for field in reading.content.fields)
