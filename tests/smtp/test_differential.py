"""The same octets into stock aiosmtpd and into ours, in random segments: the same dialogue.

What is compared is what a client acts on: the class of each reply, in order, and the messages that
came through. Every difference that is meant stands in `DIFFERENCES`, with its reason; the streams
of the comparison keep clear of those and each of them is shown by a stream of its own.
"""

import asyncio
import itertools

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import given, settings
from hypothesis import strategies as st
from smtp_fakes import FakeReception, listening

# stream after EHLO → (stock, ours): what differs, and why it is meant.
DIFFERENCES = {
    "a recipient is not looked for behind a blank (RFC 5321 §3.3), unless the listener is kind": (
        [b"MAIL FROM: <a@example.com>"],
        ("250", "501"),
    ),
    "DSN parameters of RCPT are known (RFC 3461)": (
        [b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.com> NOTIFY=NEVER"],
        ("250 555", "250 250"),
    ),
    "DSN parameters of MAIL are known (RFC 3461)": (
        [b"MAIL FROM:<a@example.com> RET=HDRS ENVID=x"],
        ("555", "250"),
    ),
    "AUTH= of MAIL is known (RFC 4954 §5)": (
        [b"MAIL FROM:<a@example.com> AUTH=<>"],
        ("555", "250"),
    ),
    "a bare address is no address": (
        [b"MAIL FROM:<root>"],
        ("250", "553"),
    ),
    "an address literal has no identity at SES": (
        [b"MAIL FROM:<a@[192.0.2.1]>"],
        ("250", "553"),
    ),
    "a non-ASCII address is 553 5.6.7 and not an unknown command (RFC 6531 §3.7.4.2)": (
        ["MAIL FROM:<jörg@example.com>".encode()],
        ("500", "553"),
    ),
    "HELP is 214 (RFC 5321 §4.2.3)": (
        [b"HELP"],
        ("250", "214"),
    ),
    "STARTTLS where there is no TLS is not implemented, not broken": (
        [b"STARTTLS"],
        ("454", "502"),
    ),
    "DATA without an accepted recipient in a transaction is 554 (RFC 5321 §3.3)": (
        [b"MAIL FROM:<a@example.com>", b"DATA"],
        ("250 503", "250 554"),
    ),
    "aiosmtpd falls over `<` alone and tells the exception; VRFY checks no syntax here": (
        [b"VRFY <"],
        ("500", "252"),
    ),
    "the null path is no recipient": (
        [b"MAIL FROM:<a@example.com>", b"RCPT TO:<>"],
        ("250 250", "250 553"),
    ),
    "a command line may have 2048 octets": (
        [b"NOOP " + b"x" * 600],
        ("500", "250"),
    ),
}


class Kept:
    """Keeps what stock aiosmtpd received."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.messages.append((envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 Ok"


async def converse(port, groups, cuts=()):
    """Send groups, each when the one before is answered; give the codes of the replies."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def reply():
        line = await reader.readline()
        while line[3:4] == b"-":
            line = await reader.readline()
        return line[:3].decode()

    codes = [await reply()]
    for octets, replies in groups:
        places = [0, *sorted({min(cut, len(octets)) for cut in cuts}), len(octets)]
        for start, end in itertools.pairwise(places):
            writer.write(octets[start:end])
            for _ in range(3):
                await asyncio.sleep(0)
        for _ in range(replies):
            codes.append(await reply())
            if codes[-1] == "":
                break
    writer.close()
    return codes


async def stock(groups, cuts=()):
    kept = Kept()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(kept, hostname="relay.test", data_size_limit=2**20), "127.0.0.1", 0
    )
    try:
        codes = await converse(server.sockets[0].getsockname()[1], groups, cuts)
    finally:
        server.close()
        for _ in range(5):
            await asyncio.sleep(0)
    return codes, kept.messages


async def ours(groups, cuts=()):
    async with listening(FakeReception(limit=2**20), dsn=True) as opened:
        codes = await converse(opened.port, groups, cuts)
    return codes, [
        (
            "<>" if taken.sender is None else str(taken.sender),
            tuple(str(recipient.address) for recipient in taken.recipients),
            taken.octets,
        )
        for taken in opened.reception.received
    ]


SENDERS = st.sampled_from([b"<a@example.com>", b"<>", b'<"q r"@example.com>', b"<x.y@sub.example>"])
RECIPIENTS = st.lists(
    st.sampled_from([b"<b@example.com>", b"<c+d@example.org>", b"<b@@example.com>"]),
    min_size=1,
    max_size=3,
)
CONTENT = st.lists(
    st.sampled_from([b"Subject: x", b"", b".", b"..", b".x", b"caf\xc3\xa9 \xff", b"y" * 200]),
    max_size=5,
).map(
    lambda lines: b"".join((b"." + line if line[:1] == b"." else line) + b"\r\n" for line in lines)
)
NOISE = st.sampled_from(
    [b"NOOP", b"NOOP x", b"RSET", b"RSET x", b"XYZZY", b"noop", b"DATA", b"RCPT TO:<b@example.com>",
     b"MAIL", b"MAIL FROM", b"MAIL TO:<a@b.example>", b"EHLO again", b"EHLO", b"VRFY root", b"VRFY",
     b"EXPN x", b"MAIL FROM:<a@example.com> BODY=9BIT", b"MAIL FROM:<a@example.com> SIZE=9999999"]
)  # fmt: skip


@st.composite
def dialogues(draw):
    """Draw a session: noise outside transactions, and whole messages, each group pipelined."""
    groups = [(b"EHLO client.example\r\n", 1)]
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            groups.extend((line + b"\r\n", 1) for line in draw(st.lists(NOISE, max_size=3)))
            groups.append((b"RSET\r\n", 1))
            continue
        recipients = draw(RECIPIENTS)
        lines = [b"MAIL FROM:" + draw(SENDERS), *(b"RCPT TO:" + path for path in recipients)]
        groups.append((b"".join(line + b"\r\n" for line in lines), len(lines)))
        if any(path.count(b"@") == 1 for path in recipients):
            groups.append((b"DATA\r\n", 1))
            groups.append((draw(CONTENT) + b".\r\n", 1))
        else:
            groups.append((b"RSET\r\n", 1))
    groups.append((b"QUIT\r\n", 1))
    return groups


def classes(codes):
    return [code[:1] for code in codes]


@settings(max_examples=40)
@given(groups=dialogues(), cuts=st.lists(st.integers(1, 40), max_size=4))
def test_the_same_dialogue(groups, cuts):
    async def story():
        theirs, mine = await stock(groups, cuts), await ours(groups, cuts)
        assert classes(mine[0]) == classes(theirs[0]), (theirs[0], mine[0])
        assert [tuple(map(str, m[:2])) + m[2:] for m in mine[1]] == [
            tuple(map(str, m[:2])) + m[2:] for m in theirs[1]
        ]

    asyncio.run(story())


@pytest.mark.parametrize("name", DIFFERENCES)
async def test_a_named_difference(name):
    lines, (theirs, mine) = DIFFERENCES[name]
    groups = [(b"EHLO x\r\n", 1), *((line + b"\r\n", 1) for line in lines)]
    assert (await stock(groups))[0][2:] == theirs.split()
    assert (await ours(groups))[0][2:] == mine.split()
