"""Odd mail goes through: SES gets the octets of the client, but for the changes that are named."""

import re

import pytest
from named_changes import faults_of
from odd_messages import CPYTHON, ODD, REFUSED
from relay_world import MAIL, relaying, settings, simulated

# The replies that refuse a message for what it is, each with the words that say why.
REASONS = re.compile(
    r"552 5\.3\.4 The header is longer than \d+ octets"
    r"|553 5\.6\.7 An address in the header has non-ASCII characters"
    r"|554 5\.4\.6 Mail loop: too many Received fields"
    r"|554 5\.6\.0 (The message has no From header"
    r"|From cannot be sent: '.*': the address (has no domain after '@'|is empty)"
    r"|Duplicate header '(From|Subject)'"
    r"|Header field without a name: '.*'"
    r"|Header line \d+ is not a field, and '.*' follows it"
    r"|Header '.*' has a line of more than 998 octets"
    r"|The header has more than 1000 fields"
    r"|The message has more than 500 MIME parts"
    r"|MIME parts are nested deeper than 50)"
    r"|554 5\.6\.1 Attachment '.*': Amazon SES takes no files of type '.*'"
    r"|554 5\.6\.3 Part \d+ is signed or encrypted and has lines of more than 998 octets"
)
# What the relay leaves as it is and SES refuses, in SES's words.
WORDS_OF_SES = re.compile(
    r"55[34] 5\.\d\.\d Amazon SES: (Local address contains illegal character"
    r"|Missing (final '@domain'|start boundary)|Expected '=', got 'null')"
)
REFUSED_BY_SES = re.compile(r"(route|odd_type)-\w+|multipart_no_(parts|boundary)|cpython_msg_\d+")
# Authors of CPython's messages write from domains that this account owns.
DOMAINS = frozenset(
    domain.decode().lower()
    for _, octets in CPYTHON
    for domain in re.findall(rb"@([A-Za-z0-9.-]+[A-Za-z])", octets)
)


def as_received(octets):
    """Give what a server has after unstuffing: the last line is ended, even if it was not."""
    return octets if octets.endswith(b"\r\n") or not octets else octets + b"\r\n"


def unexplained(refused):
    """Give those of the refusals that no documented reason is given for."""
    return {
        name: reply
        for name, reply in refused.items()
        if not REASONS.fullmatch(reply)
        and not (REFUSED_BY_SES.fullmatch(name) and WORDS_OF_SES.fullmatch(reply))
    }


async def go_through(messages):
    """Send each of them; gives what was refused, and the faults of the others."""
    refused, faults = {}, {}
    async with (
        simulated(identities=DOMAINS | {"example.com"}) as ses,
        relaying(settings(ses.url)) as world,
    ):
        for name, octets in messages:
            ses.simulator.mailbox.clear()
            reply = await world.send(octets)
            if not reply.startswith("250 2.0.0 Ok "):
                refused[name] = reply
                assert not ses.messages
                continue
            [message] = ses.messages
            assert reply.endswith(message.id)
            if found := faults_of(as_received(octets), message.raw):
                faults[name] = found
    return refused, faults


def test_there_are_enough_of_them():
    assert len(ODD) + len(CPYTHON) >= 200


async def test_every_odd_message_arrives_with_named_changes_alone():
    refused, faults = await go_through(ODD)
    assert faults == {}
    assert unexplained(refused) == {}
    assert {name for name in refused if not REFUSED_BY_SES.fullmatch(name)} == set()


@pytest.mark.skipif(not CPYTHON, reason="this Python came without its own tests")
async def test_the_messages_of_cpythons_own_tests_arrive_or_are_refused_with_a_reason():
    refused, faults = await go_through(CPYTHON)
    assert faults == {}
    assert unexplained(refused) == {}
    assert len(refused) < len(CPYTHON) / 3


async def test_refused_messages_leave_the_session_in_step():
    async with simulated() as ses, relaying(settings(ses.url)) as world, world.line() as line:
        for name, octets in REFUSED:
            reply = await line.send(octets)
            assert REASONS.fullmatch(reply), (name, reply)
            assert not ses.messages, name
            assert (await line.send(MAIL)).startswith("250 2.0.0 Ok "), name
            ses.simulator.mailbox.clear()


async def test_a_header_of_a_megabyte_is_politely_refused():
    big = MAIL.replace(b"Subject:", b"X-Big: " + b"word " * 200_000 + b"\r\nSubject:")
    async with simulated() as ses, relaying(settings(ses.url)) as world, world.line() as line:
        assert (await line.send(big)).startswith("552 5.3.4 The header is longer than ")
        assert (await line.send(MAIL)).startswith("250 2.0.0 Ok ")
        assert len(ses.messages) == 1


async def test_a_message_of_ten_mebibytes_changes_its_api_and_nothing_else():
    body = (b"0123456789abcdef" * 4 + b"\r\n") * 170_000
    async with simulated() as ses, relaying(settings(ses.url)) as world:
        assert (await world.send(MAIL + body)).startswith("250 2.0.0 Ok ")
        [message] = ses.messages
        assert message.api == "v2"
        assert faults_of(MAIL + body, message.raw) == []


TRACE = b"Received: from x by y; z\r\n"


@pytest.mark.parametrize(
    "arrived",
    [
        MAIL,
        TRACE + MAIL + b"\r\n",
        TRACE + MAIL.replace(b"It works", b"It  works"),
        TRACE + MAIL.replace(b"Subject: Hello", b"Subject: hello"),
        TRACE + MAIL.replace(b"Subject: Hello\r\n", b""),
        TRACE + MAIL.replace(b"\r\n\r\n", b"\r\nBcc: secret@example.org\r\n\r\n"),
        TRACE + MAIL.replace(b"\r\n\r\n", b"\r\nX-Mailer: ses-relay\r\n\r\n"),
        TRACE + MAIL.replace(b"\r\n\r\n", b"\r\nReferences: <somebody@else>\r\n\r\n"),
        TRACE + b"Subject: Hello\r\n" + MAIL.replace(b"Subject: Hello\r\n", b""),
        TRACE + MAIL.replace(b"\r\n\r\n", b"\r\n"),
    ],
)
def test_a_change_that_is_not_named_is_found(arrived):
    assert faults_of(MAIL, TRACE + MAIL) == []
    assert faults_of(MAIL, arrived) != []
