"""Parameters of MAIL and RCPT: what they mean, and what they may not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model import replies
from relay.model.envelope import Notify, Ret
from relay.model.ports import MailParameters
from relay.model.reply import Reply
from relay.smtp.parameters import read_mail, read_rcpt


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("", MailParameters()),
        ("SIZE=0", MailParameters(size=0)),
        ("size=99 body=8bitmime", MailParameters(size=99)),
        ("AUTH=<>", MailParameters()),
        ("RET=full ENVID=a+2Bb", MailParameters(ret=Ret.FULL, envid="a+2Bb")),
    ],
)
def test_mail(words, meaning):
    assert read_mail(words.split(), dsn=True) == meaning


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        ("SIZE", replies.SYNTAX),
        ("SIZE=\uff11", replies.SYNTAX),
        ("SIZE=1 size=1", replies.SYNTAX),
        ("BODY=BINARYMIME", replies.SYNTAX),
        ("AUTH", replies.SYNTAX),
        ("RET=", replies.SYNTAX),
        ("ENVID=" + "a" * 101, replies.SYNTAX),
        ("ENVID=a=b", replies.SYNTAX),
        ("SMTPUTF8", replies.PARAMETER_UNKNOWN),
        ("NOTIFY=NEVER", replies.PARAMETER_UNKNOWN),
        ("=", replies.PARAMETER_UNKNOWN),
    ],
)
def test_mail_refuses(words, reply):
    assert read_mail(words.split(), dsn=True) == reply


@pytest.mark.parametrize("word", ["RET=FULL", "ENVID=x"])
def test_dsn_is_refused_where_it_is_not_offered(word):
    assert read_mail([word], dsn=False) == replies.PARAMETER_UNKNOWN


def test_rcpt():
    assert read_rcpt([], dsn=True) == (frozenset(), None)
    both = frozenset({Notify.SUCCESS, Notify.DELAY})
    words = ["NOTIFY=success,delay", "ORCPT=rfc822;a+2Bb@c.example"]
    assert read_rcpt(words, dsn=True) == (both, "rfc822;a+2Bb@c.example")


@pytest.mark.parametrize(
    ("word", "reply"),
    [
        ("NOTIFY", replies.SYNTAX),
        ("NOTIFY=SOMETIMES", replies.SYNTAX),
        ("NOTIFY=NEVER,DELAY", replies.SYNTAX),
        ("ORCPT=a@b", replies.SYNTAX),
        ("ORCPT=rfc822;" + "a" * 501, replies.SYNTAX),
        ("SIZE=1", replies.PARAMETER_UNKNOWN),
    ],
)
def test_rcpt_refuses(word, reply):
    assert read_rcpt([word], dsn=True) == reply


@given(words=st.lists(st.text(max_size=30), max_size=4), dsn=st.booleans())
def test_no_words_raise(words, dsn):
    assert isinstance(read_mail(words, dsn=dsn), MailParameters | Reply)
    assert isinstance(read_rcpt(words, dsn=dsn), tuple | Reply)
