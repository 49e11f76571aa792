"""What the tests of relay.mail share: a client, a key, and the way through reading and shaping."""

from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address

from relay.mail.dkim import Signer
from relay.mail.dkim_keys import RsaKey, generate_rsa
from relay.mail.refusal import Refusal
from relay.mail.shape import Shaped, Shaping, shape
from relay.mail.signers import Signers
from relay.mail.split import Reading, split
from relay.model.content import Content, Field
from relay.model.envelope import Client, Tls

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOSTNAME = "relay.example.com"

CLIENT = Client(
    session_id="session",
    address=ip_address("192.0.2.1"),
    helo="app.example.com",
    esmtp=True,
    tls=Tls(version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384"),
    user="tickets",
    authenticated=True,
    listener="0.0.0.0:587",
)


@cache
def rsa_key() -> RsaKey:
    return generate_rsa(2048)


@cache
def signers() -> Signers:
    signer = Signer(domain="example.com", selector="s1", key=rsa_key())
    return Signers({"example.com": (signer,)})


def key_lookup(name, timeout=5):
    """Stand for the DNS when dkimpy verifies."""
    assert name == b"s1._domainkey.example.com."
    return rsa_key().record.encode()


def shaping(**changed) -> Shaping:
    defaults = {
        "client": CLIENT,
        "queue_id": "q1",
        "hostname": HOSTNAME,
        "now": NOW,
        "limit": 40 * 1024 * 1024,
    }
    return Shaping(**{**defaults, **changed})


def read(octets: bytes) -> Reading:
    reading = split(octets)
    assert isinstance(reading, Reading), reading
    return reading


def shaped_or_refused(octets: bytes, **how) -> Shaped | Refusal:
    reading = split(octets)
    return reading if isinstance(reading, Refusal) else shape(reading, shaping(**how))


def shaped(octets: bytes, **how) -> Shaped:
    result = shaped_or_refused(octets, **how)
    assert isinstance(result, Shaped), result
    return result


def refused(octets: bytes, **how) -> str:
    result = shaped_or_refused(octets, **how)
    assert isinstance(result, Refusal), result
    return str(result.reply)


def fields(*lines: str | bytes) -> tuple[Field, ...]:
    """Make fields from raw lines without their CRLF; folded ones hold `\\r\\n`."""
    return tuple(
        Field((line if isinstance(line, bytes) else line.encode("utf-8")) + b"\r\n")
        for line in lines
    )


def raws(found) -> list[bytes]:
    return [field.raw for field in found]


def without_trace(content: Content) -> Content:
    """Take away what the relay puts on top of every message."""
    names = [field.name for field in content.fields]
    return content.with_fields(content.fields[names.index(b"received") + 1 :])


def words(result: Shaped) -> list[str]:
    """Name the changes that were made, but for the trace that every message gets."""
    return [str(made) for made in result.changed if made.change != "received"]
