"""A relay as other people's programs meet it: STARTTLS or TLS at once, a password, a real name.

The certificate is the one that the demo makes: for localhost and 127.0.0.1, signed by itself, so
that a client can be told to trust it and nothing else.
"""

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from relay_world import SimulatedSes, World, relaying, settings, simulated
from smtp_fakes import hashed_user

from relay.model.settings import AuthMode, Listener, TcpBind, Tls, TlsMode
from relay.service.certificate import make_certificate
from relay.simulator import Fail

USER = "tickets"
SENDER = "app@example.com"
RECIPIENT = "somebody@example.org"
UNVERIFIED = Fail(
    "MessageRejected",
    "Email address is not verified. The following identities failed the check in region "
    f"EU-WEST-1: {SENDER}",
    400,
)
PATIENCE = 60.0  # seconds for a program on a busy machine; a green run takes none of it


@dataclass
class Front:
    """A relay that listens, and SES behind it."""

    world: World
    ses: SimulatedSes
    certificate: Path

    @property
    def port(self):
        return self.world.port

    async def took(self, subject):
        """Give the one message that SES has; it came encrypted and with a password."""
        [message] = self.ses.messages
        assert message.destinations == (RECIPIENT,)
        assert message.source == SENDER
        assert f"Subject: {subject}".encode() in message.raw
        assert b"with ESMTPSA" in message.raw
        [relayed] = await self.world.logged("message.relayed")
        assert relayed["user"] == USER
        return message


@asynccontextmanager
async def fronting(folder, tls=TlsMode.STARTTLS_REQUIRED):
    """Start one that takes mail from nobody without TLS and a password."""
    certificate, key = make_certificate(folder)
    door = Listener(bind=TcpBind("127.0.0.1", 0), tls=tls, auth=AuthMode.REQUIRED)
    async with simulated() as ses:
        known = settings(
            ses.url,
            users=(hashed_user(USER),),
            listeners=(door,),
            tls=Tls(certificate=(certificate,), key=(key,)),
        )
        async with relaying(known) as world:
            yield Front(world, ses, certificate)


@dataclass
class Ran:
    """A program that has ended."""

    code: int
    said: str


async def run(*command, said=b"", **environment):
    """Run a program to its end; output and errors in one text, the password never in a file."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            **environment,
        },
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate(said)
    return Ran(process.returncode, out.decode(errors="replace"))
