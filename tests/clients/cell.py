"""A mail server in a root folder of its own.

Debian's packages of Postfix, Exim and OpenSMTPD exclude each other, and each has its places
compiled in. So a package is unpacked (`dpkg -x`, see `.ci/run`) and copied into an empty folder,
together with the libraries it loads and a handful of files in /etc; there it runs, with chroot, on
loopback alone.
"""

import asyncio
import os
import re
import shutil
import signal
import stat
import subprocess
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from front import PATIENCE, run
from programs import missing, program

USERS = ("postfix", "Debian-exim", "opensmtpd", "opensmtpq", "postdrop")
FIRST_UID = 61_000
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"


def unpacked(package):
    """Give the folder a package was unpacked into, or skip the test that needs it."""
    folder = Path(os.environ.get("SES_RELAY_MTAS", "/nonexistent")) / package
    if not folder.is_dir():
        missing(f"{package} is not unpacked in SES_RELAY_MTAS")
    if os.geteuid():
        missing(f"{package} in a root folder of its own needs root")
    return folder


def libraries(tree):
    """List the libraries of this machine that the programs of a tree load."""
    binaries = [
        path
        for path in tree.rglob("*")
        if path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF"
    ]
    own = {path.name for path in binaries}
    told = subprocess.run(
        [program("ldd"), *binaries],
        capture_output=True,
        text=True,
        check=False,
        env={"LD_LIBRARY_PATH": str(tree / "usr/lib/postfix"), "PATH": os.environ["PATH"]},
    )
    found = {Path(path) for path in re.findall(r"(?m)(/\S+) \(0x", told.stdout)}
    return [path for path in found if path.name not in own]


class Cell:
    """The folder, and what runs in it."""

    def __init__(self, root, package, certificate):
        tree = unpacked(package)
        self.root = root
        shutil.copytree(tree, root, symlinks=True)
        root.chmod(0o755)
        plugins = sorted(Path("/usr/lib").glob("*/sasl2/lib*.so*"))
        for path in (*libraries(tree), *plugins):
            self.place(path, str(path))
        for folder in ("dev", "tmp", "run", "var/run", "var/spool", "var/mail", "var/log"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "tmp").chmod(0o1777)
        for name, minor in (("null", 3), ("urandom", 9)):
            os.mknod(root / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(1, minor))
            (root / "dev" / name).chmod(0o666)
        self.place(certificate, CERTIFICATES)
        self._name_users()

    def _name_users(self):
        everybody = [
            "root:x:0:0::/root:/bin/false",
            "nobody:x:65534:65534::/nonexistent:/bin/false",
        ]
        groups = ["root:x:0:", "nogroup:x:65534:", "mail:x:8:"]
        for number, name in enumerate(USERS, FIRST_UID):
            everybody.append(f"{name}:x:{number}:{number}::/nonexistent:/bin/false")
            groups.append(f"{name}:x:{number}:")
        self.write("etc/passwd", "\n".join(everybody) + "\n")
        self.write("etc/group", "\n".join(groups) + "\n")
        self.write("etc/hosts", "127.0.0.1 localhost\n")
        self.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
        self.write("etc/resolv.conf", "nameserver 127.0.0.1\n")
        self.write("etc/mailname", "mta.example.com\n")
        self.place(Path("/etc/services"), "etc/services")

    def place(self, path, where):
        """Copy a file of this machine into the folder."""
        to = self.root / where.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, to)

    def write(self, where, text, mode=0o644):
        path = self.root / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def own(self, where, user, mode=0o755, group=None):
        """Make a folder that belongs to one of the users."""
        path = self.root / where
        path.mkdir(parents=True, exist_ok=True)
        uid = FIRST_UID + USERS.index(user)
        os.chown(path, uid, FIRST_UID + USERS.index(group or user))
        path.chmod(mode)

    def give_group(self, where, name):
        """Make a program run with the rights of a group, as the package does when installed."""
        os.chown(self.root / where, 0, FIRST_UID + USERS.index(name))
        (self.root / where).chmod(0o2755)

    def remove(self):
        shutil.rmtree(self.root)

    def files(self, *folders):
        """Count the files below folders."""
        return sum(path.is_file() for folder in folders for path in (self.root / folder).rglob("*"))

    async def run(self, *command, said=b""):
        return await run(program("chroot"), self.root, *command, said=said)

    @asynccontextmanager
    async def running(self, *command):
        """Run a server while the test lasts; its output goes to `log`."""
        with (self.root / "log").open("wb") as log:
            server = await asyncio.create_subprocess_exec(
                *(program("chroot"), self.root, *command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/sbin:/usr/bin"},
                start_new_session=True,  # it has children, and all of them have to go
            )
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                await server.wait()

    @property
    def log(self):
        return (self.root / "log").read_text(errors="replace")
