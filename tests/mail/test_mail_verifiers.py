"""Signatures verified by programs that are not ours, after SES rewrote what it rewrites.

Mail::DKIM (Debian: libmail-dkim-perl) and opendkim (Debian: opendkim) read the public key from a
file instead of the DNS.
"""

import re
import shutil
import subprocess
from pathlib import Path

import dkim
import pytest
from mail_examples import key_lookup, rsa_key, shaped, signers
from odd_messages import ODD

SCRIPT = Path(__file__).with_name("verify_with_mail_dkim.pl")
PERL = shutil.which("perl")
OPENDKIM = shutil.which("opendkim", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

BIG = b"From: a@example.com\r\nSubject: big\r\n\r\n"
LARGE = [
    ("5_mb_of_base64", BIG + (b"QUJD" * 19 + b"\r\n") * 65_000),
    ("5_mb_of_blanks", BIG + b"words  with \t blanks  \r\n" * 220_000),
    ("5_mb_of_empty_lines", BIG + b"\r\n" * 2_500_000 + b"end\r\n"),
]


def as_ses_sends(octets):
    """Do to a message what SES does (SES Developer Guide, header-fields), and end it as SMTP does.

    SES's own signature is left out: no verifier here knows its key.
    """
    header, _, body = octets.partition(b"\r\n\r\n")
    header = re.sub(rb"(?im)^Date:[^\r]*", b"Date: Sun, 22 Nov 2026 00:00:00 +0000", header)
    header = re.sub(
        rb"(?im)^Message-ID:[^\r]*(\r\n[ \t][^\r]*)*",
        b"Message-ID: <0102-000000@eu-west-1.amazonses.com>",
        header,
    )
    end = b"" if body.endswith(b"\r\n") or not body else b"\r\n"
    return (
        b"Return-Path: <0102-000000@eu-west-1.amazonses.com>\r\n"
        + header
        + b"\r\nFeedback-ID: ::1.eu-west-1.x=:AmazonSES\r\nX-SES-Outgoing: 2026.11.22\r\n\r\n"
        + body
        + end
    )


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """Give the messages as files, and the file that stands for the DNS."""
    folder = tmp_path_factory.mktemp("sent")
    (folder / "keys").write_text(f"s1._domainkey.example.com {rsa_key().record}\n")
    (folder / "opendkim.conf").write_text(f"Mode v\nSyslog no\nTestPublicKeys {folder / 'keys'}\n")
    paths = []
    for name, octets in [*ODD, *LARGE]:
        path = folder / f"{name}.eml"
        path.write_bytes(as_ses_sends(shaped(octets, signers=signers()).content.octets()))
        paths.append(path)
    return folder, paths


def test_there_are_enough_of_them(sent):
    _, paths = sent
    assert len(paths) >= 300


def test_dkimpy_verifies_all(sent):
    _, paths = sent
    failed = [path.name for path in paths if not dkim.verify(path.read_bytes(), dnsfunc=key_lookup)]
    assert failed == []


@pytest.mark.skipif(
    PERL is None
    or subprocess.run(
        [PERL, "-MMail::DKIM", "-e", "1"], capture_output=True, check=False
    ).returncode,
    reason="needs Perl's Mail::DKIM (Debian: libmail-dkim-perl)",
)
def test_mail_dkim_verifies_all(sent):
    folder, paths = sent
    run = subprocess.run(
        [PERL, SCRIPT, folder / "keys"],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        check=True,
    )
    verdicts = dict(line.split(" ", 1) for line in run.stdout.splitlines())
    assert verdicts == {str(path): "pass" for path in paths}


@pytest.mark.skipif(OPENDKIM is None, reason="needs opendkim (Debian: opendkim)")
def test_opendkim_verifies_all(sent):
    folder, paths = sent
    run = subprocess.run(
        [OPENDKIM, "-x", folder / "opendkim.conf", "-t", ",".join(map(str, paths))],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (run.stdout + run.stderr).splitlines()
    verified = {line.split(": ")[1] for line in lines if line.endswith("succeeded")}
    assert verified == {str(path) for path in paths}


def test_the_verifiers_notice_a_change(sent):
    folder, paths = sent
    path = folder / "changed.eml"
    path.write_bytes(paths[0].read_bytes().replace(b"Subject: plain", b"Subject: forged"))
    assert not dkim.verify(path.read_bytes(), dnsfunc=key_lookup)
    if OPENDKIM is not None:
        run = subprocess.run(
            [OPENDKIM, "-x", folder / "opendkim.conf", "-t", path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "failed" in run.stdout + run.stderr
