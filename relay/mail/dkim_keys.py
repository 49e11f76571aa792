"""DKIM keys: read once, or made.

RSA from 1024 to 4096 bits, as verifiers must take (RFC 8301 §3.2); 2048 is what to use. Ed25519
(RFC 8463) only for who asks for it: verifiers are patchy, and SES takes a single signature, so it
stands instead of RSA, never beside it.

Standards: RFC 6376 §3.6.1 (key record), RFC 8301, RFC 8463 §4.
Errors: `parse` returns a `KeyFault`, it never raises and never shows key material.
"""

import base64
import binascii
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

SMALLEST, LARGEST = 1024, 4096  # RSA bits
WEAK_BELOW = 2048  # RSA bits; RFC 8301 §3.2: signers SHOULD use at least this

_PADDING = PKCS1v15()
_PREHASHED = Prehashed(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class KeyFault:
    """Why a text is no key to sign with, with the fix; never the text itself."""

    text: str


@dataclass(frozen=True, slots=True)
class RsaKey:
    """An RSA private key, parsed; signing is OpenSSL's, outside the interpreter's lock."""

    private: rsa.RSAPrivateKey
    algorithm: bytes = b"rsa-sha256"

    def sign(self, digest: bytes) -> bytes:
        """Sign a SHA-256 digest (RFC 8017 §8.2, PKCS #1 v1.5)."""
        return self.private.sign(digest, _PADDING, _PREHASHED)

    @property
    def bits(self) -> int:
        """The size of the modulus."""
        return self.private.key_size

    @property
    def record(self) -> str:
        """The text of the DNS record (RFC 6376 §3.6.1)."""
        public = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode("ascii")


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    """An Ed25519 private key, parsed."""

    private: ed25519.Ed25519PrivateKey
    algorithm: bytes = b"ed25519-sha256"

    def sign(self, digest: bytes) -> bytes:
        """Sign a SHA-256 digest (RFC 8463 §3: the digest is the message that is signed)."""
        return self.private.sign(digest)

    @property
    def record(self) -> str:
        """The text of the DNS record (RFC 8463 §4: the bare 32 octets)."""
        public = self.private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        return "v=DKIM1; k=ed25519; p=" + base64.b64encode(public).decode("ascii")


PrivateKey = RsaKey | Ed25519Key


def parse(text: str) -> PrivateKey | KeyFault:
    """Read a PEM private key (PKCS #1 or #8, unencrypted), or the bare base64 of Ed25519 tools.

    Takes tens of milliseconds for RSA: once per key, never per message.
    """
    if "-----BEGIN" not in text:
        return _bare_ed25519(text)
    return _pem(text)


def _pem(text: str) -> PrivateKey | KeyFault:
    try:
        key = serialization.load_pem_private_key(text.strip().encode("utf-8"), None)
    except TypeError:  # the library's word for "needs a passphrase"
        return KeyFault("the key is encrypted; write it without a passphrase (openssl pkey)")
    except (ValueError, UnsupportedAlgorithm):
        return KeyFault("not a PEM private key; make one with `ses-relay dkim generate`")
    return checked(key)


def checked(key: object) -> PrivateKey | KeyFault:
    """Take a key that DKIM verifiers take, whatever library made it."""
    match key:
        case rsa.RSAPrivateKey(key_size=bits) if SMALLEST <= bits <= LARGEST:
            return RsaKey(key)
        case rsa.RSAPrivateKey(key_size=bits):
            return KeyFault(
                f"RSA key of {bits} bits; verifiers take {SMALLEST} to {LARGEST}, use {WEAK_BELOW}"
            )
        case ed25519.Ed25519PrivateKey():
            return Ed25519Key(key)
        case _:
            return KeyFault("neither an RSA nor an Ed25519 key; DKIM knows no other kind")


def warning(key: PrivateKey) -> str | None:
    """Say what an operator should know about a key that works."""
    match key:
        case RsaKey(bits=bits) if bits < WEAK_BELOW:
            return f"RSA key of {bits} bits; use {WEAK_BELOW}, receivers may ignore shorter ones"
        case Ed25519Key():
            return "Ed25519 key: many receivers cannot verify it, and SES takes no second signature"
        case _:
            return None


def generate_rsa(bits: int = WEAK_BELOW) -> RsaKey:
    """Make an RSA key; takes a second or so at 2048 bits."""
    return RsaKey(rsa.generate_private_key(public_exponent=65537, key_size=bits))


def generate_ed25519() -> Ed25519Key:
    """Make an Ed25519 key."""
    return Ed25519Key(ed25519.Ed25519PrivateKey.generate())


def pem(key: PrivateKey) -> bytes:
    """Write a private key as PKCS #8 PEM, for a file that only the relay may read."""
    return key.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _bare_ed25519(text: str) -> Ed25519Key | KeyFault:
    fault = KeyFault("not a PEM private key; make one with `ses-relay dkim generate`")
    try:
        seed = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return fault
    return (
        Ed25519Key(ed25519.Ed25519PrivateKey.from_private_bytes(seed)) if len(seed) == 32 else fault
    )
