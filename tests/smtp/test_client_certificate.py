"""Users known by the certificate they show, who need no AUTH."""

import asyncio
import ssl
from dataclasses import replace
from ipaddress import ip_network

import pytest
from authority import Authority
from cryptography import x509
from smtp_fakes import ANYBODY, certificate_files, hashed_user, listening

from relay.model.settings import CertificateName, Fingerprint, IdentifyBy, User


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def known_by(*marks, name="app", networks=()):
    return User(
        name=name,
        identify_by=IdentifyBy.CERTIFICATE,
        certificates=marks,
        senders=ANYBODY,
        networks=tuple(map(ip_network, networks)),
    )


def asking(authority, *users, tls="implicit", **options):
    """Open a listener that asks for certificates and wants to know everybody."""
    files = replace(certificate_files(), client_ca=authority.path)
    return listening(users=users, tls=tls, tls_files=files, auth="required", **options)


def showing(certificate=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(*certificate[:2])
    return context


async def said(opened, context, *commands):
    """Say commands over implicit TLS; gives the last line of each reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", opened.port, ssl=context)
    replies = []
    try:
        for command in ("", "EHLO client.example", *commands):
            if command:
                writer.write(f"{command}\r\n".encode())
            while (line := (await reader.readline()).decode())[3:4] == "-":
                replies.append(line.rstrip())
            replies.append(line.rstrip())
    finally:
        writer.close()
    return replies


MAIL = ("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA", "x\r\n.")


async def test_who_shows_a_certificate_needs_no_auth(authority):
    certificate = authority.sign("app.example.com")
    async with asking(authority, known_by(CertificateName("app.example.com"))) as opened:
        replies = await said(opened, showing(certificate), *MAIL)
        assert replies[-1].startswith("250 2.0.0 ")
        [received] = opened.reception.received
        assert (received.client.user, received.client.authenticated) == ("app", False)


async def test_after_starttls_too(authority):
    certificate = authority.sign("app.example.com")
    user = known_by(CertificateName("app.example.com"))
    async with asking(authority, user, tls="starttls_required") as opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        for line in ("", "EHLO x", "STARTTLS"):
            if line:
                writer.write(f"{line}\r\n".encode())
            while (await reader.readline())[3:4] == b"-":
                pass
        await writer.start_tls(showing(certificate))
        writer.write(b"HELO x\r\n")
        assert (await reader.readline()).startswith(b"250 ")
        writer.write(b"MAIL FROM:<a@b.example>\r\n")
        assert (await reader.readline()).startswith(b"250 2.1.0 ")
        writer.close()


async def test_who_shows_none_may_log_in(authority):
    async with asking(authority, known_by(CertificateName("app")), hashed_user()) as opened:
        replies = await said(opened, showing(), MAIL[0])
        assert any(reply.startswith("250-AUTH ") for reply in replies)
        assert replies[-1].startswith("530 5.7.0 ")


async def test_a_certificate_of_no_user_changes_nothing(authority):
    certificate = authority.sign("other.example.com")
    async with asking(authority, known_by(CertificateName("app.example.com"))) as opened:
        assert (await said(opened, showing(certificate), MAIL[0]))[-1].startswith("530 5.7.0 ")


async def test_a_certificate_that_nobody_signed_ends_the_handshake(authority, tmp_path):
    stranger = Authority(tmp_path, "Somebody Else").sign("app.example.com")
    async with asking(authority, known_by(CertificateName("app.example.com"))) as opened:
        try:
            replies = await said(opened, showing(stranger), MAIL[0])
        except (ssl.SSLError, ConnectionError) as error:
            replies = [str(error)]  # TLS 1.3 tells a client late, or closes without a word
        assert not any(reply.startswith("2") for reply in replies)
        assert not opened.reception.transactions
        [refused] = opened.log.named("smtp.refused")
        assert refused["reason"] == "CERTIFICATE_VERIFY_FAILED"


@pytest.mark.parametrize(
    ("alternatives", "mark", "known"),
    [
        ((), "APP.example.com", True),  # the common name, where there is nothing else
        ((x509.DNSName("a.example"), x509.DNSName("b.example")), "b.example", True),
        ((x509.DNSName("a.example"),), "app.example.com", False),  # RFC 6125 §6.4.4
        ((x509.RFC822Name("app@example.com"),), "app@example.com", True),
        ((x509.UniformResourceIdentifier("spiffe://x/app"),), "spiffe://x/app", True),
        ((x509.DNSName("*.example"),), "b.example", False),  # a name, not a pattern
    ],
)
async def test_names_are_looked_for_where_they_belong(authority, alternatives, mark, known):
    certificate = authority.sign("app.example.com", *alternatives)
    async with asking(authority, known_by(CertificateName(mark.lower()))) as opened:
        reply = (await said(opened, showing(certificate), MAIL[0]))[-1]
        assert reply.startswith("250 2.1.0 " if known else "530 5.7.0 ")


async def test_the_fingerprint_goes_before_names(authority):
    certificate = authority.sign("app.example.com")
    users = (
        known_by(CertificateName("app.example.com"), name="by-name"),
        known_by(Fingerprint(certificate[2]), name="by-fingerprint"),
    )
    async with asking(authority, *users) as opened:
        await said(opened, showing(certificate), *MAIL)
        [received] = opened.reception.received
        assert received.client.user == "by-fingerprint"


async def test_networks_say_where_the_user_may_come_from(authority):
    certificate = authority.sign("app.example.com")
    elsewhere = known_by(CertificateName("app.example.com"), networks=["192.0.2.0/24"])
    async with asking(authority, elsewhere) as opened:
        assert (await said(opened, showing(certificate), MAIL[0]))[-1].startswith("530 5.7.0 ")


async def test_logging_in_as_somebody_else_is_still_offered(authority):
    certificate = authority.sign("app.example.com")
    async with asking(authority, known_by(CertificateName("app.example.com"))) as opened:
        assert any("AUTH PLAIN" in line for line in await said(opened, showing(certificate)))
