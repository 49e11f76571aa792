"""What this machine shows: certificates, the queue's folder, ports, DKIM keys."""

import contextlib
import errno
import os
import socket
import threading
from collections import namedtuple
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from check_world import FREE, collect, faulty, fine, settings, warned
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fakes import FakeClock

from relay.model.settings import (
    DkimKey,
    DkimSigner,
    Feedback,
    Http,
    Limits,
    Listener,
    Queue,
    Route,
    Secret,
    SnsEndpoint,
    SqliteStore,
    TcpBind,
    Tls,
    TlsMode,
    UnixBind,
)
from relay.service.check import ports
from relay.service.check.dkim import check_keys
from relay.service.dkim import make_key, record_of
from relay.service.dns_texts import NoAnswer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


async def of_this_machine(known, published=lambda name: ()):
    """Look at everything but AWS."""
    return await collect(replace(known, routes={}), FakeClock(NOW), published)


# --- certificates ---------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path):
    """Write a certificate and its key, and give settings that use them."""

    def written(*, names=("relay.example.com",), days=(-1, 90), issuer="CA", other_key=False):
        key = ec.generate_private_key(ec.SECP256R1())
        common = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
        by = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
        signed = (
            x509.CertificateBuilder()
            .subject_name(common)
            .issuer_name(by)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(NOW + timedelta(days=days[0]))
            .not_valid_after(NOW + timedelta(days=days[1]))
        )
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            signed = signed.add_extension(alternatives, critical=False)
        private = ec.generate_private_key(ec.SECP256R1()) if other_key else key
        files = Tls(certificate=(tmp_path / "cert.pem",), key=(tmp_path / "key.pem",))
        certificate = signed.sign(key, hashes.SHA256())
        files.certificate[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files.key[0].write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return settings(listeners=(Listener(bind=FREE, tls=TlsMode.IMPLICIT),), tls=files)

    return written


@pytest.mark.parametrize(
    ("how", "verdict", "words"),
    [
        ({}, fine, ["in force until 2027-02-19"]),
        ({"names": ("*.example.com",)}, fine, []),
        ({"days": (-90, 0)}, faulty, ["expired on 2026-11-21", "renew"]),
        ({"days": (-90, 20)}, warned, ["expires on 2026-12-11"]),
        ({"days": (1, 90)}, faulty, ["not in force before 2026-11-22"]),
        ({"names": ("other.example.com",)}, warned, ["not for relay.example.com but for other."]),
        ({"names": ("*.com",)}, warned, ["not for relay.example.com"]),
        ({"names": ()}, warned, ["no name at all"]),
        ({"issuer": "relay"}, warned, ["signed by itself"]),
        ({"other_key": True}, faulty, ["its own key"]),
    ],
)
async def test_a_certificate_fits_its_key_the_time_and_the_name(pair, how, verdict, words):
    known = pair(**how)
    assert verdict((await of_this_machine(known))[f"tls {known.tls.certificate[0]}"], *words)


async def test_a_certificate_that_cannot_be_read_is_a_fault(pair):
    known = pair()
    known.tls.certificate[0].unlink()
    assert faulty((await of_this_machine(known))[f"tls {known.tls.certificate[0]}"], "No such file")


async def test_a_certificate_that_no_listener_uses_is_not_looked_at(pair):
    known = replace(pair(days=(-90, 0)), listeners=(Listener(bind=FREE, tls=TlsMode.OFF),))
    assert not [about for about in await of_this_machine(known) if about.startswith("tls")]


# --- the queue's folder ---------------------------------------------------------------------------


def storing(folder, **queue):
    return settings(queue=Queue(store=SqliteStore(folder), **queue))


async def test_the_folder_of_the_queue_can_be_written_or_made(tmp_path):
    for folder in (tmp_path, tmp_path / "not" / "yet"):
        found = await of_this_machine(storing(folder, max_size=1024 * 1024, max_messages=1))
        assert fine(found[f"queue.store {folder}"], "can be written")
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("relay.service.check.storage.tempfile.NamedTemporaryFile", refuse)
    found = await of_this_machine(storing(tmp_path))
    assert faulty(found[f"queue.store {tmp_path}"], "Read-only file system", "relay's user")


Disk = namedtuple("Disk", "f_bavail f_frsize f_files f_favail")  # noqa: PYI024 - a stand-in for os.statvfs_result
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("disk", "verdict", "words"),
    [
        (Disk(100, MIB, 0, 0), faulty, ["100 MiB are free", "452"]),
        (Disk(500, MIB, 0, 0), warned, ["may grow to 1000 MiB", "queue.max_size"]),
        (Disk(2000, MIB, 100, 5), warned, ["5 inodes"]),
        (Disk(2000, MIB, 100, 50), fine, ["2000 MiB are free"]),
    ],
)
async def test_the_disk_has_room(tmp_path, monkeypatch, disk, verdict, words):
    monkeypatch.setattr("relay.service.check.storage.os.statvfs", lambda folder: disk)
    known = replace(
        storing(tmp_path, max_size=1000 * MIB, max_messages=10),
        limits=Limits(octets_in_flight=256 * MIB),
    )
    assert verdict((await of_this_machine(known))[f"queue.store {tmp_path}"], *words)


async def test_without_a_store_there_is_nothing_to_write():
    assert fine((await of_this_machine(settings()))["queue.store"], "none")


# --- ports ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def listening(says, family=socket.AF_INET, address=("127.0.0.1", 0)):
    """Listen, and say something to each caller that comes."""
    with socket.socket(family) as sock:
        sock.bind(address)
        sock.listen()

        def answer():
            peer, _ = sock.accept()
            with peer:
                if says.startswith(b"HTTP"):
                    peer.recv(1024)
                peer.sendall(says)

        caller = threading.Thread(target=answer)
        caller.start()
        yield sock.getsockname()
        caller.join()


