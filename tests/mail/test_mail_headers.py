import pytest
from mail_examples import fields

from relay.mail.headers import ONCE_ONLY, SesParameters, is_hidden, parse_tags, ses_parameters
from relay.mail.refusal import Refusal
from relay.model.settings import SesHeader


def test_the_list_is_that_of_ses():
    assert len(ONCE_ONLY) == 60
    assert {b"dkim-signature", b"references", b"acceptlanguage", b"vbr-info"} <= ONCE_ONLY
    assert not {b"to", b"cc", b"received"} & ONCE_ONLY


@pytest.mark.parametrize(
    "raw", [b"Bcc: x", b"RESENT-BCC:x", b"Bounces-To : x", b"x-ses-\t: x", b"Return-Path: <>"]
)
def test_hidden_fields_are_known_in_every_spelling(raw):
    assert is_hidden(raw)


@pytest.mark.parametrize("raw", [b"To: Bcc: x", b"X-SES: x", b"Bccc: x", b"no colon"])
def test_other_fields_are_not_hidden(raw):
    assert not is_hidden(raw)


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        (b"a=b", (("a", "b"),)),
        (b"a=b, c-d=e_f,g=1", (("a", "b"), ("c-d", "e_f"), ("g", "1"))),
        (b" a = b ", (("a", "b"),)),
        (b"", None),
        (b"a", None),
        (b"a=", None),
        (b"=b", None),
        (b"a=b,", None),
        (b"a=b;c=d", None),
        (b"a=b, a=c", None),
        (b"a=b c", None),
        (b"a=\xc3\xa4", None),
        (b"a=" + b"x" * 257, None),
    ],
)
def test_tags_are_read_strictly(value, tags):
    assert parse_tags(value) == tags


def test_only_what_the_user_may_set_is_taken():
    given = fields(
        "X-SES-CONFIGURATION-SET: mine", "X-Ses-Message-Tags: a=b,\r\n c=d", "X-SES-TENANT: t"
    )
    assert ses_parameters(given, ()) == SesParameters()
    assert ses_parameters(given, (SesHeader.MESSAGE_TAGS,)) == SesParameters(
        tags=(("a", "b"), ("c", "d"))
    )
    assert ses_parameters(given, tuple(SesHeader)) == SesParameters(
        "mine", (("a", "b"), ("c", "d"))
    )


def test_the_first_instance_counts():
    given = fields("X-SES-CONFIGURATION-SET: one", "X-SES-CONFIGURATION-SET: two")
    assert ses_parameters(given, tuple(SesHeader)) == SesParameters("one")


@pytest.mark.parametrize("line", ["X-SES-CONFIGURATION-SET: a b", "X-SES-MESSAGE-TAGS: a:b"])
def test_a_malformed_field_is_refused_by_name(line):
    found = ses_parameters(fields(line), tuple(SesHeader))
    assert isinstance(found, Refusal)
    assert line.partition(":")[0] in found.reply.text
