"""AWS Signature Version 4 for the one kind of request that carries mail: POST, no query.

What is the same for every request to an endpoint is written once, and the key of a day is derived
once: four of the seven HMACs, and most of the canonical request, are left.

Standards: AWS General Reference, Signature Version 4 (canonical request, string to sign, key).
Errors: none; `Endpoint.of` gives None for a URL that would need rules which are not here.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from botocore.credentials import ReadOnlyCredentials

# Paths that are canonical as they stand: nothing to escape, no empty or dotted segment.
_PLAIN_PATH = re.compile(r"/|(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+/?")
_DEFAULT_PORT = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a request goes, and what its signature is for."""

    host: str  # as in the Host header
    path: str
    service: str
    region: str

    @classmethod
    def of(cls, url: str, service: str, region: str) -> "Endpoint | None":
        """Read a URL; None where the canonical path is not the path itself."""
        parts = urlsplit(url)
        path = parts.path or "/"
        if parts.query or parts.hostname is None or not _PLAIN_PATH.fullmatch(path):
            return None
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        if parts.port is not None and parts.port != _DEFAULT_PORT.get(parts.scheme):
            host = f"{host}:{parts.port}"
        return cls(host=host, path=path, service=service, region=region)


class Signer:
    """Writes the signed head of requests to one endpoint."""

    def __init__(self, endpoint: Endpoint, content_type: str, user_agent: str) -> None:
        self._endpoint = endpoint
        self._canonical = (
            f"POST\n{endpoint.path}\n\ncontent-type:{content_type}\nhost:{endpoint.host}\n"
        )
        self._head = (
            f"POST {endpoint.path} HTTP/1.1\r\nHost: {endpoint.host}\r\n"
            f"Content-Type: {content_type}\r\nUser-Agent: {user_agent}\r\n"
        )
        self._day = ("", "")  # the day and the secret that the key is for
        self._key = b""

    def head(
        self, credentials: ReadOnlyCredentials, now: datetime, size: int, sha256: str
    ) -> bytes:
        """Write the head of a request at `now` (UTC) with a body of that many octets and hash."""
        stamp = f"{now:%Y%m%dT%H%M%SZ}"
        headers, token, names = f"x-amz-date:{stamp}\n", "", "content-type;host;x-amz-date"
        if credentials.token:
            headers += f"x-amz-security-token:{credentials.token}\n"
            token = f"X-Amz-Security-Token: {credentials.token}\r\n"
            names += ";x-amz-security-token"
        request = f"{self._canonical}{headers}\n{names}\n{sha256}"
        endpoint = self._endpoint
        scope = f"{stamp[:8]}/{endpoint.region}/{endpoint.service}/aws4_request"
        hashed = hashlib.sha256(request.encode("ascii")).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"
        signature = hmac.digest(
            self._day_key(credentials.secret_key or "", stamp[:8]), text.encode("ascii"), "sha256"
        ).hex()
        return (
            f"{self._head}X-Amz-Date: {stamp}\r\n{token}Authorization: AWS4-HMAC-SHA256 "
            f"Credential={credentials.access_key}/{scope}, SignedHeaders={names}, "
            f"Signature={signature}\r\nContent-Length: {size}\r\n\r\n"
        ).encode("ascii")

    def _day_key(self, secret: str, day: str) -> bytes:
        if self._day != (day, secret):
            key = f"AWS4{secret}".encode()
            for part in (day, self._endpoint.region, self._endpoint.service, "aws4_request"):
                key = hmac.digest(key, part.encode("ascii"), "sha256")
            self._day, self._key = (day, secret), key
        return self._key
