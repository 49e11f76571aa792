"""The messages of Amazon SNS as it writes and signs them for an HTTP endpoint.

SNS facts (SNS Developer Guide, sns-message-and-json-formats, sns-verify-signature-of-message): the
signed text is name and value on lines of their own, in the order of the names; version 1 is SHA1
with RSA, version 2 SHA256; the certificate names sns.amazonaws.com.

Standards: RFC 8017 §8.2 (RSASSA-PKCS1-v1_5), RFC 5280 (certificates).
Errors: none.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

SignatureVersion = Literal["1", "2"]
VERSIONS: tuple[SignatureVersion, ...] = ("1", "2")
Kind = Literal["SubscriptionConfirmation", "Notification", "UnsubscribeConfirmation"]

_SUBJECT = "sns.amazonaws.com"
_LASTS = timedelta(days=365)
_SIGNED: Mapping[Kind, tuple[str, ...]] = {
    "Notification": ("Message", "MessageId", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        ("SubscriptionConfirmation", "UnsubscribeConfirmation"),
        ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}


@dataclass(frozen=True, slots=True)
class Signer:
    """A key, and the certificate that is published for it."""

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: bytes

    @classmethod
    def new(cls, now: datetime) -> "Signer":
        """Make a key and a certificate for a year."""
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _SUBJECT)])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + _LASTS)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(_SUBJECT)]), critical=False)
            .sign(key, SHA256())
        )
        return cls(key, made.public_bytes(Encoding.PEM))

    def sign(self, text: str, version: SignatureVersion) -> str:
        """Sign a text, as base64."""
        algorithm = SHA1() if version == "1" else SHA256()  # noqa: S303 - as topics do by default
        octets = self.key.sign(text.encode(), padding.PKCS1v15(), algorithm)
        return base64.b64encode(octets).decode()


def enclosed(kind: Kind, said: Mapping[str, str], at: datetime) -> dict[str, str]:
    """Put a message into an envelope, unsigned: over SQS nobody needs the signature."""
    timestamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
    return {"Type": kind, **said, "Timestamp": timestamp}


def signed(
    envelope: Mapping[str, str], kind: Kind, signer: Signer, version: SignatureVersion, url: str
) -> dict[str, str]:
    """Sign an envelope; `url` is where the certificate lies."""
    text = "".join(f"{name}\n{envelope[name]}\n" for name in _SIGNED[kind])
    return {
        **envelope,
        "SignatureVersion": version,
        "Signature": signer.sign(text, version),
        "SigningCertURL": url,
    }


def written(envelope: Mapping[str, str]) -> str:
    """Write an envelope, indented as SNS does."""
    return json.dumps(envelope, indent=2)
