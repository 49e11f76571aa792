"""A plain header is one that no mending step would change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.complete import mend_syntax
from relay.mail.eight_bit import seven_bit
from relay.mail.long_lines import fold
from relay.mail.once import reduce_duplicates
from relay.mail.plain import is_plain
from relay.mail.shape import _without_hidden
from relay.model.content import Field

PLAIN = (
    b"From: Tickets <tickets@example.com>\r\n",
    b"To: someone@example.org,\r\n\tanother@example.org\r\n",
    b"Subject: Re: a test: with colons\r\n",
    b"Content-Type: text/plain;\r\n charset=utf-8\r\n",
)
STEPS = (_without_hidden, mend_syntax, seven_bit, reduce_duplicates, fold)


def read(raws):
    return tuple(Field(raw) for raw in raws)


def test_an_ordinary_header_is_plain():
    assert is_plain(read(PLAIN))


@pytest.mark.parametrize(
    "raw",
    [
        b"Bcc: hidden@example.org\r\n",
        b"X-SES-Tenant: x\r\n",
        b"x-Ses-anything:\r\n\tx\r\n",
        b"Return-Path: <a@example.com>\r\n",
        b"from: somebody.else@example.com\r\n",
        b"Reply-To:\r\n",
        b"Reply-To: \r\n",
        b"Reply-To :a@example.com\r\n",
        b"Reply-To\t:a@example.com\r\n",
        b"X-Folded: a\r\n \r\n b\r\n",
        b"X-Tab: a\x0bb\r\n",
        b"X-Page: a\x0cb\r\n",
        b"X-Name: J\xc3\xb6rg\r\n",
        b"X-Long: " + b"x " * 600 + b"x\r\n",
    ],
)
def test_whatever_a_step_might_change_is_not_plain(raw):
    assert not is_plain(read((*PLAIN, raw)))


names = st.sampled_from([b"From", b"Reply-To", b"Bcc", b"X-SES-A", b"X-Any", b"Date ", b"SENDER"])
values = st.lists(
    st.sampled_from([b"a", b" ", b"\t", b":", b"\r\n ", b"\r\n\t", b"\x0b", b"\xe9", b"x" * 999]),
    max_size=6,
).map(b"".join)
fields = st.lists(st.builds(lambda name, value: name + b":" + value + b"\r\n", names, values))


@given(fields)
def test_no_step_changes_a_plain_header(raws):
    header = read(raws)
    if is_plain(header):
        for step in STEPS:
            kept, changed = step(header)
            assert kept == header
            assert changed == ()
