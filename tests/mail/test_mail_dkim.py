from dataclasses import replace
from datetime import timedelta

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from mail_examples import NOW, fields, key_lookup, read, rsa_key

from relay.mail.dkim import OVERSIGNED, SIGNED, Signer
from relay.mail.dkim_keys import generate_ed25519
from relay.model.content import Content
from relay.model.settings import ExistingSignature

SIGNER = Signer(domain="example.com", selector="s1", key=rsa_key())
MESSAGE = (
    b"From: A <a@example.com>\r\nTo: b@example.org\r\nSubject: x\r\n"
    b"Date: today\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n"
)


def tags(signature):
    return {
        name.strip(): value.replace(b" ", b"")
        for name, _, value in (tag.partition(b"=") for tag in signature.value.split(b";"))
    }


def signed(octets, signer=SIGNER):
    content = read(octets).content
    signature = signer.sign(content, NOW)
    return content.with_fields((signature, *content.fields))


def verifies(content):
    return dkim.verify(content.octets(), dnsfunc=key_lookup)


def test_dkimpy_verifies_the_signature():
    assert verifies(signed(MESSAGE))


def test_the_tags():
    found = tags(signed(MESSAGE).fields[0])
    assert found[b"v"] == b"1"
    assert found[b"a"] == b"rsa-sha256"
    assert found[b"c"] == b"relaxed/simple"
    assert (found[b"d"], found[b"s"]) == (b"example.com", b"s1")
    assert found[b"t"] == str(int(NOW.timestamp())).encode()
    assert b"l" not in found


def test_what_ses_changes_is_not_signed():
    octets = (
        b"Return-Path: <x>\r\nReceived: x\r\nAuthentication-Results: x\r\nBounces-To: x\r\n"
        b"X-SES-Foo: x\r\nFeedback-ID: x\r\n" + MESSAGE
    )
    names = tags(signed(octets).fields[0])[b"h"].split(b":")
    assert set(names) == set(OVERSIGNED)
    assert not {b"date", b"message-id", b"return-path", b"bounces-to", b"received"} & SIGNED


def test_names_are_signed_as_often_as_they_occur_and_once_more():
    octets = b"To: 1@x\r\nTo: 2@x\r\nList-Id: l\r\nContent-Type: a/b\r\n" + MESSAGE
    names = tags(signed(octets).fields[0])[b"h"].split(b":")
    assert names.count(b"to") == 4
    assert names.count(b"from") == 2
    assert names.count(b"cc") == 1
    assert names.count(b"content-type") == 2
    assert names.count(b"list-id") == 1
    assert b"mime-version" not in names


@pytest.mark.parametrize(
    "added",
    ["From: evil@example.com", "Subject: y", "To: c@x", "Cc: c@x", "Reply-To: evil@example.com"],
)
def test_nobody_can_add_what_is_oversigned(added):
    content = signed(MESSAGE)
    for extended in ((*fields(added), *content.fields), (*content.fields, *fields(added))):
        assert not verifies(content.with_fields(extended))


def test_date_and_message_id_may_change_and_fields_may_be_folded_anew():
    octets = signed(MESSAGE).octets()
    rewritten = (
        octets.replace(b"Date: today", b"Date: tomorrow")
        .replace(b"<1@x>", b"<2@amazonses.com>")
        .replace(b"To: b@example.org", b"To:\r\n\tb@example.org")
    )
    assert dkim.verify(rewritten, dnsfunc=key_lookup)


@pytest.mark.parametrize(("old", "new"), [(b"Hello", b"Hallo"), (b"Subject: x", b"Subject: y")])
def test_other_changes_are_noticed(old, new):
    assert not dkim.verify(signed(MESSAGE).octets().replace(old, new), dnsfunc=key_lookup)


def test_a_large_body_is_signed_from_its_view():
    body = memoryview(b"line of text  with blanks \r\n" * 50_000)
    content = read(MESSAGE).content
    content = Content(content.fields, body)
    signature = SIGNER.sign(content, NOW)
    assert verifies(content.with_fields((signature, *content.fields)))


def test_many_fields_of_a_name_are_signed_in_one_field_of_short_lines():
    signature = signed(b"To: b@example.org\r\n" * 900 + MESSAGE).fields[0]
    assert max(map(len, signature.raw.split(b"\r\n"))) <= 78
    assert signature.value.count(b"to ") >= 900


def test_ed25519_signs_the_digest():
    key = generate_ed25519()
    key.private.public_key().verify(key.sign(b"d" * 32), b"d" * 32)
    with pytest.raises(InvalidSignature):
        key.private.public_key().verify(key.sign(b"d" * 32), b"e" * 32)
    signature = signed(MESSAGE, replace(SIGNER, key=key)).fields[0]
    assert tags(signature)[b"a"] == b"ed25519-sha256"
    assert len(tags(signature)[b"b"]) == 88


@pytest.mark.parametrize(
    ("begin", "end", "active"),
    [
        (None, None, True),
        (0, None, True),
        (1, None, False),
        (None, 0, False),
        (None, 1, True),
        (-1, 1, True),
        (-2, -1, False),
    ],
)
def test_a_key_signs_while_it_is_active(begin, end, active):
    def moment(days):
        return None if days is None else NOW + timedelta(days=days)

    signer = replace(SIGNER, active_from=moment(begin), active_until=moment(end))
    assert signer.active(NOW) is active


def test_an_existing_signature_is_replaced_unless_said_otherwise():
    assert SIGNER.existing is ExistingSignature.REPLACE
