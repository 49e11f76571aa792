"""TLS contexts from the files of the settings, read again when the files change.

Standards: RFC 8446, RFC 5246; older versions are not spoken (RFC 8996).
Errors: `CertificateFault` names the files and what OpenSSL says.
"""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from relay.model.settings import Tls, TlsVersion

_VERSIONS = {
    TlsVersion.TLS_1_2: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS_1_3: ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class CertificateFault:
    """Certificate and key cannot be used; `reason` is for the operator."""

    reason: str
    error: Exception


class Certificate:
    """One certificate and its key, as the context for new connections."""

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
        """Read the files again if they changed; on a fault the old certificate stays in use."""
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
    context.minimum_version = _VERSIONS[files.minimum_version]
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        # Without a password function OpenSSL asks for an encrypted key's on the terminal.
        context.load_cert_chain(files.certificate, files.key, password=lambda: "")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        return CertificateFault(f"{files.certificate} with {files.key}: {error}", error)
    return context


def _look(files: Tls) -> tuple[tuple[int, int, int] | None, ...]:
    """Give what changes when a file is replaced or written."""
    return tuple(_stamp(path) for path in (files.certificate, files.key))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - follows the links that certbot makes
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
