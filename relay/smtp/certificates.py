"""TLS contexts from the files of the settings, read again when the files change.

Standards: RFC 8446, RFC 5246; RFC 2246 and RFC 4346 only where a listener for old devices says so
(RFC 8996). RFC 5280 for client certificates, which OpenSSL verifies.
Errors: `CertificateFault` names the files and what OpenSSL says.
"""

import os
import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from relay.model.settings import Tls, TlsVersion

_VERSIONS = {
    TlsVersion.TLS_1_0: ssl.TLSVersion.TLSv1,
    TlsVersion.TLS_1_1: ssl.TLSVersion.TLSv1_1,
    TlsVersion.TLS_1_2: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS_1_3: ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class CertificateFault:
    """Certificates and keys cannot be used; `reason` is for the operator."""

    reason: str
    error: Exception


class Certificate:
    """Certificates and their keys, as the context for new connections."""

    def __init__(self, files: Tls, context: ssl.SSLContext) -> None:
        self.files = files
        self.context = context
        self._seen = _look(files)

    @classmethod
    def load(cls, files: Tls) -> Self | CertificateFault:
        """Read the files."""
        context = _read(files)
        return context if isinstance(context, CertificateFault) else cls(files, context)

    def refresh(self) -> CertificateFault | None:
        """Read the files again if they changed; on a fault the old certificates stay in use."""
        look = _look(self.files)
        if look == self._seen:
            return None
        self._seen = look
        context = _read(self.files)
        if isinstance(context, CertificateFault):
            return context
        self.context = context
        return None


def _read(files: Tls) -> ssl.SSLContext | CertificateFault:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    _speak(context, files)
    for certificate, key in zip(files.certificate, files.key, strict=True):
        try:
            # Without a password function OpenSSL asks for an encrypted key's on the terminal.
            context.load_cert_chain(certificate, key, password=lambda: "")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            return CertificateFault(f"{certificate} with {key}: {error}", error)
    if files.client_ca is not None:
        try:
            context.load_verify_locations(files.client_ca)
        except OSError as error:
            return CertificateFault(f"{files.client_ca}: {error}", error)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _speak(context: ssl.SSLContext, files: Tls) -> None:
    """Set versions and ciphers; what they are was checked with the settings."""
    with warnings.catch_warnings():
        # Python warns of the retired versions; here the operator has named who may speak them.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[files.minimum_version]
    if files.minimum_version.retired:
        # Their handshake is signed with SHA-1, which OpenSSL takes at no higher level.
        context.set_ciphers(f"{files.ciphers or 'DEFAULT'}:@SECLEVEL=0")
    elif files.ciphers is not None:
        context.set_ciphers(files.ciphers)


def _look(files: Tls) -> tuple[tuple[int, int, int] | None, ...]:
    """Give what changes when a file is replaced or written."""
    named = (*files.certificate, *files.key, files.client_ca)
    return tuple(_stamp(path) for path in named if path is not None)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - follows the links that certbot makes
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
