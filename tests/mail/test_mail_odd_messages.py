"""Odd messages as a whole: what comes out is what came in, but for the changes that are named."""

from collections import Counter
from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_examples import NOW, read, shaped, shaped_or_refused, shaping, signers, without_trace
from odd_messages import CPYTHON, ODD, REFUSED

from relay.mail.changes import Change
from relay.mail.complete import mend_syntax
from relay.mail.headers import ONCE_ONLY, is_hidden
from relay.mail.long_lines import has_long_line
from relay.mail.refusal import Refusal
from relay.mail.shape import Shaped, shape
from relay.mail.split import Reading, split

MESSAGES = [*ODD, *CPYTHON]
# Changes that replace a body, or set another end to the header.
BODY_CHANGES = {Change.LONG_LINES, Change.EIGHT_BIT_BODY, Change.LONG_HEADER, Change.HEADER_END}
ids = [name for name, _ in MESSAGES]


def test_there_are_enough_of_them():
    assert len(ODD) >= 200
    assert len({name for name, _ in MESSAGES}) == len(MESSAGES)


def fit_for_ses(content):
    """Say what SES would refuse a message for."""
    names = Counter(field.name for field in content.fields)
    faults = [name for name, count in names.items() if count > 1 and name in ONCE_ONLY]
    faults += [field.raw for field in content.fields if is_hidden(field.raw)]
    faults += [field.raw for field in content.fields if not field.raw.isascii()]
    faults += [b"line"] * has_long_line(content.octets())
    faults += [b"empty To"] * any(not field.value for field in content.named(b"to"))
    return faults


@pytest.mark.parametrize(("name", "octets"), MESSAGES, ids=ids)
def test_only_named_changes_are_made(name, octets):
    result = shaped_or_refused(octets, signers=signers())
    if isinstance(result, Refusal):
        assert name.startswith("cpython_"), result
        assert result.reply.permanent
        return
    assert fit_for_ses(result.content) == []
    made = {changed.change for changed in result.changed}
    received = read(octets).content
    if not made & BODY_CHANGES:
        assert octets.endswith(bytes(result.content.body))
    # Fields may go, come or change only with a name for it.
    before = Counter(field.raw for field in received.fields)
    after = Counter(field.raw for field in result.content.fields)
    touched = {str(changed).partition(": ")[2].lower() for changed in result.changed}
    for raw in (before - after) | (after - before):
        field = raw.partition(b":")[0].rstrip(b" \t").decode().lower()
        assert field in touched or _made_by(field) & made, raw


def _made_by(field):
    return {
        "received": {Change.RECEIVED},
        "dkim-signature": {Change.SIGNED, Change.SIGNATURE_REMOVED},
        "date": {Change.DATE},
        "message-id": {Change.MESSAGE_ID},
        "mime-version": {Change.MIME_VERSION},
        "references": {Change.THREADING},
        "content-transfer-encoding": {Change.LONG_LINES},
        "content-type": {Change.LONG_LINES},
    }.get(field, set())


@pytest.mark.parametrize(("name", "octets"), REFUSED, ids=[name for name, _ in REFUSED])
def test_some_are_refused_politely(name, octets):
    result = shaped_or_refused(octets)
    assert isinstance(result, Refusal), name
    assert result.reply.permanent
    assert 10 < len(result.reply.text) <= 480


@pytest.mark.parametrize(("name", "octets"), ODD, ids=[name for name, _ in ODD])
def test_shaping_its_own_output_changes_nothing(name, octets):
    # An id that the relay gave is the client's own the second time, and would be referred to.
    threading = b"message-id" in octets.lower()
    first = without_trace(shaped(octets, threading=threading).content)
    second = shape(read(first.octets()), shaping(threading=threading))
    assert isinstance(second, Shaped), second
    assert without_trace(second.content).octets() == first.octets()
    assert {made.change for made in second.changed} <= {Change.RECEIVED}


@pytest.mark.parametrize(("name", "octets"), ODD, ids=[name for name, _ in ODD])
def test_a_mail_program_reads_the_same_text_and_files(name, octets):
    result = shaped(octets)
    # Python reads obsolete syntax in a way of its own; what it makes of the mended header counts.
    received = read(octets).content
    octets = received.with_fields(mend_syntax(received.fields)[0]).octets()
    assert _payloads(result.content.octets()) == _payloads(octets)


def _payloads(octets):
    return [
        part.get_payload(decode=True)
        for part in message_from_bytes(octets).walk()
        if not part.is_multipart()
    ]


PIECES = st.sampled_from(
    [
        *(b"From: a@example.com", b"To: ", b"Subject: x", b": ", b"\r\n", b"\r\n\r\n", b" ", b"\t"),
        *(b"Content-Type: multipart/mixed; boundary=x\r\n", b"\r\n--x\r\n", b"--x--", b"x" * 999),
        *(
            b"Content-Transfer-Encoding: base64",
            b"\xff",
            "ü".encode(),
            b'"',
            b"(",
            b"<",
            b">",
            b",",
        ),
        *(b"Bcc: x", b"Reply-To: ", b"References: <1@x>", b"Message-ID: <2@x>", b"Received: x\r\n"),
        *(
            b"Content-Disposition: attachment; filename=",
            b"DKIM-Signature: h=from",
            b"MIME-Version:",
        ),
    ]
)


@given(st.lists(PIECES, max_size=25).map(b"".join), st.booleans())
def test_no_input_raises(octets, seven_bit_body):
    reading = split(b"From: a@example.com\r\n" + octets)
    if isinstance(reading, Reading):
        result = shape(reading, shaping(seven_bit_body=seven_bit_body, signers=signers()))
        if isinstance(result, Shaped):
            assert fit_for_ses(result.content) == []
            assert result.content.fields[-1].raw.endswith(b"\r\n")


@given(st.binary(max_size=200))
def test_no_octets_raise(octets):
    reading = split(octets)
    if isinstance(reading, Reading):
        assert isinstance(shape(reading, shaping(now=NOW)), Shaped | Refusal)
