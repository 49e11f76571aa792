from dataclasses import replace

import dkim
import pytest
from mail_examples import (
    NOW,
    key_lookup,
    raws,
    refused,
    rsa_key,
    shaped,
    shaped_or_refused,
    signers,
    without_trace,
    words,
)

from relay.mail.dkim import Signer
from relay.mail.headers import SesParameters
from relay.mail.refusal import Refusal
from relay.mail.signers import Signers
from relay.model.address import Address
from relay.model.settings import ExistingSignature, SesHeader

COMPLETE = (
    b"From: A <a@example.com>\r\nTo: b@example.org\r\nSubject: x\r\n"
    b"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@app>\r\n\r\nHello\r\n"
)


def header(result):
    return raws(without_trace(result.content).fields)


def test_a_message_that_needs_nothing_is_passed_on_octet_for_octet():
    result = shaped(COMPLETE, threading=False)
    assert without_trace(result.content).octets() == COMPLETE
    assert words(result) == []
    assert result.signed_by is None


def test_received_is_on_top_and_the_signature_above_it():
    names = [field.name for field in shaped(COMPLETE, signers=signers()).content.fields]
    assert names[:3] == [b"dkim-signature", b"received", b"from"]


def test_no_recipient_is_named_by_the_relay():
    octets = shaped(COMPLETE, threading=False).content.octets()
    assert octets.count(b"b@example.org") == 1


def test_what_is_signed_is_what_is_sent():
    result = shaped(COMPLETE, signers=signers())
    assert dkim.verify(result.content.octets(), dnsfunc=key_lookup)
    assert result.signed_by == "s1/example.com"
    assert words(result) == ["threading: <1@app>", "signed: s1/example.com"]


def test_hidden_fields_go_with_their_folded_lines():
    octets = (
        b"Bcc: s@x,\r\n t@x\r\nX-SES-TENANT: t\r\nBounces-To: z\r\nRETURN-PATH: <>\r\n" + COMPLETE
    )
    result = shaped(octets, threading=False)
    assert without_trace(result.content).octets() == COMPLETE
    assert words(result) == [
        "bcc: bcc",
        "ses-header: x-ses-tenant",
        "bounce-address: bounces-to",
        "bounce-address: return-path",
    ]
    assert result.ses == SesParameters()


def test_ses_headers_become_parameters_where_the_user_may():
    octets = b"X-SES-CONFIGURATION-SET: mine\r\nX-SES-MESSAGE-TAGS: a=b\r\n" + COMPLETE
    result = shaped(octets, ses_headers=tuple(SesHeader))
    assert result.ses == SesParameters("mine", (("a", "b"),))
    assert b"x-ses" not in result.content.octets().lower()
    assert "X-SES-MESSAGE-TAGS" in refused(
        b"X-SES-MESSAGE-TAGS: a\r\n" + COMPLETE, ses_headers=(SesHeader.MESSAGE_TAGS,)
    )


def test_authors_come_back_for_policy_and_scopes():
    result = shaped(b"Sender: s@example.com\r\n" + COMPLETE)
    assert [str(address) for address in result.authors.all] == ["a@example.com", "s@example.com"]


def test_the_clients_message_id_comes_back():
    assert shaped(COMPLETE).message_id == "<1@app>"
    bare = shaped(COMPLETE.replace(b"<1@app>", b"1@app"))
    assert bare.message_id == "<1@app>"
    without = shaped(COMPLETE.replace(b"Message-ID: <1@app>\r\n", b""))
    assert without.message_id == "<q1@relay.example.com>"
    assert without.content.first(b"references") is None


def test_threading_can_be_switched_off():
    assert shaped(COMPLETE).content.first(b"references").value == b"<1@app>"
    assert shaped(COMPLETE, threading=False).content.first(b"references") is None


def test_rules_add_and_remove_before_anything_else():
    result = shaped(
        COMPLETE,
        threading=False,
        add_headers=(("X-Env", "prüfung"), ("X-SES-Evil", "x"), ("Bcc", "y@x")),
        remove_headers=("subject", "X-Missing"),
    )
    assert header(result)[-1] == b"X-Env: =?utf-8?b?cHLDvGZ1bmc=?=\r\n"
    assert result.content.first(b"subject") is None
    assert result.content.first(b"bcc") is None
    assert words(result)[:2] == ["rule-removed: subject", "rule-added: X-Env"]


