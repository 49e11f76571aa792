"""The units under a real systemd: started by a connection, confined, reloaded, watched, stopped."""

import re
from pathlib import Path

import pytest
from machine import TOP, Machine, can_be_made, until
from programs import program
from smtp_fakes import PASSWORD

from relay.service.certificate import make_certificate

UID = 61_100
CREDENTIALS = "/run/credentials/ses-relay.service"
CONFIG = f"""\
hostname: relay.example.com
listeners:
  - {{bind: "fd:smtp", tls: starttls_required}}
tls: {{certificate: cert.pem, key: {CREDENTIALS}/secret_key.pem}}
users:
  - name: shop
    password: {{secret: {{file: {CREDENTIALS}/secret_shop}}}}
    senders: ["*@example.com"]
routes:
  default: {{region: eu-west-1, endpoint_url: "http://127.0.0.1:8026"}}
"""
ENVIRONMENT = "AWS_ACCESS_KEY_ID=simulator\nAWS_SECRET_ACCESS_KEY=simulator\n"

SEND = f"""
import smtplib
with smtplib.SMTP("127.0.0.1", 587, timeout=30) as smtp:
    smtp.starttls()
    smtp.login("shop", {PASSWORD!r})
    smtp.sendmail("a@example.com", ["b@example.org"], "From: a@example.com\\n\\nIt works.")
"""

KNOCK_WHILE_IT_RESTARTS = """
import socket, subprocess
restart = subprocess.Popen(["systemctl", "restart", "ses-relay"])
heard = set()
while restart.poll() is None:
    with socket.create_connection(("127.0.0.1", 587), timeout=30) as smtp:
        heard.add(smtp.recv(3).decode())
print(restart.returncode, *sorted(heard))
"""


BOOT = """\
mount --bind {targets} /lib/systemd/system
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export container=ses-relay-test
exec /lib/systemd/systemd --system --unit=sockets.target --log-target=null
"""
# What units depend on without saying so. The machine's own services stay out.
TARGETS = ("basic", "sysinit", "sockets", "network", "network-online", "shutdown", "slices")

LOGS = """\
[Service]
StandardOutput=append:/run/log/%p.log
StandardError=append:/run/log/%p.log
"""

SIMULATOR = """\
[Service]
ExecStart=/opt/ses-relay/bin/ses-relay simulator
"""


class Booted(Machine):
    """One that systemd runs."""

    def __init__(self, root):
        super().__init__(root)
        self.write("etc/passwd", f"root:x:0:0::/root:/bin/sh\nses-relay:x:{UID}:{UID}::/:/bin/sh\n")
        self.write("etc/group", f"root:x:0:\nses-relay:x:{UID}:\n")
        self.write("etc/machine-id", "0" * 31 + "1\n")
        for name in TARGETS:
            text = Path(f"/lib/systemd/system/{name}.target").read_text()
            self.write(f"targets/{name}.target", text)
        for unit in (TOP / "systemd").iterdir():
            self.write(f"run/systemd/system/{unit.name}", unit.read_text())
        self.write("run/systemd/system/service.d/log.conf", LOGS)
        self.write("run/systemd/system/simulator.service", SIMULATOR)

    def start(self):
        script = BOOT.format(targets=self.root / "targets")
        self.boot(script, lambda: self.state("sockets.target") == "active")

    def state(self, unit="ses-relay.service"):
        return self.run("systemctl", "is-active", unit).stdout.strip()

    def property(self, name, unit="ses-relay.service"):
        return self.do("systemctl", "show", "--value", "--property", name, unit).strip()


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    can_be_made()
    program("systemctl")
    root = tmp_path_factory.mktemp("booted")
    booted = Booted(root)
    certificate, key = make_certificate(root)
    booted.write("etc/ses-relay/config.yaml", CONFIG, mode=0o640, group=UID)
    booted.write("etc/ses-relay/cert.pem", certificate.read_text())
    booted.write("etc/ses-relay/secrets/key.pem", key.read_text(), mode=0o600)
    booted.write("etc/ses-relay/secrets/shop", PASSWORD, mode=0o600)
    booted.write("etc/ses-relay/environment", ENVIRONMENT)
    try:
        booted.start()
        yield booted
    finally:
        booted.halt()


