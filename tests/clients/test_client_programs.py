"""Programs and libraries that people send with: each by TLS and AUTH, verifying the certificate."""

import ssl
from email.message import EmailMessage

import aiosmtplib
import pytest
from front import RECIPIENT, SENDER, UNVERIFIED, USER, fronting, run
from programs import node_with, perl_with, program
from smtp_fakes import PASSWORD

from relay.model.settings import TlsMode

BOTH = pytest.mark.parametrize("tls", [TlsMode.STARTTLS_REQUIRED, TlsMode.IMPLICIT])


@pytest.fixture
async def front(tmp_path, request):
    tls = request.getfixturevalue("tls") if "tls" in request.fixturenames else None
    async with fronting(tmp_path, tls or TlsMode.STARTTLS_REQUIRED) as opened:
        yield opened


def message(subject):
    return f"From: {SENDER}\nTo: {RECIPIENT}\nSubject: {subject}\n\nIt works.\n".encode()


def swaks(front, tls, *more):
    on = "--tls" if tls is TlsMode.STARTTLS_REQUIRED else "--tls-on-connect"
    return run(
        *(program("swaks"), "--server", f"localhost:{front.port}", on, "--tls-verify"),
        *("--tls-ca-path", front.certificate, "--from", SENDER, "--to", RECIPIENT),
        *("--auth-user", USER, "--auth-password", PASSWORD, "--header", "Subject: swaks", *more),
    )


@BOTH
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_swaks(front, tls, mechanism):
    ran = await swaks(front, tls, "--auth", mechanism)
    assert ran.code == 0, ran.said
    await front.took("swaks")


async def test_swaks_hears_a_wrong_password(front):
    ran = await swaks(front, TlsMode.STARTTLS_REQUIRED, "--auth", "PLAIN", "--auth-password", "no")
    assert ran.code == 28, ran.said  # swaks: no AUTH that worked
    assert "535 5.7.8" in ran.said
    assert not front.ses.messages


@BOTH
async def test_msmtp(front, tls, tmp_path):
    settings = tmp_path / "msmtprc"
    immediate = "off" if tls is TlsMode.IMPLICIT else "on"
    settings.write_text(
        f"account default\nhost localhost\nport {front.port}\ntls on\ntls_starttls {immediate}\n"
        f"tls_trust_file {front.certificate}\nauth on\nuser {USER}\npassword {PASSWORD}\n"
        f"from {SENDER}\n"
    )
    settings.chmod(0o600)
    ran = await run(program("msmtp"), "-C", settings, RECIPIENT, said=message("msmtp"))
    assert ran.code == 0, ran.said
    await front.took("msmtp")


@BOTH
async def test_curl(front, tls, tmp_path):
    scheme = "smtps" if tls is TlsMode.IMPLICIT else "smtp"
    (tmp_path / "mail.eml").write_bytes(message("curl").replace(b"\n", b"\r\n"))
    ran = await run(
        *(program("curl"), "--silent", "--show-error", f"{scheme}://localhost:{front.port}"),
        *("--ssl-reqd", "--cacert", front.certificate, "--user", f"{USER}:{PASSWORD}"),
        *("--mail-from", SENDER, "--mail-rcpt", RECIPIENT, "--upload-file", tmp_path / "mail.eml"),
    )
    assert ran.code == 0, ran.said
    await front.took("curl")


@BOTH
async def test_s_nail(front, tls):
    url = f"{'smtps' if tls is TlsMode.IMPLICIT else 'smtp'}://{USER}@localhost:{front.port}"
    variables = {
        "v15-compat": "yes",
        "mta": url,
        "from": SENDER,
        "password": PASSWORD,
        "smtp-auth": "plain",
        "smtp-use-starttls": "yes",
        "tls-ca-file": front.certificate,
        "tls-ca-no-defaults": "yes",
        "tls-verify": "strict",
        "sendwait": "yes",
    }
    set_all = [word for name, value in variables.items() for word in ("-S", f"{name}={value}")]
    command = [program("s-nail"), "-:/", *set_all, "-s", "s-nail", RECIPIENT]
    ran = await run(*command, said=b"It works.\n")
    assert ran.code == 0, ran.said
    await front.took("s-nail")


NODEMAILER = """
const [port, secure, user, pass, ca, from, to] = process.argv.slice(1);
const transport = require("nodemailer").createTransport({
  host: "localhost", port: Number(port), secure: secure === "true", requireTLS: true,
  auth: {user, pass}, tls: {ca: require("fs").readFileSync(ca)},
});
transport.sendMail({from, to, subject: "nodemailer", text: "It works."})
  .then(sent => console.log(sent.response))
  .catch(error => { console.error(error.message); process.exit(1); });
"""


@BOTH
async def test_nodemailer(front, tls):
    node, modules = node_with("nodemailer")
    secure = "true" if tls is TlsMode.IMPLICIT else "false"
    ran = await run(
        *(node, "-e", NODEMAILER, front.port, secure, USER, PASSWORD, front.certificate),
        *(SENDER, RECIPIENT),
        NODE_PATH=str(modules),
    )
    assert ran.code == 0, ran.said
    sent = await front.took("nodemailer")
    assert ran.said == f"250 2.0.0 Ok {sent.id}\n"


@BOTH
async def test_aiosmtplib(front, tls):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER, RECIPIENT, "aiosmtplib"
    mail.set_content("It works.")
    implicit = tls is TlsMode.IMPLICIT
    _, response = await aiosmtplib.send(
        mail,
        hostname="localhost",
        port=front.port,
        use_tls=implicit,
        start_tls=not implicit,
        username=USER,
        password=PASSWORD,
        tls_context=ssl.create_default_context(cafile=front.certificate),
    )
    sent = await front.took("aiosmtplib")
    assert response == f"2.0.0 Ok {sent.id}"


NET_SMTP = """
use strict; use Net::SMTP;
my ($port, $implicit, $user, $password, $ca, $from, $to) = @ARGV;
my %tls = (SSL_ca_file => $ca, SSL_verifycn_name => "localhost");
my $smtp = Net::SMTP->new("localhost", Port => $port, $implicit ? (SSL => 1) : (), %tls)
  or die "no connection: $@";
if (!$implicit) { $smtp->starttls(%tls) or die "no TLS: $@" }
$smtp->auth($user, $password) or die "no AUTH: " . $smtp->message;
$smtp->mail($from) && $smtp->to($to) && $smtp->data or die $smtp->message;
$smtp->datasend("From: $from\\nTo: $to\\nSubject: Net::SMTP\\n\\nIt works.\\n");
$smtp->dataend or die $smtp->message;
print $smtp->message;
$smtp->quit;
"""


@BOTH
async def test_perl_net_smtp(front, tls):
    for module in ("IO::Socket::SSL", "Authen::SASL"):
        perl = perl_with(module)
    ran = await run(
        *(perl, "-e", NET_SMTP, front.port, int(tls is TlsMode.IMPLICIT), USER, PASSWORD),
        *(front.certificate, SENDER, RECIPIENT),
    )
    assert ran.code == 0, ran.said
    sent = await front.took("Net::SMTP")
    assert f"Ok {sent.id}" in ran.said


async def test_a_refusal_by_ses_is_the_programs_own_failure(front):
    front.ses.script(UNVERIFIED)
    ran = await swaks(front, TlsMode.STARTTLS_REQUIRED, "--auth", "PLAIN")
    assert ran.code == 26, ran.said  # swaks: refused after DATA
    assert "554 5.7.1 Amazon SES: Email address is not verified." in ran.said
