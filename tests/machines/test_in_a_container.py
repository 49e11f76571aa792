"""The relay as its image runs it: process 1, no capabilities, a root file system that is read-only.

What the Dockerfile says (user, folders, command, health check) is taken from there.
"""

import json
import os
import re
import shlex

import pytest
from machine import TOP, Machine, can_be_made, until
from smtp_fakes import PASSWORD

DOCKERFILE = (TOP / "Dockerfile").read_text()
CONFIG = """\
hostname: relay.example.com
listeners:
  - bind: "0.0.0.0:2525"
    tls: off
    auth: required
    cleartext_auth: true
    networks: ["127.0.0.0/8"]
users:
  - {name: shop, password: {secret: {file: shop-password}}, senders: ["*@example.com"]}
routes:
  default: {region: eu-west-1, endpoint_url: "http://127.0.0.1:1"}
queue: {wait: 1s}
http: {bind: "0.0.0.0:8080"}
"""

BOOT = """\
mount -t tmpfs tmpfs /tmp
/opt/ses-relay/bin/python -c '{loopback}'
mount --bind /var/lib/ses-relay /var/lib/ses-relay
for folder in / /etc /opt /opt/source /opt/packages /opt/python /run /tmp /var; do
  mount -o remount,bind,ro $folder
done
export PATH=/opt/ses-relay/bin:/usr/bin:/bin AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b
cd /
exec setpriv --reuid={uid} --regid={gid} --clear-groups --no-new-privs --pdeathsig=keep \\
  --bounding-set=-all --inh-caps=-all {command} >/run/log/ses-relay.log 2>&1 </dev/null
"""
# The network of a new namespace is down (netdevice(7): SIOCSIFFLAGS, IFF_UP).
LOOPBACK = """
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 1))
"""

SEND = f"""
import smtplib
with smtplib.SMTP("127.0.0.1", 2525, timeout=30) as smtp:
    smtp.login("shop", {PASSWORD!r})
    smtp.sendmail("a@example.com", ["b@example.org"], "From: a@example.com\\n\\nIt works.")
"""


def said(instruction):
    """Give what the image's last stage says."""
    return re.findall(rf"(?m)^{instruction} (.+)$", DOCKERFILE)[-1]


class Container(Machine):
    """What a container engine makes of the image."""

    def __init__(self, root, uid, gid):
        super().__init__(root)
        self.uid, self.gid = uid, gid
        self.write("etc/ses-relay/config.yaml", CONFIG, mode=0o640, group=gid)
        self.write("etc/ses-relay/shop-password", PASSWORD, mode=0o640, group=gid)
        volume = root / "var/lib/ses-relay"
        owner, group, mode = re.search(
            r"install -d -o (\d+) -g (\d+) -m (\d+) /var", DOCKERFILE
        ).groups()
        volume.mkdir()
        volume.chmod(int(mode, 8))
        os.chown(volume, int(owner), int(group))

    def start(self):
        command = shlex.join(json.loads(said("ENTRYPOINT")) + json.loads(said("CMD")))
        script = BOOT.format(loopback=LOOPBACK, uid=self.uid, gid=self.gid, command=command)
        self.boot(script, lambda: self.events("relay.started"))


@pytest.fixture(params=["the image's user", "an arbitrary one"])
def container(request, tmp_path):
    can_be_made()
    uid, gid = said("USER").split(":") if "image" in request.param else ("12345", "0")
    made = Container(tmp_path, int(uid), int(gid))
    try:
        made.start()
        yield made
    finally:
        made.halt()


def test_it_keeps_mail_on_its_volume_and_stops_when_told(container):
    _, *health = json.loads(re.search(r"HEALTHCHECK.+\\\n +CMD (.+)", DOCKERFILE)[1])
    container.do("/opt/ses-relay/bin/python", *health)
    container.python(SEND)
    assert container.events("message.deferred")
    assert container.do("ls", "/var/lib/ses-relay")
    container.do("kill", "-TERM", "1")
    until(lambda: container.ended() is not None)
    assert container.ended() == 0
    assert container.events("relay.stopped")[-1]["in_flight"] == 0


def test_it_runs_without_rights_and_on_folders_that_nobody_writes(container):
    status = dict(re.findall(r"(?m)^(\w+):\t(.+)$", container.do("cat", "/proc/1/status")))
    assert set(status["Uid"].split()) == {str(container.uid)}
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    for folder in ("/", "/etc/ses-relay", "/opt/ses-relay", "/run", "/tmp", "/var"):
        assert "Read-only" in container.run("touch", f"{folder}/file").stderr
