"""Octets in, only documented replies out: no exception, no second message, nothing left behind.

Streams that once showed something, or that attack something known, are kept in
`tests/corpus/smtp`, one file each, with `\\n---\\n` between what is sent and then what is sent
when the server has answered.

The longest campaign so far, on 2026-11-21: 80,000 streams in nine minutes, one core shared with
others, no finding. `-m long` repeats 20,000 of them.
"""

import asyncio
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smtp_fakes import FakeReception, hashed_user, listening

from relay.model import replies
from relay.model.reply import Reply

CORPUS = sorted((Path(__file__).parents[1] / "corpus" / "smtp").glob("*.bin"))
KNOWN = {
    (known.code, known.enhanced) for known in vars(replies).values() if isinstance(known, Reply)
} | {(250, ""), (334, ""), (220, "")}
LINE = re.compile(rb"(\d{3})[ -](?:(\d\.\d\.\d{1,3}) )?[ -~]*\r\n")
MOST = 100_000  # octets of replies to one short stream

PIECES = [
    b"EHLO x\r\n", b"HELO x\r\n", b"MAIL FROM:<a@example.com>\r\n", b"MAIL FROM:<>\r\n",
    b"RCPT TO:<b@example.com>\r\n", b"DATA\r\n", b".\r\n", b"\r\n.\r\n", b"\n.\n", b"\r.\r",
    b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n", b"AUTH PLAIN\r\n", b"AUTH LOGIN\r\n", b"*\r\n",
    b"AUTH PLAIN AHRpY2tldHMAeA==\r\n", b"dGlja2V0cw==\r\n", b"STARTTLS\r\n", b"VRFY x\r\n",
    b"BDAT 5\r\n", b"\0", b"\r", b"\n", b"\x16\x03\x01", b"\xff\xfe", b"x" * 3000, b"MAIL FROM:<",
    b"SIZE=99999999999 ", b"NOTIFY=NEVER ORCPT=rfc822;x ", b'"', b"<" * 200, b"GET / HTTP/1.1\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
]  # fmt: skip
STREAMS = st.lists(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), min_size=1, max_size=6).map(
        b"".join
    ),
    min_size=1,
    max_size=8,
)


async def attack(chunks, **options):
    """Send chunks, giving the server its turn after each; give all it said."""
    reception = FakeReception(limit=10_000)
    async with listening(reception, users=[hashed_user()], **options) as opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        for chunk in chunks:
            writer.write(chunk)
            for _ in range(6):
                await asyncio.sleep(0)
        try:
            writer.write_eof()
            async with asyncio.timeout(20):
                said = await reader.read()
        except OSError:  # the server closed while we were still writing
            said = b""
        writer.close()
        async with asyncio.timeout(20):
            while opened.listeners.sessions:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0)
        assert not opened.log.named("relay.fault"), opened.log.named("relay.fault")
    check(said)
    assert all(transaction.closed for transaction in reception.transactions)
    for transaction in reception.received:
        assert transaction.octets.count(b"\n") == transaction.octets.count(b"\r\n")
        assert b"\0" not in transaction.octets
    return said


def check(said):
    assert len(said) < MOST
    if b"\x15\x03" in said:  # a TLS alert to whoever typed garbage into the handshake
        said = said[: said.index(b"\x15\x03")]
    at = 0
    while at < len(said):
        line = LINE.match(said, at)
        assert line, said[at : at + 80]
        assert (int(line[1]), (line[2] or b"").decode()) in KNOWN, line[0]
        at = line.end()


OPTIONS = st.sampled_from(
    [
        {},
        {"line_endings": "refuse"},
        {"strict_addresses": False, "default_domain": "example.com"},
        {"tls": "starttls"},
        {"tls": "starttls_required", "auth": "required"},
        {"proxy_protocol": True},
    ]
)


@settings(max_examples=50)
@given(chunks=STREAMS, options=OPTIONS)
def test_only_documented_replies(chunks, options):
    asyncio.run(attack(chunks, **options))


@pytest.mark.long
@settings(max_examples=20_000)
@given(chunks=STREAMS, options=OPTIONS)
def test_only_documented_replies_for_long(chunks, options):
    asyncio.run(attack(chunks, **options))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
@pytest.mark.parametrize("line_endings", ["mend", "refuse"])
async def test_corpus(path, line_endings):
    await attack(path.read_bytes().split(b"\n---\n"), line_endings=line_endings)


def test_the_corpus_is_there():
    assert len(CORPUS) >= 12
