"""Messages of Amazon SNS over HTTPS, and whether SNS really wrote them.

Nothing in a message is believed before its signature is checked, and the certificate that checks it
comes from a host of SNS alone: the message itself says where it lies.

SNS facts (SNS Developer Guide, sns-verify-signature-of-message): the signed text is name and value
on lines of their own, in the order of the names; version 1 is SHA1 with RSA, version 2 SHA256;
hosts are sns.REGION.amazonaws.com, in China with .cn, in the European cloud with .eu for .com
(botocore's endpoints). AWS's own validators take any word for a Region, and so old hosts of S3.

Standards: RFC 8017 §8.2 (RSASSA-PKCS1-v1_5).
Errors: none; why a message is refused is a `Refused` value.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509.oid import NameOID

from relay.feedback.fields import Fields

# A queue of retries ends after an hour (SNS Developer Guide, sns-message-delivery-retries).
OLDEST = timedelta(hours=2)
_AHEAD = timedelta(minutes=15)  # clocks differ

# A Region, and no more than that: `sns.s3-eu-west-1.amazonaws.com` is somebody's bucket.
_REGION = r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}"
_DOMAIN = r"amazonaws\.(?:com|com\.cn|eu)"
_HOST = re.compile(rf"sns\.{_REGION}\.{_DOMAIN}", re.ASCII)
_SUBJECT = re.compile(rf"sns(?:\.{_REGION})?\.{_DOMAIN}", re.ASCII)
_LEAST_BITS = 2048


class Type(StrEnum):
    """The three kinds of messages."""

    NOTIFICATION = "Notification"
    SUBSCRIPTION = "SubscriptionConfirmation"
    UNSUBSCRIPTION = "UnsubscribeConfirmation"


_SIGNED: Mapping[Type, tuple[str, ...]] = {
    Type.NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        (Type.SUBSCRIPTION, Type.UNSUBSCRIPTION),
        ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a message counts for nothing; `reason` quotes nothing of it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsMessage:
    """A message as it claims to be, before its signature is checked."""

    type: Type
    topic: str
    message: str
    signed: bytes
    signature: bytes
    version: str
    certificate_url: str
    subscribe_url: str


def read_message(body: bytes, topics: frozenset[str], now: datetime) -> SnsMessage | Refused:
    """Read a message of one of these topics, as far as it can be judged without its certificate."""
    fields = Fields.parse(body)
    if fields is None:
        return Refused("no JSON object")
    kind = next((one for one in Type if one == fields.text("Type")), None)
    signature = _octets(fields.text("Signature"))
    if kind is None or signature is None:
        return Refused("not a type of SNS, or a signature that is not base64")
    at = fields.time("Timestamp")
    wrong = {
        "not a topic of feedback.sns.topics": fields.text("TopicArn") not in topics,
        "the timestamp is too old, in the future or none": (
            at is None or not now - OLDEST <= at <= now + _AHEAD
        ),
        "the certificate is not at a host of SNS": (
            not is_sns(fields.text("SigningCertURL"), ".pem")
        ),
        "an unknown version of the signature": fields.text("SignatureVersion") not in ("1", "2"),
    }
    for reason, is_wrong in wrong.items():
        if is_wrong:
            return Refused(reason)
    return SnsMessage(
        type=kind,
        topic=fields.text("TopicArn"),
        message=fields.text("Message"),
        signed=_signed(fields, kind),
        signature=signature,
        version=fields.text("SignatureVersion"),
        certificate_url=fields.text("SigningCertURL"),
        subscribe_url=fields.text("SubscribeURL"),
    )


def verify(message: SnsMessage, certificate: x509.Certificate) -> Refused | None:
    """Check the signature; None: SNS wrote the message."""
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return Refused("the certificate has no RSA key")
    algorithm = SHA1() if message.version == "1" else SHA256()  # noqa: S303 - version 1 is what topics have by default
    try:
        key.verify(message.signature, message.signed, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return Refused("the signature does not fit")
    return None


def read_certificate(pem: bytes, now: datetime) -> x509.Certificate | Refused:
    """Read a certificate that came from a host of SNS, and see that it is SNS's and in force.

    Certificates that follow the first in the file must have issued the one before.
    """
    try:
        first, *issuers = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return Refused("the certificate cannot be read")
    if not first.not_valid_before_utc <= now <= first.not_valid_after_utc:
        return Refused("the certificate is not in force")
    if not any(_SUBJECT.fullmatch(name) for name in _names(first)):
        return Refused("the certificate is not for SNS")
    key = first.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _LEAST_BITS:
        return Refused("the certificate has no RSA key of 2048 bits")
    issued = first
    for issuer in issuers:
        try:
            issued.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError):
            return Refused("the certificate's chain does not hold")
        issued = issuer
    return first


def is_sns(url: str, ending: str = "") -> bool:
    """Tell a URL of SNS's own hosts from all look-alikes: nothing else is ever asked."""
    if not url.isascii() or any(character <= " " or character == "\\" for character in url):
        return False
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and port in (None, 443)
        and parts.username is None
        and _HOST.fullmatch(parts.hostname or "") is not None
        and parts.path.endswith(ending)
    )


def _octets(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _signed(fields: Fields, kind: Type) -> bytes:
    pairs = [
        f"{name}\n{fields.text(name)}\n"
        for name in _SIGNED[kind]
        if name != "Subject" or fields.text(name)
    ]
    return "".join(pairs).encode("utf-8", "surrogatepass")


def _names(certificate: x509.Certificate) -> list[str]:
    subject = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    names = [str(one.value) for one in subject]
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return names
    return names + extension.value.get_values_for_type(x509.DNSName)
