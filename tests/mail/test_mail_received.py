from dataclasses import replace
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

import pytest
from mail_examples import CLIENT, HOSTNAME, NOW, read

from relay.mail.received import HOPS, loop, received
from relay.mail.refusal import Refusal
from relay.model.envelope import Tls


def written(**changed):
    return received(replace(CLIENT, **changed), HOSTNAME, "q1", NOW)


def test_the_whole_field():
    assert written().raw == (
        b"Received: from app.example.com ([192.0.2.1])\r\n"
        b"\tby relay.example.com with ESMTPSA\r\n"
        b"\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384)\r\n"
        b"\tid q1; Sat, 21 Nov 2026 12:00:00 +0000\r\n"
    )


@pytest.mark.parametrize(
    ("esmtp", "tls", "authenticated", "word"),
    [
        (False, False, False, b"SMTP"),
        (False, True, False, b"SMTP"),
        (True, False, False, b"ESMTP"),
        (True, True, False, b"ESMTPS"),
        (True, False, True, b"ESMTPA"),
        (True, True, True, b"ESMTPSA"),
    ],
)
def test_the_protocol_is_named(esmtp, tls, authenticated, word):
    field = written(esmtp=esmtp, tls=CLIENT.tls if tls else None, authenticated=authenticated)
    assert b" with " + word in field.raw.replace(b"\r\n\t", b" ").split(b" id ")[0]
    assert field.value.split(b" with ")[1].split()[0].partition(b"\t")[0] == word


def test_ipv6_and_local_sockets():
    assert b"([IPv6:2001:db8::1])" in written(address=ip_address("2001:db8::1")).raw
    assert b"from app.example.com (local socket)\r\n" in written(address=None).raw


@pytest.mark.parametrize("helo", ["", "evil)\r\nBcc: x", "x" * 5000, "(;\0\xe4", "[192.0.2.9]"])
def test_what_the_client_says_of_itself_cannot_break_the_field(helo):
    field = written(helo=helo, tls=Tls(version="v\r\n)", cipher="(c\0" * 100))
    assert field.raw.count(b"\r\n") == 4
    assert field.raw.isascii()
    assert all(len(line) < 400 for line in field.raw.split(b"\r\n"))
    assert parsedate_to_datetime(field.value.rpartition(b"; ")[2].decode()) == NOW


def test_a_hundred_hops_are_taken_and_one_more_is_a_loop():
    hop = b"Received: from a by b\r\n"
    assert loop(read(hop * HOPS + b"\r\n").content) is None
    found = loop(read(hop * (HOPS + 1) + b"\r\n").content)
    assert isinstance(found, Refusal)
    assert str(found.reply).startswith("554 5.4.6")
