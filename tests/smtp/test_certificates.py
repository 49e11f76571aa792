"""TLS as a listener is told to speak it: kinds of key, versions, ciphers."""

import asyncio
import ssl
import warnings
from dataclasses import replace

import pytest
from authority import Authority
from smtp_fakes import FakeReception, certificate_files, listening

from relay.model.settings import Tls, TlsVersion
from relay.smtp.certificates import Certificate, CertificateFault


def client(*, oldest="TLSv1_2", newest="TLSv1_3", ciphers=None):
    """Make a client that takes any certificate and speaks these versions, old ones included."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion[oldest]
        context.maximum_version = ssl.TLSVersion[newest]
    context.set_ciphers(ciphers or "DEFAULT:@SECLEVEL=0")
    return context


async def greeted(opened, context):
    """Connect by implicit TLS, hear the greeting; gives what asyncio knows of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", opened.port, ssl=context)
    try:
        assert (await reader.readline()).startswith(b"220 ")
        return writer.get_extra_info("ssl_object")
    finally:
        writer.close()


def files(**changes):
    return replace(certificate_files(), **changes)


@pytest.fixture
def both(tmp_path):
    """Give an ECDSA and an RSA certificate of one name."""
    authority = Authority(tmp_path)
    ecdsa, rsa = authority.sign("relay.test"), authority.sign("relay.test", kind="rsa")
    return Tls(certificate=(ecdsa[0], rsa[0]), key=(ecdsa[1], rsa[1]))


@pytest.mark.parametrize(("ciphers", "kind"), [("ECDHE+ECDSA", 0), ("ECDHE+aRSA", 1), ("ECDHE", 0)])
async def test_each_client_gets_the_kind_of_key_it_knows(both, ciphers, kind):
    async with listening(tls="implicit", tls_files=both) as opened:
        tls = await greeted(opened, client(newest="TLSv1_2", ciphers=ciphers))
        wanted = ssl.PEM_cert_to_DER_cert(both.certificate[kind].read_text())
        assert tls.getpeercert(binary_form=True) == wanted


@pytest.mark.parametrize(
    ("version", "name"),
    [("TLSv1", "TLSv1"), ("TLSv1_1", "TLSv1.1"), ("TLSv1_2", "TLSv1.2"), ("TLSv1_3", "TLSv1.3")],
)
async def test_old_devices_are_spoken_to_where_the_listener_says_so(version, name):
    retired = files(minimum_version=TlsVersion.TLS_1_0)
    async with listening(tls="implicit", tls_files=retired) as opened:
        tls = await greeted(opened, client(oldest=version, newest=version))
        assert tls.version() == name


async def test_a_device_from_2009_sends_its_mail(both):
    """TLS 1.0, a plain RSA key exchange and CBC with SHA-1, as Java 6 and its time spoke."""
    reception = FakeReception()
    retired = replace(both, minimum_version=TlsVersion.TLS_1_0)
    async with listening(reception, tls="starttls", tls_files=retired, auth="off") as opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        for line in (b"", b"EHLO device", b"STARTTLS"):
            if line:
                writer.write(line + b"\r\n")
            while (await reader.readline())[3:4] == b"-":
                pass
        old = client(oldest="TLSv1", newest="TLSv1", ciphers="AES128-SHA:@SECLEVEL=0")
        await writer.start_tls(old)
        for line in (b"HELO device", b"MAIL FROM:<a@b.c>", b"RCPT TO:<d@e.f>", b"DATA", b"x\r\n."):
            writer.write(line + b"\r\n")
            assert (await reader.readline())[:1] in b"23"
        writer.close()
        [received] = reception.received
        assert received.client.tls.version == "TLSv1"


@pytest.mark.parametrize(
    ("oldest", "spoken"), [(TlsVersion.TLS_1_1, True), (TlsVersion.TLS_1_2, False)]
)
async def test_nothing_older_than_told_is_spoken(oldest, spoken):
    async with listening(tls="implicit", tls_files=files(minimum_version=oldest)) as opened:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await greeted(opened, client(oldest="TLSv1", newest="TLSv1"))
        if spoken:
            await greeted(opened, client(oldest="TLSv1_1", newest="TLSv1_1"))
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await greeted(opened, client(oldest="TLSv1_1", newest="TLSv1_1"))


def test_one_listeners_old_versions_do_not_weaken_another():
    weak = Certificate.load(files(minimum_version=TlsVersion.TLS_1_0)).context
    usual = Certificate.load(files()).context
    assert usual.minimum_version is ssl.TLSVersion.TLSv1_2
    assert weak.security_level == 0
    assert usual.security_level == ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).security_level > 0


def ciphers_before_1_3(context):
    return [known["name"] for known in context.get_ciphers() if known["protocol"] != "TLSv1.3"]


def test_ciphers_are_those_that_are_named():
    context = Certificate.load(files(ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")).context
    assert ciphers_before_1_3(context) == ["ECDHE-ECDSA-AES256-GCM-SHA384"]
    old = files(ciphers="AES256-SHA", minimum_version=TlsVersion.TLS_1_1)
    context = Certificate.load(old).context
    assert ciphers_before_1_3(context) == ["AES256-SHA"]
    assert context.security_level == 0


def test_what_cannot_be_used_is_named(tmp_path):
    nowhere = tmp_path / "nowhere.pem"
    for changes in ({"client_ca": nowhere}, {"key": (nowhere,)}, {"certificate": (nowhere,)}):
        fault = Certificate.load(files(**changes))
        assert isinstance(fault, CertificateFault)
        assert str(nowhere) in fault.reason


def test_every_file_is_watched(both, tmp_path):
    clients = tmp_path / "clients.pem"
    clients.write_bytes(both.certificate[0].read_bytes())
    watched = replace(both, client_ca=clients)
    for path in (*both.certificate, *both.key, clients):
        loaded = Certificate.load(watched)
        before = loaded.context
        assert loaded.refresh() is None
        assert loaded.context is before
        path.write_bytes(path.read_bytes() + b"\n")
        assert loaded.refresh() is None
        assert loaded.context is not before, path
