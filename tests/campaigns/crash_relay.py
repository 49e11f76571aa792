"""The relay of a campaign: a `ses-relay serve` that is killed and started again."""

import asyncio
import json
import os
import resource
import signal
import socket
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import yaml

from relay.model.clock import SystemClock
from relay.model.custody import EntryState, Selection
from relay.model.ports import StoreFault
from relay.stores.postgresql import extra as postgresql
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_guest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
USERS = 8  # each known by an address of its own: 127.0.0.1 and so on
PATIENCE = 20.0  # seconds until a test gives up waiting for a process
SIMULATED = {
    "AWS_ACCESS_KEY_ID": "simulator",
    "AWS_SECRET_ACCESS_KEY": "simulator",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def environment():
    """Give the environment of a process that knows the simulator's keys and no others."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    return {**inherited, **SIMULATED, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}


def free_port():
    """Find a port for a listener that must come back to it."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def configuration(folder, ses_url, bind, route=None, **queue):
    """Write a configuration file for a relay with one open listener."""
    path = folder / "config.yaml"
    content = {
        "hostname": "relay.example.com",
        "listeners": [{"bind": bind, "tls": "off", "auth": "off"}],
        "users": [
            {
                "name": f"user{number}",
                "identify_by": "network",
                "networks": [f"127.0.0.{number}/32"],
                "senders": ["*"],
            }
            for number in range(1, USERS + 1)
        ],
        "routes": {
            "default": {
                "region": "eu-west-1",
                "endpoint_url": ses_url,
                **(route or {}),
            },
        },
        "queue": {
            "store": f"sqlite:///{folder / 'store'}",
            "wait": "300ms",
            "backoff_min": "1s",
            "backoff_max": "1s",
            **queue,
        },
        "limits": {"stop_grace": "5s"},
        "http": {"bind": "127.0.0.1:0"},
    }
    path.write_text(yaml.safe_dump(content))
    return path


async def until(what):
    """Wait until something that no event tells of is so."""
    async with asyncio.timeout(PATIENCE):
        while not what():  # noqa: ASYNC110 - another process brings it about
            await asyncio.sleep(0.02)


class KilledRelay:
    """Starts the relay, kills it, reads its log and its store."""

    def __init__(self, folder, port, launcher, store=None):
        self.port = port
        self.log = folder / "relay.log"
        self.store = store or folder / "store"
        self.deaths = []  # when it died, by the wall clock
        self._launcher = launcher
        self._pid = None

    @classmethod
    @asynccontextmanager
    async def launched(cls, folder, ses_url, host="127.0.0.1", **options):
        """Launch it; `store` is the URL of a PostgreSQL database, else it is a folder."""
        port = free_port()
        path = configuration(folder, ses_url, f"{host}:{port}", **options)
        launcher = await asyncio.create_subprocess_exec(
            sys.executable,
            HERE / "crash_launcher.py",
            path,
            folder / "relay.log",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment(),
        )
        relay = cls(folder, port, launcher, options.get("store"))
        try:
            yield relay
        finally:
            if relay._pid is not None:
                await relay.kill()
            launcher.stdin.close()
            await launcher.wait()

    async def start(self, order="-"):
        """Begin a life; it is not waited for until it can be talked to."""
        self._launcher.stdin.write(f"{order}\n".encode())
        self._pid = int(await self._answer())

    async def kill(self):
        """SIGKILL."""
        os.kill(self._pid, signal.SIGKILL)
        await self.died()

    def terminate(self):
        """SIGTERM, which is to drain."""
        os.kill(self._pid, signal.SIGTERM)

    def limit_files(self, octets):
        """Let none of its files grow beyond so many octets. None: as before."""
        soft = resource.RLIM_INFINITY if octets is None else octets
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

    async def ended(self):
        """Wait until it has ended in order."""
        async with asyncio.timeout(PATIENCE):
            status = int(await self._answer())
        self._pid = None
        assert status == 0, f"it did not end in order: {self.log.read_text()[-3000:]}"

    async def died(self, patience=PATIENCE):
        """Wait until it has ended, by whatever; it must have been SIGKILL."""
        async with asyncio.timeout(patience):
            status = int(await self._answer())
        self._pid = None
        self.deaths.append(time.time())
        assert os.WIFSIGNALED(status), f"it ended by itself: {self.log.read_text()[-3000:]}"

    async def _answer(self):
        answer = await self._launcher.stdout.readline()
        assert answer, "the launcher has ended"
        return answer

    def lines(self):
        """Read the log of all lives; a line that a kill cut in two is left out."""
        found = []
        if not self.log.exists():
            return found
        for text in self.log.read_text().splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                found.append(line)
        return found

    async def logged(self, event, times=1):
        """Wait until the log has so many lines of an event; gives them."""

        def found():
            return [line for line in self.lines() if line["event"] == event]

        await until(lambda: len(found()) >= times)
        return found()

    async def _guest(self):
        if isinstance(self.store, Path):
            return await open_guest(self.store, Crew.inline(Files(), SystemClock()))
        return await postgresql.open_guest(self.store, SystemClock())

    async def until_empty(self, patience):
        """Wait until nothing is kept, releasing what waits for an operator; say how much that was.

        An answer that is lost twice leaves the message to somebody who looks; here he says: send.
        """
        shared = await self._guest()
        assert not isinstance(shared, StoreFault), shared
        released = 0
        try:
            async with asyncio.timeout(patience):
                while True:
                    now = SystemClock().now()
                    counts = await shared.control.summary(now)
                    if not isinstance(counts, StoreFault) and not counts:
                        return released
                    held = Selection(state=EntryState.HELD)
                    changed = await shared.control.release(held, now)
                    if not isinstance(changed, StoreFault):
                        released += len(changed.ids)
                    await asyncio.sleep(0.3)
        except TimeoutError:
            left = await shared.control.select(Selection(), SystemClock().now(), 3)
            raise AssertionError(f"still kept after {patience} s: {left}") from None
        finally:
            await shared.close()
