"""Ways in through `ses-relay serve`, as a whole process.

Inherited sockets, a PROXY header, CRAM-MD5, a client certificate.
"""

import asyncio
import contextlib
import fcntl
import os
import smtplib
import socket
import ssl
import sys
from dataclasses import dataclass

import pytest
from authority import Authority
from relay_process import ROOT, environment, serving
from relay_world import MAIL, eventually, simulated
from serve_config import written
from smtp_fakes import PASSWORD, certificate_files
from smtp_line import SmtpLine

# Puts the descriptors where systemd puts them, says so under our own number, and becomes the relay.
AS_SYSTEMD_DOES = """
import os, sys
for place, number in enumerate(map(int, sys.argv[1].split(","))):
    os.dup2(number, 3 + place, inheritable=True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, "-m", "relay", *sys.argv[2:]])
"""


BRANCH = '  - {name: branch, identify_by: network, networks: ["192.0.2.0/24"], senders: ["*"]}\n'
PRINTER = f'  - {{name: printer, password: {{secret: "{PASSWORD}"}}, senders: ["*@example.com"]}}\n'
SHOP = """\
  - name: shop
    identify_by: certificate
    certificates: ["sha256:{fingerprint}"]
    senders: ["*@example.com"]
"""
VERSION_2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"  # PROXY, TCP over IPv4, 12 octets follow


def changed(path, *pairs):
    """Change the small configuration; every text must be there."""
    text = path.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text)
    return path


async def taken(ses, line):
    assert (await line.send(MAIL)).startswith("250 2.0.0 Ok ")
    return ses.messages[-1]


async def http_get(port, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    status = await reader.readline()
    writer.close()
    return status


@dataclass
class Passed:
    """A listening socket that the service manager opened."""

    socket: socket.socket

    @property
    def port(self):
        return self.socket.getsockname()[1]


@contextlib.contextmanager
def opened():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield Passed(listening)


async def ready(port):
    return (await http_get(port, "/readyz")).split()[1] == b"200"


@pytest.mark.parametrize("workers", [1, 2])
async def test_sockets_of_the_service_manager_serve_mail_and_http(tmp_path, workers):
    with opened() as smtp, opened() as http:
        async with simulated() as ses:
            config = changed(
                written(tmp_path, ses.url, more=f"workers: {workers}\n"),
                ('bind: "127.0.0.1:0"', 'bind: "fd:smtp"'),
                ('http: {bind: "127.0.0.1:0"}', 'http: {bind: "fd:http"}'),
            )
            # The launcher moves them to 3 and 4, so they must stand clear of those.
            copies = [fcntl.fcntl(passed.socket, fcntl.F_DUPFD, 10) for passed in (smtp, http)]
            env = environment(tmp_path, LISTEN_FDS="2", LISTEN_FDNAMES="smtp:http")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", AS_SYSTEMD_DOES, ",".join(map(str, copies)),
                "serve", "--config", str(config),
                env=env, pass_fds=copies, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            for copy in copies:
                os.close(copy)
            try:
                async with SmtpLine.to("127.0.0.1", smtp.port) as line:
                    assert (await taken(ses, line)).destinations == ("b@example.org",)
                await eventually(lambda: ready(http.port))
            finally:
                process.terminate()
                assert await process.wait() == 0
        # systemd keeps the sockets, and starts the relay again when somebody connects.
        socket.create_connection(("127.0.0.1", smtp.port)).close()


@pytest.mark.parametrize(
    ("header", "user"),
    [
        (b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 25\r\n", "branch"),
        (VERSION_2 + bytes([192, 0, 2, 7, 127, 0, 0, 1]) + b"\x12\x67\0\x19", "branch"),
        (b"PROXY UNKNOWN\r\n", "local"),
    ],
    ids=["version 1", "version 2", "unknown"],
)
async def test_the_client_behind_a_proxy_is_known_by_its_own_network(tmp_path, header, user):
    async with simulated() as ses:
        config = changed(
            written(tmp_path, ses.url, users=BRANCH),
            ("    cleartext_auth", "    proxy_protocol: true\n    cleartext_auth"),
        )
        async with serving(config, environment(tmp_path)) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(header)
            line = SmtpLine(reader, writer)
            assert (await line.reply()).startswith("220 ")
            assert (await line.say("EHLO client.example")).startswith("250 ")
            await taken(ses, line)
            writer.close()
            [relayed] = await relay.logged("message.relayed")
            assert relayed["user"] == user
            [received] = relay.named("message.received")
            assert received["client"] == ("127.0.0.1" if user == "local" else "192.0.2.7")


async def test_without_the_header_nobody_is_let_in_through_a_proxys_listener(tmp_path):
    async with simulated() as ses:
        config = changed(
            written(tmp_path, ses.url),
            ("    cleartext_auth", "    proxy_protocol: true\n    cleartext_auth"),
        )
        async with serving(config, environment(tmp_path)) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(b"EHLO spoofer\r\n")
            said = await reader.read()
            writer.close()
            assert said[:1] in (b"4", b"5")
            assert said.count(b"\r\n") == 1


async def test_cram_md5_by_a_client_of_the_standard_library(tmp_path):
    async with simulated() as ses:
        config = changed(
            written(tmp_path, ses.url, users=PRINTER),
            ("    cleartext_auth: true", "    mechanisms: [CRAM-MD5]\n    cleartext_auth: true"),
        )
        async with serving(config, environment(tmp_path)) as relay:

            def session():
                with smtplib.SMTP("127.0.0.1", relay.port) as client:
                    client.ehlo("printer.example.com")
                    assert client.esmtp_features["auth"].split() == ["CRAM-MD5"]
                    with pytest.raises(smtplib.SMTPAuthenticationError):
                        client.login("printer", "wrong")
                    client.login("printer", PASSWORD)
                    assert not client.sendmail("a@example.com", ["b@example.org"], MAIL)

            await asyncio.to_thread(session)
            [accepted] = await relay.logged("smtp.authenticated")
            assert (accepted["user"], accepted["mechanism"]) == ("printer", "CRAM-MD5")
            [relayed] = await relay.logged("message.relayed")
            assert relayed["user"] == "printer"


async def test_a_certificate_instead_of_a_password(tmp_path):
    authority = Authority(tmp_path)
    certificate, key, fingerprint = authority.sign("shop.example.com")
    server = certificate_files()
    tls = (
        f"tls: {{certificate: {server.certificate[0]}, key: {tmp_path}/server.key, "
        f"client_ca: {authority.path}}}\n"
    )
    (tmp_path / "server.key").write_bytes(server.key[0].read_bytes())
    (tmp_path / "server.key").chmod(0o600)
    async with simulated() as ses:
        config = changed(
            written(tmp_path, ses.url, users=SHOP.format(fingerprint=fingerprint)),
            ("    tls: off\n    auth: optional\n    cleartext_auth: true\n", "    tls: implicit\n"),
            ("users:\n", f"{tls}users:\n"),
        )
        async with serving(config, environment(tmp_path)) as relay:
            context = ssl.create_default_context(cafile=server.certificate[0])
            context.check_hostname = False
            context.load_cert_chain(certificate, key)

            def session():
                with smtplib.SMTP_SSL("127.0.0.1", relay.port, context=context) as client:
                    assert not client.sendmail("a@example.com", ["b@example.org"], MAIL)

            await asyncio.to_thread(session)
            [relayed] = await relay.logged("message.relayed")
            assert relayed["user"] == "shop"
