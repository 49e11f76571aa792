import pytest
from mail_examples import fields, read

from relay.mail.signatures import covered, surviving

SIGNATURE = b"DKIM-Signature: v=1; d=x; h=From : To:\r\n Subject ; b=AA\r\n"
REST = b"From: a@x\r\nTo: b@x\r\nSubject: s\r\nX-Free: y\r\n\r\nbody"


def test_the_covered_names_are_read():
    assert covered(read(SIGNATURE + REST).content.fields[0]) == {b"from", b"to", b"subject"}
    assert covered(fields("DKIM-Signature: v=1; bh=x; sh=y")[0]) == frozenset()


def test_a_lone_signature_over_what_stays_survives():
    received = read(SIGNATURE + REST).content
    shaped = received.with_fields((*fields("Received: x", "Date: y"), *received.fields[:-1]))
    assert surviving(received, shaped) is received.fields[0]


@pytest.mark.parametrize("name", [b"Date", b"message-id", b"Return-Path", b"X-SES-Foo"])
def test_ses_breaks_signatures_over_what_it_replaces(name):
    content = read(SIGNATURE.replace(b"To", name) + REST).content
    assert surviving(content, content) is None


def test_two_signatures_are_one_too_many():
    content = read(SIGNATURE * 2 + REST).content
    assert surviving(content, content) is None


def test_a_signature_that_says_nothing_is_worth_nothing():
    content = read(b"DKIM-Signature: nonsense\r\n" + REST).content
    assert surviving(content, content) is None


def test_a_change_to_what_it_covers_breaks_it():
    received = read(SIGNATURE + REST).content
    added = received.with_fields((*received.fields, *fields("To: c@x")))
    changed = received.with_fields((*received.fields[:2], *fields("To: c@x")))
    other_body = read(SIGNATURE + REST + b"!").content
    for shaped in (added, changed, other_body):
        assert surviving(received, shaped) is None
