"""The clients of a campaign: they submit without pause and send again what they got no reply to."""

import asyncio
import itertools
import socket
import struct
import time
from dataclasses import dataclass, field

# How patient a client is; the relay answers far sooner, or is dead.
PATIENCE = 15.0
LOST = ""  # the result of a submission that got no reply


@dataclass(frozen=True)
class Submission:
    """One try to hand a message over."""

    began: float  # by the wall clock, as `ended`
    ended: float
    reply: str  # or LOST


@dataclass
class Letter:
    """A message of a client, told from all others by its recipients."""

    number: int
    recipients: tuple
    octets: bytes = field(repr=False)
    submissions: list = field(default_factory=list)

    @property
    def accepted(self):
        return bool(self.submissions) and self.submissions[-1].reply.startswith("250 ")


class Crowd:
    """Several clients on connections of their own."""

    def __init__(self, port, rng, *, host="127.0.0.1", large=0.04, hang_ups=0.05, many=0.12):
        self.letters = []
        self._host = host
        self._port = port
        self._rng = rng
        self._many = many  # share of messages to several recipients
        self._large = large  # share of messages beyond 128 KiB
        self._hang_ups = hang_ups  # share of messages whose client does not wait for the verdict
        self._numbers = itertools.count(1)
        self._enough = False

    async def run(self, *pauses):
        """Submit until `stop`, each client with its pause; what was begun is brought to its 250.

        Every client is another user. One that makes no pause has a backlog after a while, so that
        its mail is kept first; the others hear SES's own verdict.
        """
        async with asyncio.TaskGroup() as group:
            for number, pause in enumerate(pauses, start=1):
                group.create_task(self._client(f"127.0.0.{number}", pause))

    def stop(self):
        self._enough = True

    def _letter(self):
        number = next(self._numbers)
        kind = self._rng.random()
        several = self._rng.randint(51, 120) if kind < self._many / 12 else 3
        count = several if kind < self._many else 1
        body = "x" * 76 + "\r\n"
        lines = 2_000 if self._many <= kind < self._many + self._large else 3
        letter = Letter(
            number=number,
            recipients=tuple(
                f"m{number}-{place}@{self._host}.example.org" for place in range(count)
            ),
            octets=(
                f"From: a@example.com\r\nSubject: message {number}\r\n\r\n{body * lines}"
            ).encode(),
        )
        self.letters.append(letter)
        return letter

    async def _client(self, address, pause):
        line = None
        try:
            while not self._enough:
                await asyncio.sleep(pause)
                letter = self._letter()
                while not letter.accepted:
                    hang_up = not letter.submissions and self._rng.random() < self._hang_ups
                    line = await self._submit(letter, line or address, hang_up=hang_up)
        finally:
            if line is not None:
                line.hang_up()

    async def _submit(self, letter, line, *, hang_up):
        """Make one try, on a connection or from an address; gives what can be used again."""
        began = time.time()
        handed_over = False
        reply = LOST
        try:
            async with asyncio.timeout(PATIENCE):
                if isinstance(line, str):
                    line = await Line.to(self._host, self._port, line)
                reply = await line.envelope(letter.recipients)
                if reply.startswith("354 "):
                    reply, handed_over = LOST, True
                    await line.content(letter.octets)
                    if hang_up:
                        await asyncio.sleep(self._rng.uniform(0.0, 0.5))
                        raise ConnectionAbortedError
                    reply = await line.reply()
        except (OSError, EOFError):
            if isinstance(line, Line):
                line.hang_up()
            line = None
        if handed_over:
            letter.submissions.append(Submission(began, time.time(), reply))
            assert reply[:1] in {"", "2", "4"}, reply
        if not reply.startswith("250 "):
            await asyncio.sleep(0.05)
        return line


class Line:
    """A client's end of a connection."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, host, port, address):
        ends = await asyncio.open_connection(host, port, local_addr=(address, 0))
        line = cls(*ends)
        # Whatever is said to us and not read when we hang up shall go unheard: a reset, no goodbye.
        sock = line._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            await line._hear_greeting()
            await line._say("EHLO client.example.com")
        except BaseException:
            line.hang_up()
            raise
        return line

    async def _hear_greeting(self):
        greeting = await self.reply()
        if not greeting.startswith("220 "):
            raise ConnectionRefusedError(greeting)

    async def envelope(self, recipients):
        """Name sender and recipients in one go; gives the reply to DATA, or the first refusal."""
        commands = ["MAIL FROM:<a@example.com>"]
        commands += [f"RCPT TO:<{recipient}>" for recipient in recipients]
        self._writer.write("".join(f"{command}\r\n" for command in (*commands, "DATA")).encode())
        replies = [await self.reply() for _ in range(len(commands) + 1)]
        return next((reply for reply in replies if not reply.startswith("250 ")), "")

    async def content(self, octets):
        self._writer.write(octets + b".\r\n")
        await self._writer.drain()

    async def _say(self, command):
        self._writer.write(command.encode() + b"\r\n")
        return await self.reply()

    async def reply(self):
        while True:
            text = (await self._reader.readline()).decode()
            if not text.endswith("\r\n"):
                raise EOFError
            if text[3] != "-":
                return text.rstrip()

    def hang_up(self):
        """Break the connection off."""
        self._writer.transport.abort()
