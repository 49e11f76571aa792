"""Postfix, Exim and OpenSMTPD with the relay as their smart host, as their manuals tell it.

Each takes mail by SMTP on loopback, hands it to the relay with STARTTLS, AUTH and a verified
certificate, and returns mail for example.com, which is where bounces go, to a sink of the test.
"""

import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cell import CERTIFICATES, Cell
from front import USER
from relay_world import until
from smtp_fakes import PASSWORD


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Ports:
    """Where the server listens, where the relay does, and where bounces go."""

    own: int
    relay: int
    sink: int


def accepts(port):
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


class Queueing:
    """A server in its cell."""

    package = ""
    start = ()
    retry = ()
    queue = ()  # the folders whose files are messages that wait

    def __init__(self, folder, certificate, ports):
        self.ports = ports
        self.cell = Cell(folder / self.package, self.package, certificate)
        self.configure(self.cell, ports)

    def configure(self, cell, ports):
        """Write its files."""
        raise NotImplementedError

    @property
    def queued(self):
        """Messages that wait."""
        return self.cell.files(*self.queue)

    @asynccontextmanager
    async def running(self):
        async with self.cell.running(*self.start):
            await until(lambda: accepts(self.ports.own))
            yield self

    async def try_again(self):
        """Try what was deferred at once."""
        ran = await self.cell.run(*self.retry)
        assert ran.code == 0, ran.said


MAIN_CF = """\
compatibility_level = 3.6
mail_owner = postfix
setgid_group = postdrop
myhostname = mta.example.com
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
alias_maps =
maillog_file = /var/log/mail.log
relayhost = [127.0.0.1]:{ports.relay}
smtp_tls_policy_maps = inline:{{ {{[127.0.0.1]:{ports.relay} = secure match=localhost}} }}
smtp_tls_CAfile = /{certificates}
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = texthash:/etc/postfix/sasl_passwd
smtp_sasl_security_options = noanonymous
transport_maps = inline:{{ {{example.com = smtp:[127.0.0.1]:{ports.sink}}} }}
"""


class Postfix(Queueing):
    """Debian's Postfix, without its shell scripts: there is no shell in the cell."""

    package = "postfix"
    start = ("/usr/lib/postfix/sbin/master", "-s", "-c", "/etc/postfix")
    retry = ("/usr/sbin/postqueue", "-c", "/etc/postfix", "-f")
    queue = tuple(f"var/spool/postfix/{name}" for name in ("incoming", "active", "deferred"))

    def configure(self, cell, ports):
        cell.write("etc/postfix/main.cf", MAIN_CF.format(ports=ports, certificates=CERTIFICATES))
        services = (cell.root / "usr/share/postfix/master.cf.dist").read_text()
        own = f"127.0.0.1:{ports.own} inet"
        services = "\n".join(line.replace("smtp      inet", own) for line in services.splitlines())
        assert own in services
        cell.write("etc/postfix/master.cf", services + "\n")
        login = f"[127.0.0.1]:{ports.relay} {USER}:{PASSWORD}\n"
        cell.write("etc/postfix/sasl_passwd", login, mode=0o600)
        spool = "var/spool/postfix"
        for name in (
            *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming"),
            *("private", "saved", "trace"),
        ):
            cell.own(f"{spool}/{name}", "postfix", 0o700)
        cell.own(f"{spool}/maildrop", "postfix", 0o730, "postdrop")
        cell.own(f"{spool}/public", "postfix", 0o710, "postdrop")
        (cell.root / spool / "pid").mkdir()
        cell.own("var/lib/postfix", "postfix", 0o700)


EXIM_CONF = """\
primary_hostname = mta.example.com
exim_path = /usr/sbin/exim4
local_interfaces = 127.0.0.1.{ports.own}
acl_smtp_rcpt = accept
tls_advertise_hosts =
keep_environment =
begin routers
back:
  driver = manualroute
  domains = example.com
  transport = back
  route_list = * 127.0.0.1
  self = send
out:
  driver = manualroute
  transport = relay
  route_list = * localhost byname
  self = send
begin transports
back:
  driver = smtp
  port = {ports.sink}
  allow_localhost
relay:
  driver = smtp
  port = {ports.relay}
  allow_localhost
  hosts_require_tls = *
  hosts_require_auth = *
  tls_verify_certificates = /{certificates}
  tls_verify_hosts = *
begin retry
* * F,2h,10m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{user}^{password}
"""


class Exim(Queueing):
    """Debian's Exim, the light daemon."""

    package = "exim4-daemon-light"
    start = ("/usr/sbin/exim4", "-bdf")
    retry = ("/usr/sbin/exim4", "-qff")
    queue = ("var/spool/exim4/input",)

    def configure(self, cell, ports):
        text = EXIM_CONF.format(
            ports=ports, certificates=CERTIFICATES, user=USER, password=PASSWORD
        )
        cell.write("etc/exim4/exim4.conf", text)
        cell.own("var/spool/exim4", "Debian-exim", 0o750)
        cell.own("var/log/exim4", "Debian-exim", 0o750)

    @property
    def queued(self):
        """Exim keeps each message in two files."""
        return super().queued // 2


SMTPD_CONF = """\
table secrets file:/etc/secrets
listen on 127.0.0.1 port {ports.own}
action "out" relay host smtp+tls://relay@localhost:{ports.relay} auth <secrets>
action "back" relay host smtp+notls://127.0.0.1:{ports.sink}
match from any for domain "example.com" action "back"
match from any for any action "out"
"""


class OpenSmtpd(Queueing):
    """Debian's OpenSMTPD."""

    package = "opensmtpd"
    start = ("/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf")
    retry = ("/usr/sbin/smtpctl", "schedule", "all")
    queue = ("var/spool/smtpd/queue",)

    def configure(self, cell, ports):
        cell.write("etc/smtpd.conf", SMTPD_CONF.format(ports=ports))
        cell.write("etc/secrets", f"relay {USER}:{PASSWORD}\n", mode=0o640)
        (cell.root / "var/lib/opensmtpd/empty").chmod(0o755)
        cell.give_group("usr/sbin/smtpctl", "opensmtpq")

    @property
    def queued(self):
        """OpenSMTPD keeps the message beside one file for each recipient."""
        return super().queued // 2


SERVERS = (Postfix, Exim, OpenSmtpd)