@pytest.fixture
def running(machine):
    """Have the relay run, whatever another test left."""
    machine.do("systemctl", "reset-failed")
    machine.do("systemctl", "start", "simulator", "ses-relay.socket", "ses-relay")
    return machine


def test_a_connection_starts_the_relay(running):
    running.do("systemctl", "stop", "ses-relay")
    assert running.state() == "inactive"
    running.python(SEND)
    assert running.state() == "active"
    (started, *_) = reversed(running.events("relay.started"))
    assert started["listeners"] == ["0.0.0.0:587", "[::]:587"]
    assert running.events("message.relayed")


def test_secrets_are_the_relays_alone(running):
    where = f"{CREDENTIALS}/secret_shop"
    assert running.run("cat", where, user=UID).stdout == PASSWORD
    assert running.run("cat", where, user=65534).returncode
    assert running.run("cat", "/etc/ses-relay/secrets/shop", user=UID).returncode


def test_its_commands_run_as_its_user(running):
    said = running.run("/opt/ses-relay/bin/ses-relay", "queue", "summary", user=UID)
    assert (said.returncode, said.stdout) == (0, "the queue is empty\n"), said.stderr


def test_it_is_confined(running):
    status = running.do("cat", f"/proc/{running.property('MainPID')}/status")
    told = dict(re.findall(r"(?m)^(\w+):\t(.+)$", status))
    assert set(told["Uid"].split()) == {str(UID)}
    assert int(told["CapBnd"], 16) == 1 << 10  # CAP_NET_BIND_SERVICE
    assert (told["NoNewPrivs"], told["Seccomp"]) == ("1", "2")


def test_a_reload_takes_a_good_file_and_leaves_the_old_one_for_a_broken_one(running):
    for text, level in (
        (CONFIG.replace("senders", "lane: bulk\n    senders"), "info"),
        (CONFIG + "logg: {}\n", "error"),
        (CONFIG, "info"),
    ):
        before = len(running.events("relay.reloaded"))
        running.write("etc/ses-relay/config.yaml", text, mode=0o640, group=UID)
        running.do("systemctl", "reload", "ses-relay")
        told = until(lambda: running.events("relay.reloaded")[before:])  # noqa: B023 - called at once
        assert [line["level"] for line in told] == [level], told
        running.python(SEND)


def test_nobody_is_refused_while_it_restarts(running):
    code, *heard = running.python(KNOCK_WHILE_IT_RESTARTS).split()
    assert code == "0"
    assert set(heard) <= {"220", "421"}


def test_a_killed_relay_comes_back(running):
    restarts = int(running.property("NRestarts"))
    running.do("systemctl", "kill", "--signal=KILL", "ses-relay")
    until(lambda: int(running.property("NRestarts")) > restarts)
    running.python(SEND)


def test_a_relay_that_hangs_is_ended_and_comes_back(running):
    running.write(
        "run/systemd/system/ses-relay.service.d/watchdog.conf", "[Service]\nWatchdogSec=1s\n"
    )
    running.do("systemctl", "daemon-reload")
    running.do("systemctl", "restart", "ses-relay")
    hung = running.property("MainPID")
    running.do("kill", "-STOP", hung)
    until(lambda: running.property("MainPID") not in {hung, "0"})
    running.python(SEND)


def test_a_stop_drains_and_is_no_failure(running):
    running.do("systemctl", "stop", "ses-relay.socket", "ses-relay")
    assert running.state() == "inactive"
    assert running.property("Result") == "success"
    assert running.events("relay.stopped")[-1]["in_flight"] == 0