def bound(bind, tls=TlsMode.OFF):
    return settings(listeners=(Listener(bind=bind, tls=tls),))


@pytest.mark.parametrize(
    ("says", "verdict"),
    [
        (b"220 relay.example.com ESMTP ses-relay\r\n", fine),
        (b"554 5.7.1 Your network address may not use this service\r\n", fine),
        (b"220 mail.example.com ESMTP Postfix\r\n", faulty),
        (b"", faulty),
    ],
)
async def test_a_port_in_use_is_ours_or_somebody_elses(says, verdict):
    with listening(says) as (host, port):
        found = await of_this_machine(bound(TcpBind(host, port)))
    assert verdict(found[f"listeners[0].bind 127.0.0.1:{port}"])


async def test_a_port_that_speaks_no_tls_is_somebody_elses():
    with listening(b"220 relay.example.com ESMTP ses-relay\r\n") as (host, port):
        found = await of_this_machine(bound(TcpBind(host, port), TlsMode.IMPLICIT))
    assert faulty(found[f"listeners[0].bind 127.0.0.1:{port}"], "something else")


@pytest.mark.parametrize(
    ("server", "verdict"), [(b"Server: ses-relay\r\n", fine), (b"Server: nginx\r\n", faulty)]
)
async def test_the_port_of_http_is_asked_by_http(server, verdict):
    with listening(b"HTTP/1.1 200 OK\r\n" + server + b"\r\nok\n") as (host, port):
        found = await of_this_machine(settings(http=Http(bind=TcpBind(host, port))))
    assert verdict(found[f"http.bind 127.0.0.1:{port}"])


async def test_the_address_of_sns_is_asked_where_it_is_its_own():
    with listening(b"HTTP/1.1 404 Not Found\r\nServer: ses-relay\r\n\r\n") as (host, port):
        for http, own in ((8080, True), (port, False)):
            sns = SnsEndpoint(bind=TcpBind(host, port), topics=("arn:aws:sns:eu-west-1:1:t",))
            found = await of_this_machine(
                settings(http=Http(bind=TcpBind(host, http)), feedback=Feedback(sns=sns))
            )
            assert (f"feedback.sns.bind 127.0.0.1:{port}" in found) is own
            assert not own or fine(found[f"feedback.sns.bind 127.0.0.1:{port}"], "that runs")


async def test_every_address_is_asked_on_loopback():
    says = b"220 relay.example.com ESMTP ses-relay\r\n"
    with listening(says, address=("0.0.0.0", 0)) as (_, port):
        found = await of_this_machine(bound(TcpBind("0.0.0.0", port)))
    assert fine(found[f"listeners[0].bind 0.0.0.0:{port}"], "a relay that runs")


async def test_an_address_of_another_machine_is_a_fault():
    found = await of_this_machine(bound(TcpBind("192.0.2.1", 2525)))
    assert faulty(found["listeners[0].bind 192.0.2.1:2525"], "address of this machine")


def test_low_ports_want_a_right():
    assert "CAP_NET_BIND_SERVICE" in ports._fix(OSError(errno.EACCES, ""))


async def test_a_unix_socket_is_free_ours_or_somebody_elses(tmp_path):
    path = tmp_path / "smtp"
    about = f"listeners[0].bind unix:{path}"
    assert fine((await of_this_machine(bound(UnixBind(path))))[about], "free")
    says = b"220 relay.example.com ESMTP ses-relay\r\n"
    with listening(says, socket.AF_UNIX, str(path)):
        assert fine((await of_this_machine(bound(UnixBind(path))))[about], "runs")
    nowhere = UnixBind(tmp_path / "no" / "smtp")
    found = await of_this_machine(bound(nowhere))
    assert faulty(found[f"listeners[0].bind {nowhere}"], "not a folder")


# --- DKIM keys ------------------------------------------------------------------------------------

ABOUT = "dkim s1._domainkey.example.com"


@pytest.fixture(scope="module")
def pem():
    return make_key(1024).decode()


def signing(text, **times):
    return settings(dkim=(DkimKey(domain="example.com", selector="s1", key=Secret(text), **times),))


async def test_a_key_is_compared_with_the_dns(pem):
    record = record_of("example.com", "s1", pem)
    assert fine((await of_this_machine(signing(pem), lambda _: (record.text,)))[ABOUT])
    fix = "dkim record example.com s1"
    assert faulty((await of_this_machine(signing(pem)))[ABOUT], "no TXT record", fix)
    silent = NoAnswer("no DNS server answered")
    assert warned((await of_this_machine(signing(pem), lambda _: silent))[ABOUT], "no DNS server")


async def test_a_key_that_is_no_key_is_a_fault(pem):
    assert faulty((await of_this_machine(signing("hello")))[ABOUT], "dkim generate")


async def test_offline_a_key_is_only_read(pem):
    assert fine((await of_this_machine(signing(pem), None))[ABOUT], "can sign")


async def test_keys_have_their_time(pem):
    later = signing(pem, active_from=NOW + timedelta(days=30))
    assert warned((await of_this_machine(later))[ABOUT], "before 2026-12-21")
    over = signing(pem, active_until=NOW - timedelta(days=1))
    assert warned((await of_this_machine(over))[ABOUT], "has not signed since 2026-11-20")


def test_a_key_that_no_route_signs_with_is_told_of(pem):
    left_to_ses = Route(region="eu-west-1", dkim=DkimSigner.SES)
    [found] = check_keys(replace(signing(pem), routes={"default": left_to_ses}), None, NOW)
    assert warned(found, "never signs", "dkim: relay")