def test_rewriting_and_default_authors():
    author = Address("relay", "example.com")
    result = shaped(COMPLETE, threading=False, rewrite_from=author, signers=signers())
    assert result.content.first(b"from").value == b"A <relay@example.com>"
    assert result.content.first(b"reply-to").value == b"A <a@example.com>"
    assert result.authors.authors == (author,)
    device = shaped(b"Subject: x\r\n\r\n", default_from=author)
    assert device.content.first(b"from").value == b"relay@example.com"


def test_a_message_without_author_is_refused():
    assert refused(b"Subject: x\r\n\r\n") == "554 5.6.0 The message has no From header"


def test_the_size_counts_what_is_sent():
    size = shaped(COMPLETE, signers=signers()).content.size
    assert isinstance(shaped_or_refused(COMPLETE, signers=signers(), limit=size - 1), Refusal)
    assert shaped(COMPLETE, signers=signers(), limit=size).content.size == size
    assert refused(COMPLETE, limit=100).startswith("552 5.3.4")


def test_8_bit_bodies_stay_unless_asked_for():
    octets = COMPLETE.replace(b"Hello", "Grüße".encode())
    assert without_trace(shaped(octets, threading=False).content).octets() == octets
    result = shaped(octets, seven_bit_body=True)
    assert result.content.octets().isascii()
    assert result.content.first(b"mime-version").value == b"1.0"


OLD = b"DKIM-Signature: v=1; d=other.example; h=From:To:Subject; b=AAAA\r\n"
DATED = OLD.replace(b"Subject", b"Date")


def with_existing(existing):
    signer = Signer(domain="example.com", selector="s1", key=rsa_key(), existing=existing)
    return Signers({"example.com": (signer,)})


def signatures(result):
    return [field.raw for field in result.content.named(b"dkim-signature")]


@pytest.mark.parametrize(
    ("old", "existing", "kept", "signed"),
    [
        (OLD, ExistingSignature.REPLACE, False, True),
        (OLD, ExistingSignature.KEEP, True, False),
        (OLD, None, True, False),
        (DATED, ExistingSignature.KEEP, False, True),
        (DATED, None, False, False),
        (OLD + OLD, ExistingSignature.KEEP, False, True),
        (OLD + OLD, ExistingSignature.REPLACE, False, True),
    ],
)
def test_existing_signatures(old, existing, kept, signed):
    chosen = Signers() if existing is None else with_existing(existing)
    result = shaped(old + COMPLETE, signers=chosen)
    assert (OLD in signatures(result)) is kept
    assert len(signatures(result)) == kept + signed
    assert (result.signed_by is not None) is signed
    assert ("signature-removed" in words(result)) is not kept


def test_an_existing_signature_can_be_refused():
    chosen = with_existing(ExistingSignature.REFUSE)
    assert "DKIM-Signature" in refused(OLD + COMPLETE, signers=chosen)
    assert shaped(COMPLETE, signers=chosen).signed_by == "s1/example.com"


def test_a_signature_that_shaping_breaks_is_not_kept():
    over_references = OLD.replace(b"Subject", b"References")
    result = shaped(over_references + COMPLETE, signers=with_existing(ExistingSignature.KEEP))
    assert result.signed_by == "s1/example.com"


def test_where_ses_signs_no_signature_is_sent():
    result = shaped(OLD + COMPLETE, signers=None)
    assert signatures(result) == []
    assert words(result)[-1] == "signature-removed"


def test_the_key_is_chosen_for_the_author_after_rewriting():
    octets = COMPLETE.replace(b"a@example.com", b"a@foreign.example")
    assert shaped(octets, signers=signers()).signed_by is None
    result = shaped(octets, signers=signers(), rewrite_from=Address("r", "sub.example.com"))
    assert result.signed_by == "s1/example.com"


def test_a_key_that_is_not_active_does_not_sign():
    later = Signer(domain="example.com", selector="s1", key=rsa_key(), active_until=NOW)
    assert shaped(COMPLETE, signers=Signers({"example.com": (later,)})).signed_by is None
    now = replace(later, active_until=None, active_from=NOW)
    assert shaped(COMPLETE, signers=Signers({"example.com": (now,)})).signed_by is not None
