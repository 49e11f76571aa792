"""Machines with nothing but the relay in /opt and one process 1: systemd, or the relay itself.

Each is made of namespaces of its own (processes, mounts, network, control groups, host name), so
that units and container run word for word, sandbox included, and nothing of the machine around them
is touched. Root is needed for that, and a kernel that grants it.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from programs import missing, program

TOP = Path(__file__).parents[2]
PATIENCE = 30.0  # seconds for what happens on a busy machine; a green run takes none of it

# The relay in /opt, out of reach of what the sandbox hides: home folders and /tmp.
LAUNCHER = """\
#!/bin/sh
export LD_LIBRARY_PATH=/opt/python/lib PYTHONDONTWRITEBYTECODE=1
export PYTHONHOME=/opt/python PYTHONPATH=/opt/source:/opt/packages
exec /opt/python/bin/python{version} {words} "$@"
"""

# Folders that are only this machine's: what is written there is gone with it.
BOOT = """\
set -eu
mount --make-rprivate /
mount --make-rshared /
mount --bind {root}/opt /opt
mkdir -p /opt/python /opt/source /opt/packages
mount --bind {python} /opt/python
mount --bind {source} /opt/source
mount --bind {packages} /opt/packages
mount --bind {root}/etc /etc
mount --bind {root}/var /var
mount --bind {root}/run /run
mount --bind {root}/run/log /run/log
exec 2>/run/log/boot.log
mount -t proc proc /proc
{rest}
"""


# What the machine has for itself alone.
APART = ("--mount", "--pid", "--net", "--cgroup", "--uts", "--ipc")


def can_be_made():
    """Skip the tests where nobody may make a machine."""
    for needed in ("unshare", "nsenter", "setpriv"):
        program(needed)
    if os.geteuid():
        missing("a machine of its own needs root")
    tried = subprocess.run(["unshare", *APART, "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("the kernel grants no namespaces here")


class Machine:
    """The machine, its files, and what can be done in it."""

    def __init__(self, root):
        self.root = root
        self._process = None
        self._group = None
        for name in ("opt/ses-relay/bin", "etc/ses-relay", "var/lib", "run/log"):
            (root / name).mkdir(parents=True)
        self.write("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
        shutil.copy("/etc/ld.so.cache", root / "etc")
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        for name, words in (("ses-relay", "-m relay"), ("python", "")):
            launcher = LAUNCHER.format(version=version, words=words)
            self.write(f"opt/ses-relay/bin/{name}", launcher, mode=0o755)

    def write(self, where, text, mode=0o644, group=0):
        path = self.root / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, 0, group)
        return path

    # --- on and off ------------------------------------------------------------------------------

    def boot(self, rest, up):
        """Make it: the end of the script runs in it, and becomes its process 1."""
        script = BOOT.format(
            root=shlex.quote(str(self.root)),
            python=shlex.quote(sys.base_prefix),
            source=shlex.quote(str(TOP)),
            packages=shlex.quote(sysconfig.get_path("purelib")),
            rest=rest,
        )
        self._group = Path(control_groups()) / f"ses-relay-test-{os.getpid()}"
        self._group.mkdir()
        apart = " ".join(("unshare", "--fork", "--kill-child", *APART))
        entered = f"echo $$ > {self._group}/cgroup.procs; exec {apart} sh -c "
        self._process = subprocess.Popen(
            # It ends with the tests, however they end.
            [program("setpriv"), "--pdeathsig", "KILL", "sh", "-c", entered + shlex.quote(script)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: self._made() and up())

    def _made(self):
        assert self.ended() is None, self.log("boot") + self.log()
        return self._first()

    def ended(self):
        """Give the exit code of process 1; None: it lives."""
        return self._process.poll()

    def _first(self):
        """Give process 1 as it is known from outside."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return children.read_text().split()[:1]

    def halt(self):
        if self._process is not None:
            for first in self._first() if self.ended() is None else ():
                os.kill(int(first), signal.SIGKILL)  # and with it all that it has
            self._process.kill()
            self._process.wait()
        if self._group is not None:
            until(lambda: "populated 0" in (self._group / "cgroup.events").read_text())
            for folder, _, _ in os.walk(self._group, topdown=False):
                Path(folder).rmdir()

    # --- in it -----------------------------------------------------------------------------------

    def run(self, *command, user=None):
        """Run a command in it, as root or as another."""
        [first] = self._first()
        who = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups") if user else ()
        return subprocess.run(
            [program("nsenter"), "--target", first, *APART, *who, *map(str, command)],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            timeout=60,
        )

    def do(self, *command):
        """Run a command as root that must succeed; gives what it said."""
        ran = self.run(*command)
        assert ran.returncode == 0, (command, ran.stderr, self.log())
        return ran.stdout

    def python(self, text):
        return self.do("/opt/ses-relay/bin/python", "-c", text)

    def log(self, of="ses-relay"):
        path = self.root / "run/log" / f"{of}.log"
        return path.read_text() if path.exists() else ""

    def events(self, name):
        told = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in told if line["event"] == name]


def control_groups():
    """Give where the unified hierarchy is mounted, or skip."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return where
    pytest.skip("no unified control groups on this machine")


def until(wanted):
    """Wait for what other processes do; gives it."""
    ends = time.monotonic() + PATIENCE
    while not (found := wanted()):
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.02)
    return found
