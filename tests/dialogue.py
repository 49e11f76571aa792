r"""Runs a dialogue file: an SMTP session written down as protocol, against real listeners.

    # What is promised, and why.
    # listener: tls=starttls auth=optional line_endings=refuse limits_idle=60
    # user: tickets            (password PASSWORD, hashed; `printer clear` keeps it readable;
    #                           more as in the file: networks=10.0.0.0/8 identify_by=network)
    # reception: RCPT=550 5.7.1 No      (or READY=raise: our own bug; limit=1000)
    S: 220 relay.test                   the reply line begins like this
    C: EHLO client.example              a line, sent with CRLF
    S: 250-                             a reply of several lines with this code
    S: 250- STARTTLS                    … of which one begins like this; `250- !AUTH`: none does
    C: raw "MAIL FROM:<a@b.example>\r\n"
    C: AUTH PLAIN {b64 "\0tickets\0pw"}
    C: starttls | half-close | hang up | reset
    clock: +301                         time passes, and the listeners look at their sessions
    room needed                         others take the room of the content that is coming
    dismiss                             the relay stops
    S: closed
    expect: received 1 | nothing received | sender a@b | recipients a@b c@d | content "…"
    expect: unheard 250 | user tickets | log smtp.auth_failed | fault

Whatever a file says, each reply must carry an enhanced code where RFC 2034 wants one, each
transaction must be closed, and no session and no task may be left.
"""

import asyncio
import base64
import re
import socket
import ssl
import struct
from ipaddress import ip_network

from smtp_fakes import FakeReception, clear_user, hashed_user, listening

from relay.model import replies
from relay.model.reply import Reply
from relay.model.settings import IdentifyBy, Mechanism

PATIENCE = 10.0  # real seconds; never waited for in a green run
NO_CODE = re.compile(r"^(220 relay\.test |250[- ](?!\d\.)|3\d\d )")
PIECE = re.compile(r'"(?:[^"\\]|\\.)*"')
ENHANCED = re.compile(r"^([245])\d\d \1\.\d{1,3}\.\d{1,3} \S")


def unescape(text):
    assert text[0] == text[-1] == '"', text
    return text[1:-1].encode("latin-1").decode("unicode_escape").encode("latin-1")


def value_of(text):
    match text:
        case "true" | "false":
            return text == "true"
        case _ if re.fullmatch(r"\d+", text):
            return int(text)
        case _:
            return text


class Dialogue:
    """One file, taken apart."""

    def __init__(self, text):
        self.options = {}
        self.users = []
        self.reception = FakeReception()
        self.dsn = True
        self.steps = []
        self.first = None  # what the client sends before the greeting
        for number, line in enumerate(text.splitlines(), 1):
            if line.startswith("#"):
                self._head(line[1:].strip())
            elif line.startswith("C: ") and not self.steps and self.first is None:
                self.first = line[3:]
            elif line.strip():
                self.steps.append((number, line))

    def _head(self, line):
        kind, colon, rest = line.partition(":")
        if not colon:
            return
        if kind == "listener":
            for word in rest.split():
                name, _, text = word.partition("=")
                self._option(name, text)
        elif kind == "user":
            name, *words = rest.split()
            make = clear_user if "clear" in words else hashed_user
            more = dict(word.split("=") for word in words if "=" in word)
            if "networks" in more:
                more["networks"] = tuple(ip_network(net) for net in more["networks"].split(","))
            if "identify_by" in more:
                more["identify_by"] = IdentifyBy(more["identify_by"])
            self.users.append(make(name, **more))
        elif kind == "reception":
            step, _, answer = rest.strip().partition("=")
            if step == "limit":
                self.reception.limit = int(answer)
            elif answer == "raise":
                self.reception.answers[step] = RuntimeError("secret internals")
            else:
                code, enhanced, text = answer.split(" ", 2)
                self.reception.answers[step] = Reply(int(code), enhanced, text)

    def _option(self, name, text):
        match name:
            case "networks":
                self.options[name] = tuple(ip_network(net) for net in text.split(","))
            case "mechanisms":
                self.options[name] = tuple(Mechanism(word) for word in text.split(","))
            case "dsn":
                self.dsn = value_of(text)
            case _:
                self.options[name] = value_of(text)


