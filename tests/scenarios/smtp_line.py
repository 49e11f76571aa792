"""The client's end of an SMTP connection, octet for octet as a test wants it."""

import asyncio
import socket
import struct
from contextlib import asynccontextmanager


def stuffed(octets):
    """Write content for the wire: dots doubled at line starts, the last line ended (RFC 5321)."""
    ended = octets if octets.endswith(b"\r\n") or not octets else octets + b"\r\n"
    return (b"\r\n" + ended).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


class SmtpLine:
    """One connection."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.greeting = ""

    @classmethod
    @asynccontextmanager
    async def to(cls, host, port, *, ehlo="client.example.com"):
        async with cls._greeted(await asyncio.open_connection(host, port), ehlo) as line:
            yield line

    @classmethod
    @asynccontextmanager
    async def at(cls, path, *, ehlo="client.example.com"):
        """Connect to a unix socket."""
        async with cls._greeted(await asyncio.open_unix_connection(path), ehlo) as line:
            yield line

    @classmethod
    @asynccontextmanager
    async def _greeted(cls, streams, ehlo):
        reader, writer = streams
        line = cls(reader, writer)
        try:
            line.greeting = await line.reply()
            assert line.greeting.startswith("220 "), line.greeting
            assert (await line.say(f"EHLO {ehlo}")).startswith("250 ")
            yield line
        finally:
            writer.close()

    async def reply(self):
        """Read one reply; gives its last line."""
        while True:
            text = (await self.reader.readline()).decode("ascii").rstrip("\r\n")
            if text[3:4] != "-":
                return text

    async def say(self, command):
        self.writer.write(command.encode() + b"\r\n")
        return await self.reply()

    async def envelope(self, sender="a@example.com", recipients=("b@example.org",)):
        """Name sender and recipients; gives the replies to RCPT."""
        reply = await self.say(f"MAIL FROM:<{sender}>")
        assert reply.startswith("250 "), reply
        return [await self.say(f"RCPT TO:<{recipient}>") for recipient in recipients]

    async def begin(self, octets):
        """Send the whole content, and do not wait for the verdict."""
        assert (await self.say("DATA")).startswith("354 ")
        self.writer.write(stuffed(octets))
        await self.writer.drain()

    async def send(self, octets, sender="a@example.com", recipients=("b@example.org",)):
        """Send a message; gives the first refusal, or the reply to the content."""
        for answer in await self.envelope(sender, recipients):
            if not answer.startswith("250 "):
                return answer
        await self.begin(octets)
        return await self.reply()

    def hang_up(self):
        """End the connection as a client that crashed does: with a reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
