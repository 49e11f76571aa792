"""The demo, tried as its first user tries it: with the clients that everybody has.

One process serves all tests of this file. What SES took is looked at both ways: by the control
path of the simulator and on the page that a person opens.
"""

import base64
import json
import re
import smtplib
import ssl
import subprocess
import sys
import threading
import urllib.request
from dataclasses import dataclass

import pytest
from programs import program
from relay_process import ROOT, environment
from relay_world import PATIENCE

from relay.service.demo import PASSWORD, USER

READY = re.compile(
    r"SMTP (?P<host>[\d.]+):(?P<port>\d+), simulated SES (?P<ses>\S+),\s+"
    r"dashboard and inbox (?P<http>\S+)/"
)
MAIL = "From: me@example.com\nTo: you@example.org\nSubject: {subject}\n\nIt works by {subject}.\n"


@dataclass
class Demo:
    """A demo that is ready, and what it printed."""

    welcome: str
    host: str
    port: int
    ses: str
    http: str

    def arrived(self, subject):
        """Give the one message of that subject that SES took."""
        with urllib.request.urlopen(f"{self.ses}/_simulator/messages", timeout=PATIENCE) as answer:
            messages = json.load(answer)
        line = f"\r\nSubject: {subject}\r\n".encode()
        raws = [(message, base64.b64decode(message["raw"])) for message in messages]
        [(message, raw)] = [(message, raw) for message, raw in raws if line in raw]
        return message, raw

    def page(self, path):
        with urllib.request.urlopen(f"{self.http}{path}", timeout=PATIENCE) as answer:
            return answer.read().decode()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Start `ses-relay demo` on free ports, and end it as Ctrl-C does."""
    home = tmp_path_factory.mktemp("home")
    ports = [word for name in ("smtp", "http", "ses") for word in (f"--{name}", "127.0.0.1:0")]
    with subprocess.Popen(
        [sys.executable, "-m", "relay", "demo", *ports],
        cwd=ROOT,
        env=environment(home, AWS_PROFILE="no such profile", PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines, ready = [], threading.Event()

        def listen():
            for line in process.stdout:
                lines.append(line)
                if "Stop with Ctrl-C" in line:
                    ready.set()
            ready.set()

        listening = threading.Thread(target=listen)
        listening.start()
        try:
            assert ready.wait(2 * PATIENCE), lines
            welcome = "".join(lines)
            found = READY.search(welcome)
            assert found, welcome
            yield Demo(
                welcome=welcome,
                host=found["host"],
                port=int(found["port"]),
                ses=found["ses"],
                http=found["http"],
            )
            process.send_signal(2)
            assert process.wait(2 * PATIENCE) == 0, lines
        finally:
            process.kill()
            listening.join(PATIENCE)
    assert not [line for line in lines if "relay.fault" in line or "Traceback" in line], lines


def check_inbox(demo, subject, *, user="local"):
    """Look at one message as SES has it and as a person sees it."""
    message, raw = demo.arrived(subject)
    assert message["source"] == "me@example.com"
    assert message["destinations"] == ["you@example.org"]
    assert message["tags"]["relay-user"] == user
    assert f"It works by {subject}." in raw.decode()
    assert subject in demo.page("/")
    shown = demo.page(f"/inbox/{message['id']}")
    for words in (f"It works by {subject}.", "me@example.com", "you@example.org", message["id"]):
        assert words in shown
    return raw


def test_the_command_that_the_demo_prints_sends_the_first_message(demo):
    [line] = [line for line in demo.welcome.splitlines() if line.startswith("  python3 -c ")]
    ran = subprocess.run(line.strip(), shell=True, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    message, raw = demo.arrived("Hello")
    assert "It works." in raw.decode()
    assert "Hello" in demo.page("/")
    assert "It works." in demo.page(f"/inbox/{message['id']}")


def test_smtplib_in_the_clear(demo):
    with smtplib.SMTP(demo.host, demo.port, timeout=PATIENCE) as client:
        refused = client.sendmail(
            "me@example.com", ["you@example.org"], MAIL.format(subject="smtplib-clear")
        )
    assert refused == {}
    raw = check_inbox(demo, "smtplib-clear")
    assert b" with ESMTP\r\n" in raw


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_smtplib_with_starttls_and_auth(demo, mechanism):
    subject = f"smtplib-{mechanism}"
    with smtplib.SMTP(demo.host, demo.port, timeout=PATIENCE) as client:
        client.starttls(context=_trusting())
        client.ehlo()
        assert mechanism in client.esmtp_features["auth"].split()
        client.user, client.password = USER, PASSWORD
        code, _ = client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))
        assert code == 235
        client.sendmail("me@example.com", ["you@example.org"], MAIL.format(subject=subject))
    raw = check_inbox(demo, subject, user=USER)
    assert b" with ESMTPSA\r\n" in raw
    assert b"(version=TLSv1.3 cipher=" in raw


def _trusting():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_a_wrong_password_is_refused(demo):
    with smtplib.SMTP(demo.host, demo.port, timeout=PATIENCE) as client:
        client.starttls(context=_trusting())
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login(USER, "something else")
    assert refused.value.smtp_code == 535


def test_an_unverified_sender_is_told_so(demo):
    with (
        smtplib.SMTP(demo.host, demo.port, timeout=PATIENCE) as client,
        pytest.raises(smtplib.SMTPDataError) as refused,
    ):
        client.sendmail("me@stranger.example", ["you@example.org"], "Subject: x\n\nx\n")
    assert refused.value.smtp_code == 554


def test_curl(demo, tmp_path):
    letter = tmp_path / "letter.eml"
    letter.write_text(MAIL.format(subject="curl"), newline="\r\n")
    run(
        *(program("curl"), "--silent", "--show-error", f"smtp://{demo.host}:{demo.port}"),
        *("--mail-from", "me@example.com", "--mail-rcpt", "you@example.org"),
        *("--upload-file", letter),
    )
    check_inbox(demo, "curl")


def test_curl_with_tls_and_auth(demo, tmp_path):
    letter = tmp_path / "letter.eml"
    letter.write_text(MAIL.format(subject="curl-tls"), newline="\r\n")
    run(
        *(program("curl"), "--silent", "--show-error", f"smtp://{demo.host}:{demo.port}"),
        *("--ssl-reqd", "--insecure", "--user", f"{USER}:{PASSWORD}"),
        *("--mail-from", "me@example.com", "--mail-rcpt", "you@example.org"),
        *("--upload-file", letter),
    )
    check_inbox(demo, "curl-tls", user=USER)


def test_swaks(demo):
    said = run(
        *(program("swaks"), "--server", f"{demo.host}:{demo.port}", "--tls", "--auth", "LOGIN"),
        *("--auth-user", USER, "--auth-password", PASSWORD),
        *("--from", "me@example.com", "--to", "you@example.org"),
        *("--header", "Subject: swaks", "--body", "It works by swaks."),
    )
    assert "~> AUTH LOGIN" in said
    assert "<~  250 2.0.0 Ok " in said
    check_inbox(demo, "swaks", user=USER)


def run(*arguments):
    """Run a mail client to its end; gives what it said."""
    ran = subprocess.run(
        [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_demo_is_ready(demo):
    assert demo.page("/readyz")  # 503 would raise
    assert "ses_relay_smtp_sessions " in demo.page("/metrics")
