"""Other people's relays, side by side with ours: each on loopback, in a folder of its own.

What is not installed is left out, with the reason. Postfix is unpacked in SES_RELAY_MTAS and runs
in a root folder of its own, as in tests/clients; npm's packages are in SES_RELAY_NODE_MODULES:

    apt-get download postfix && dpkg -x postfix_*.deb "$SES_RELAY_MTAS/postfix"
    npm install --prefix DIR Haraka smtp-server @aws-sdk/client-ses   # …=DIR/node_modules
"""

import os
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from processes import HERE, Program, free_port

TESTS = HERE.parent
sys.path[:0] = [str(TESTS / "clients"), str(TESTS / "scenarios"), str(TESTS), str(TESTS.parent)]


class Absent(Exception):  # noqa: N818 - no error: it says why there is nothing to measure
    """Is not here, and why."""


def modules(*packages):
    """Give the folder that has these npm packages."""
    folder = Path(os.environ.get("SES_RELAY_NODE_MODULES", "node_modules")).absolute()
    if shutil.which("node") is None:
        raise Absent("Node.js is not installed")
    for package in packages:
        if not (folder / package).is_dir():
            raise Absent(f"npm's {package} is not in SES_RELAY_NODE_MODULES")
    return folder


@contextmanager
def discarding(_folder, _ses):
    """Run aiosmtpd as it comes, throwing mail away."""
    with Program(HERE / "naive.py") as program:
        yield program, None


@contextmanager
def naive(_folder, ses):
    """Run 40 lines of aiosmtpd and aioboto3."""
    with Program(HERE / "naive.py", f"http://127.0.0.1:{ses.port}") as program:
        yield program, None


@contextmanager
def node(_folder, ses):
    """Run smtp-server and the AWS SDK."""
    folder = modules("smtp-server", "@aws-sdk/client-ses")
    url = f"http://127.0.0.1:{ses.port}"
    with Program(HERE / "smtp_server.js", folder, url, program="node") as program:
        yield program, None


# Where there is no DNS Haraka would wait for the client's name before it greets.
NO_NAMES = "exports.hook_lookup_rdns = (next) => next(OK, 'localhost');\n"


@contextmanager
def haraka(folder, _ses):
    """Run Haraka, which forwards each message to the next SMTP server while the client waits."""
    package = modules("Haraka") / "Haraka"
    with sink(folder) as hop:
        config, port = folder / "config", free_port()
        config.mkdir()
        for name, text in {
            "smtp.ini": f"listen=127.0.0.1:{port}\nnodes=\n",
            "plugins": "no_names\nrelay\nqueue/smtp_forward\n",
            "relay.ini": "[relay]\nacl=true\n",
            "relay_acl_allow": "127.0.0.0/8\n",
            "smtp_forward.ini": f"host=127.0.0.1\nport={hop.port}\nenable_outbound=false\n",
            "log.ini": "[main]\nlevel=ERROR\n",
            "me": "haraka.example.com\n",
            "host_list": "example.com\n",
        }.items():
            (config / name).write_text(text)
        shutil.copy(package / "config/connection.ini", config)
        (folder / "plugins").mkdir()
        (folder / "plugins/no_names.js").write_text(NO_NAMES)
        with (
            (folder / "log").open("w") as log,
            Program(
                *(package / "bin/haraka", "-c", folder), program="node", port=port, log=log
            ) as running,
        ):
            yield running.listening(), None


@contextmanager
def postfix(folder, _ses):
    """Run Debian's Postfix: a durable queue, then SMTP to the next server."""
    _unpacked()
    from queueing import Ports, Postfix
    from smtp_fakes import certificate_files

    class Relaying(Postfix):
        def configure(self, cell, ports):
            super().configure(cell, ports)
            main = cell.root / "etc/postfix/main.cf"
            main.write_text(main.read_text() + PLAIN)

    with sink(folder) as hop:
        port = free_port()
        [certificate] = certificate_files().certificate
        made = Relaying(folder, certificate, Ports(own=port, relay=hop.port, sink=0))
        start = (made.cell.root, *made.start)

        def drained(_count):
            while made.queued:
                time.sleep(0.02)

        with (
            (folder / "log").open("w") as log,
            Program(*start, program=shutil.which("chroot"), port=port, log=log) as running,
        ):
            yield running.listening(), drained


# The last word in main.cf counts: a next hop in clear, and messages as large as ours.
PLAIN = """\
smtp_tls_policy_maps =
smtp_sasl_auth_enable = no
transport_maps =
message_size_limit = 67108864
mailbox_size_limit = 0
"""


def _unpacked():
    import pytest
    from cell import unpacked

    try:
        return unpacked("postfix")
    except pytest.skip.Exception as reason:
        raise Absent(str(reason)) from None


def sink(folder):
    """Start the next hop of those that speak SMTP: Postfix's own sink."""
    tree, port = _unpacked(), free_port()
    libraries = {"LD_LIBRARY_PATH": str(tree / "usr/lib/postfix")}
    with (folder / "sink.log").open("w") as log:
        return Program(
            *("-u", "nobody", f"127.0.0.1:{port}", "1000"),
            program=tree / "usr/sbin/smtp-sink",
            port=port,
            log=log,
            env=libraries,
        ).listening()


def smtp_source():
    """Give a generator as `processes.load` is one: Postfix's, which knows no TLS."""
    tree = _unpacked()
    libraries = {"LD_LIBRARY_PATH": str(tree / "usr/lib/postfix")}

    def generate(port, *options):
        asked = dict(zip(options[::2], options[1::2], strict=True))
        command = [
            *(tree / "usr/sbin/smtp-source", "-d", "-M", "load"),
            *("-f", "tickets@example.com", "-t", "someone@example.org"),
            *("-s", asked["--sessions"], "-m", asked["--messages"], "-l", asked["--size"]),
            f"127.0.0.1:{port}",
        ]
        before, began = _children(), time.perf_counter()
        subprocess.run(list(map(str, command)), check=True, env=libraries)
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "cpu_seconds": _children() - before, "refusals": {}}

    return generate


def _children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


PEERS = {
    "stock aiosmtpd, mail thrown away": discarding,
    "40 lines: aiosmtpd + aioboto3": naive,
    "Node smtp-server + AWS SDK": node,
    "Haraka, forwards": haraka,
    "Postfix, own queue": postfix,
}
