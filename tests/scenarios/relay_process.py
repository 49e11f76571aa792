"""The command `ses-relay` as a process of its own: started, watched by its log, signalled, ended.

async with serving(config, environment) as relay:
    relay.signal(signal.SIGTERM)
    assert await relay.end() == 0
"""

import asyncio
import json
import os
import socket
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aws_environment import SIMULATED
from relay_world import PATIENCE, until
from smtp_line import SmtpLine

ROOT = Path(__file__).parents[2]


def environment(home, **more):
    """Give the whole environment of a child: nothing of this machine's but the search path."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), **SIMULATED, **more}


async def command(*arguments, env):
    """Start `ses-relay` with these arguments, its output in pipes."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relay", *map(str, arguments)),
        cwd=ROOT,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def outcome(*arguments, env):
    """Run a command to its end; gives exit code, output and errors."""
    process = await command(*arguments, env=env)
    async with asyncio.timeout(2 * PATIENCE):
        out, errors = await process.communicate()
    return process.returncode, out.decode(), errors.decode()


@dataclass
class Child:
    """One process and what it said."""

    process: asyncio.subprocess.Process
    said: list[str] = field(default_factory=list)  # lines that are no events
    events: list[dict] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def listen(self, stream, plain):
        async for line in stream:
            text = line.decode().rstrip("\n")
            if text.startswith("{"):
                self.events.append(json.loads(text))
            else:
                plain.append(text)

    def named(self, event, **facts):
        return [
            line for line in self.events if line["event"] == event and facts.items() <= line.items()
        ]

    async def logged(self, event, **facts):
        """Wait for lines of the log, as long as the process lives."""
        wanted = lambda: self.named(event, **facts)  # noqa: E731 - named for the two lines below
        await until(lambda: wanted() or self.process.returncode is not None, 2 * PATIENCE)
        assert wanted(), (event, self.events, self.errors)
        return wanted()

    def of_the_whole(self, event, **facts):
        """Give the lines that are not of one of several workers."""
        return [line for line in self.named(event, **facts) if "worker" not in line]

    @property
    def port(self):
        [started] = self.of_the_whole("relay.started")
        return int(started["listeners"][0].rpartition(":")[2])

    def line(self):
        """Connect to its first listener and say EHLO."""
        return SmtpLine.to("127.0.0.1", self.port)

    def signal(self, number):
        self.process.send_signal(number)

    async def end(self):
        """Wait for its end; gives the exit code."""
        async with asyncio.timeout(2 * PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def child(*arguments, env):
    """Run a command while the test lasts; ends it if the test has not."""
    running = Child(await command(*arguments, env=env))
    ears = [
        asyncio.create_task(running.listen(running.process.stdout, running.said)),
        asyncio.create_task(running.listen(running.process.stderr, running.errors)),
    ]
    try:
        yield running
    finally:
        if running.process.returncode is None:
            with suppress(ProcessLookupError):
                running.process.kill()
        await running.process.wait()
        await asyncio.gather(*ears)
    assert not running.named("relay.fault"), running.events


@asynccontextmanager
async def serving(config, env):
    """Run `ses-relay serve` with a configuration file, from when it is ready on."""
    async with child("serve", "--config", config, env=env) as relay:
        await relay.logged("relay.started")
        await until(lambda: relay.of_the_whole("relay.started"))
        yield relay


class ServiceManager:
    """The end of the socket on which systemd would listen (sd_notify(3))."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.setblocking(False)  # noqa: FBT003 - the standard library's signature

    def heard(self):
        """Take what was said since the last time."""
        states = []
        with suppress(BlockingIOError):
            while True:
                states.append(self._socket.recv(4096).decode().partition("\n")[0])
        return states

    def close(self):
        self._socket.close()
