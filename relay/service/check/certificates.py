"""TLS certificates: readable, fitting their keys, in force, and in the name that clients look for.

Standards: RFC 5280 §4.1.2.5 (validity), RFC 6125 §6.4.4 (names are looked for in subjectAltName).
Errors: none; findings.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from cryptography import x509

from relay.model.settings import Settings, Tls
from relay.service.check.finding import Finding, fault, ok, warning
from relay.smtp.certificates import Certificate, CertificateFault

SOON = timedelta(days=21)  # before the end; certificates are renewed about a month before


def check_certificates(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Look at the files that listeners use, each once."""
    for files in dict.fromkeys(settings.tls_of(listener) for listener in settings.listeners):
        if files is not None:  # else it speaks no TLS
            yield from _files(files, settings.hostname, now)


def check_time(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Look at what changes by itself alone: whether each certificate is in force, and stays so."""
    used = filter(None, (settings.tls_of(listener) for listener in settings.listeners))
    for path in dict.fromkeys(path for files in used for path in files.certificate):
        first = _first(path)
        if isinstance(first, x509.Certificate):  # what cannot be read is a fault of the listener's
            yield from _time(f"tls {path}", first, now)


def _files(files: Tls, hostname: str | None, now: datetime) -> Iterator[Finding]:
    loaded = Certificate.load(files)
    if isinstance(loaded, CertificateFault):
        about = f"tls {files.certificate[0]}"
        yield fault(about, loaded.reason, "name a PEM certificate with its chain, and its own key")
        return
    for certificate in files.certificate:
        yield from _certificate(certificate, hostname, now)


def _certificate(path: Path, hostname: str | None, now: datetime) -> Iterator[Finding]:
    about = f"tls {path}"
    first = _first(path)
    if isinstance(first, str):
        yield fault(about, first, "name a PEM file that begins with the relay's own certificate")
        return
    odd = [*_time(about, first, now), *_name(about, first, hostname), *_issuer(about, first)]
    yield from odd
    if not odd:
        yield ok(about, f"fits its key, in force until {first.not_valid_after_utc:%Y-%m-%d}")


def _first(path: Path) -> x509.Certificate | str:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError) as error:
        return str(error)


def _time(about: str, certificate: x509.Certificate, now: datetime) -> Iterator[Finding]:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begins:
        yield fault(
            about, f"not in force before {begins:%Y-%m-%d %H:%MZ}", "set the machine's clock"
        )
    elif now >= ends:
        yield fault(about, f"expired on {ends:%Y-%m-%d}", "renew it; clients refuse it now")
    elif ends - now < SOON:
        yield warning(about, f"expires on {ends:%Y-%m-%d}", "renew it; it is read again by itself")


def _name(about: str, certificate: x509.Certificate, hostname: str | None) -> Iterator[Finding]:
    if hostname is None:
        return
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    if not any(_covers(name.lower(), hostname.lower()) for name in names):
        yield warning(
            about,
            f"is not for {hostname} but for {', '.join(names) or 'no name at all'}",
            "let clients connect to a name of the certificate, or add the name (subjectAltName)",
        )


def _covers(name: str, hostname: str) -> bool:
    # A star stands for one label, the leftmost (RFC 6125 §6.4.3).
    return fnmatchcase(hostname, name) and name.count(".") == hostname.count(".")


def _issuer(about: str, certificate: x509.Certificate) -> Iterator[Finding]:
    if certificate.issuer == certificate.subject:
        yield warning(
            about,
            "is signed by itself; no client trusts it unless it is told to",
            "get one of a certificate authority, or give this one to each client",
        )
