"""Signature Version 4 checked on what arrived.

The canonical request is rebuilt from the octets of the request, never from parsed values, so a
proxy or client that changes anything signed is found out as AWS finds it out.

SES facts: AWS General Reference, Signature Version 4 (canonical request, string to sign,
5 minutes of skew); SES API reference, common errors. Texts are those AWS answers. Signatures
in the query string (presigned URLs) are not taken: SES clients do not use them.

Errors: none; a refusal is a value.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote

from . import limits, refusal
from .exchange import HttpRequest
from .keyring import Key, Keyring
from .refusal import Refusal
from .submission import Caller

_ALGORITHM = "AWS4-HMAC-SHA256"
_STAMP = "%Y%m%dT%H%M%SZ"
_PART = re.compile(r"\s*(Credential|SignedHeaders|Signature)=([^,\s]+)\s*")


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the Authorization header says."""

    access_key: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str
    stamp: str


def verify(request: HttpRequest, keyring: Keyring, service: str, now: datetime) -> Caller | Refusal:
    """Say who signed the request, or why the signature does not count.

    Args:
        request: as it arrived.
        keyring: the keys to check against.
        service: the signing name the credential must be scoped to, `ses` or `sts`.
        now: by the clock that signatures are compared with.
    """
    claim = _claim(request)
    if isinstance(claim, Refusal):
        return claim
    key = keyring.find(claim.access_key)
    if key is None or not _tokens_agree(key, request.value("x-amz-security-token")):
        return refusal.not_authentic(
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    if (text := _scope_fault(claim, service) or _skew_fault(claim.stamp, now)) is not None:
        return _mismatch(text)
    expected = _signature(request, claim, key.secret)
    if not hmac.compare_digest(expected, claim.signature.encode()):
        return _mismatch(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. "
            "Consult the service documentation for details."
        )
    if key.ends_at is not None and key.ends_at <= now:
        return refusal.not_authentic(
            "ExpiredToken",
            "ExpiredTokenException",
            "The security token included in the request is expired",
        )
    return Caller(
        arn=key.arn,
        account_id=key.arn.split(":")[4],
        user_id=key.user_id,
        region=claim.region,
    )


def _claim(request: HttpRequest) -> _Claim | Refusal:
    header = request.value("authorization")
    if header is None:
        return refusal.not_authentic(
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        )
    algorithm, _, rest = header.partition(" ")
    found = (_PART.fullmatch(piece) for piece in rest.split(","))
    parts = {part[1]: part[2] for part in found if part is not None}
    stamp = request.value("x-amz-date") or request.value("date")
    lacks = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if name not in parts
    ]
    if stamp is None:
        lacks.append(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    if algorithm != _ALGORITHM:
        lacks.insert(0, f"Authorization header requires '{_ALGORITHM}' as its algorithm.")
    scope = parts.get("Credential", "").split("/")
    if stamp is None or lacks:
        return _incomplete(" ".join(lacks))
    if len(scope) != 5 or scope[4] != "aws4_request":
        return _incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            "keyid/date/region/service/term, "
            f"got '{parts['Credential']}'"
        )
    return _Claim(
        access_key=scope[0],
        date=scope[1],
        region=scope[2],
        service=scope[3],
        signed=tuple(parts["SignedHeaders"].split(";")),
        signature=parts["Signature"],
        stamp=stamp,
    )


def _tokens_agree(key: Key, shown: str | None) -> bool:
    if key.token is None or shown is None:
        return key.token is shown
    return hmac.compare_digest(key.token.encode(), shown.encode("utf-8", "replace"))


def _scope_fault(claim: _Claim, service: str) -> str | None:
    if claim.service != service:
        return f"Credential should be scoped to correct service: '{service}'."
    if claim.date != claim.stamp[:8]:
        return (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
            f"from HTTP: '{claim.date}' != '{claim.stamp[:8]}', from '{claim.stamp}'."
        )
    if "host" not in claim.signed:
        return "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
    return None


def _skew_fault(stamp: str, now: datetime) -> str | None:
    try:
        at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return f"Date must be in ISO-8601 'basic format'. Got '{stamp}'."
    shown = now.strftime(_STAMP)
    if at < (earliest := now - limits.CLOCK_SKEW):
        return (
            f"Signature expired: {stamp} is now earlier than "
            f"{earliest.strftime(_STAMP)} ({shown} - 5 min.)"
        )
    if at > (latest := now + limits.CLOCK_SKEW):
        return (
            f"Signature not yet current: {stamp} is still later than "
            f"{latest.strftime(_STAMP)} ({shown} + 5 min.)"
        )
    return None


def _mismatch(message: str) -> Refusal:
    return refusal.not_authentic("SignatureDoesNotMatch", "InvalidSignatureException", message)


def _incomplete(message: str) -> Refusal:
    return refusal.not_authentic("IncompleteSignature", "IncompleteSignatureException", message)


def _signature(request: HttpRequest, claim: _Claim, secret: str) -> bytes:
    canonical = "\n".join(
        (
            request.method,
            # The path is encoded once more than it travels, for all services but S3.
            quote(request.path, safe="/-_.~"),
            _canonical_query(request.query),
            *(
                f"{name}:{','.join(' '.join(value.split()) for value in request.values(name))}"
                for name in claim.signed
            ),
            "",
            ";".join(claim.signed),
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    to_sign = "\n".join(
        (
            _ALGORITHM,
            claim.stamp,
            f"{claim.date}/{claim.region}/{claim.service}/aws4_request",
            hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest(),
        )
    )
    key = _signing_key(secret, claim.date, claim.region, claim.service)
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest().encode()


def _canonical_query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    coded = ((_recoded(name), _recoded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in sorted(coded))


def _recoded(text: str) -> str:
    return quote(unquote(text, errors="surrogateescape"), safe="-_.~", errors="surrogateescape")


@lru_cache(maxsize=64)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