class Peer:
    """The client of a dialogue."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.heard = []

    async def line(self):
        line = (await self.reader.readline()).decode("latin-1")
        if line:
            assert line.endswith("\r\n"), f"not a line: {line!r}"
            self.heard.append(line[:-2])
        return line[:-2]

    async def whole_reply(self):
        lines = [await self.line()]
        while lines[-1][3:4] == "-":
            lines.append(await self.line())
        return lines

    async def at_end(self):
        try:
            rest = await self.reader.read()
        except ConnectionError:
            return b""
        return rest

    async def starttls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await self.writer.start_tls(context)


def sent(rest):
    """Give the octets of what the client says: quoted pieces, or a line."""
    if rest.startswith("raw "):
        return b"".join(unescape(piece) for piece in PIECE.findall(rest))
    coded = re.sub(
        r"\{b64 (\".*?\")\}", lambda found: base64.b64encode(unescape(found[1])).decode(), rest
    )
    return coded.encode() + b"\r\n"


async def settle():
    """Let the server take in what was sent: loopback delivers at once, the loop needs turns."""
    for _ in range(20):
        await asyncio.sleep(0)


async def run(text):
    dialogue = Dialogue(text)
    async with listening(
        dialogue.reception, users=dialogue.users, dsn=dialogue.dsn, **dialogue.options
    ) as opened:
        # Connected and, where the client begins, sent before the server's loop has its turn.
        sock = socket.create_connection(("127.0.0.1", opened.port))
        if dialogue.first is not None:
            sock.sendall(sent(dialogue.first))
        reader, writer = await asyncio.open_connection(sock=sock)
        peer = Peer(reader, writer)
        if dialogue.options.get("tls") == "implicit":
            await peer.starttls()
        try:
            for number, line in dialogue.steps:
                if line.startswith("expect:"):
                    continue
                try:
                    async with asyncio.timeout(PATIENCE):
                        await step(line, peer, opened)
                except (AssertionError, TimeoutError, OSError) as error:
                    heard = "\n    ".join(peer.heard[-6:])
                    raise AssertionError(
                        f"line {number}: {line}\n{error!r}\n    {heard}"
                    ) from error
        finally:
            writer.close()
        async with asyncio.timeout(PATIENCE):
            while opened.listeners.sessions:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0)
        for _, line in dialogue.steps:
            if line.startswith("expect:"):
                hold(line.removeprefix("expect:").strip(), opened)
        check_always(peer, opened, dialogue)


async def step(line, peer, opened):
    kind, _, rest = line.partition(":")
    rest = rest.removeprefix(" ")
    match kind:
        case "C":
            await client_does(rest, peer)
        case "S" if rest == "closed":
            assert await peer.at_end() == b""
        case "S" if re.match(r"\d{3}-", rest):
            code, wanted = rest[:4], rest[4:].strip()
            reply = await peer.whole_reply()
            assert reply[-1][:3] == code[:3], reply
            texts = [text[4:] for text in reply]
            if wanted.startswith("!"):
                assert not any(text.startswith(wanted[1:]) for text in texts), reply
            else:
                assert any(text.startswith(wanted) for text in texts), reply
        case "S":
            heard = await peer.line()
            assert heard.startswith(rest), heard
        case "clock":
            await settle()
            opened.clock.advance(float(rest))
            opened.listeners.look()
        case "room needed":
            await settle()
            opened.reception.transactions[-1].withdraw(replies.ROOM_YIELDED)
        case "dismiss":
            await opened.listeners.stop(0)
        case _:
            raise ValueError(line)


async def client_does(rest, peer):
    match rest:
        case "starttls":
            await peer.starttls()
        case "half-close":
            peer.writer.write_eof()
        case "hang up":
            peer.writer.close()
        case "reset":
            sock = peer.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.writer.transport.abort()
        case _ if rest.startswith("raw "):
            for piece in PIECE.findall(rest):
                peer.writer.write(unescape(piece))
                await settle()  # each piece is a segment of its own
        case _:
            peer.writer.write(sent(rest))


def written(value):
    return "<>" if value is None else str(value)


# What an `expect:` line may ask: word → what it was, to be compared with the rest of the line.
EXPECTATIONS = {
    "nothing": lambda opened: "received" if not opened.reception.received else "a message",
    "received": lambda opened: str(len(opened.reception.received)),
    "sender": lambda opened: written(opened.reception.received[-1].sender),
    "recipients": lambda opened: " ".join(
        str(recipient.address) for recipient in opened.reception.received[-1].recipients
    ),
    "content": lambda opened: opened.reception.received[-1].octets,
    "parameters": lambda opened: "{0.size} {0.ret} {0.envid}".format(
        opened.reception.received[-1].parameters
    ),
    "notify": lambda opened: "{} {}".format(
        ",".join(sorted(opened.reception.received[-1].recipients[0].notify)),
        opened.reception.received[-1].recipients[0].orcpt,
    ),
    "unheard": lambda opened: " ".join(str(reply.code) for reply in opened.reception.unheard),
    "heard": lambda opened: " ".join(str(reply.code) for reply in opened.reception.unheard),
    "user": lambda opened: str(opened.reception.transactions[-1].client.user),
    "log": lambda opened: {line["event"] for line in opened.log.lines},
    "fault": lambda opened: "" if opened.log.named("relay.fault") else "none",
    "ended": lambda opened: opened.log.named("smtp.closed")[-1]["reason"],
}


def hold(wanted, opened):
    """Compare one expectation with what came."""
    word, _, rest = wanted.partition(" ")
    found = EXPECTATIONS[word](opened)
    if word == "content":
        assert found == unescape(rest)
    elif word == "log":
        assert rest in found
    else:
        assert found == rest


def check_always(peer, opened, dialogue):
    for line in peer.heard:
        assert NO_CODE.match(line) or ENHANCED.match(line), f"no enhanced code: {line}"
        assert "secret internals" not in line
        assert "Traceback" not in line
    for transaction in opened.reception.transactions:
        assert transaction.closed
    if not any(line == "expect: fault" for _, line in dialogue.steps):
        assert not opened.log.named("relay.fault")
