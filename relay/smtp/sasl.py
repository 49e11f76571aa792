"""The SASL exchanges, from challenge to what the client offers as proof.

Standards: RFC 4954 §4 (AUTH), RFC 4616 (PLAIN), RFC 2195 (CRAM-MD5); LOGIN is custom: two
challenges, name and password.
Errors: `Reply` when the exchange is cancelled or cannot be decoded.
"""

import binascii
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from relay.model import replies
from relay.model.reply import Reply
from relay.model.settings import Mechanism

LONGEST_NAME = 255  # octets; failures are counted by name, and names must not fill the memory


@dataclass(frozen=True, slots=True)
class Secret:
    """A name and the password offered for it."""

    name: str
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Digest:
    """A name, and what CRAM-MD5 made of our challenge and the password."""

    name: str
    challenge: bytes
    digest: str = field(repr=False)


Proof: TypeAlias = Secret | Digest
# Sends a challenge (not yet in base64) and gives the decoded answer.
Ask: TypeAlias = Callable[[bytes], Awaitable[bytes | Reply]]


async def exchange(
    mechanism: Mechanism, initial: bytes | None, ask: Ask, challenge: bytes
) -> Proof | Reply:
    """Run one mechanism; `initial` is the decoded initial response, `challenge` CRAM-MD5's."""
    match mechanism:
        case Mechanism.PLAIN:
            answer = initial if initial is not None else await ask(b"")
            return answer if isinstance(answer, Reply) else _plain(answer)
        case Mechanism.LOGIN:
            name = initial if initial is not None else await ask(b"Username:")
            if isinstance(name, Reply):
                return name
            password = await ask(b"Password:")
            return password if isinstance(password, Reply) else _secret(name, password)
        case Mechanism.CRAM_MD5:
            if initial is not None:  # RFC 4954 §4: the server speaks first in this mechanism
                return replies.SYNTAX
            answer = await ask(challenge)
            return answer if isinstance(answer, Reply) else _cram_md5(answer, challenge)
        case _:
            assert_never(mechanism)


def decode(text: bytes) -> bytes | Reply:
    """Decode a client's base64; `*` gives up, `=` is an empty initial response."""
    if text == b"*":
        return replies.AUTH_CANCELLED
    if text == b"=":
        return b""
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        return replies.AUTH_MALFORMED


def _plain(answer: bytes) -> Proof | Reply:
    parts = answer.split(b"\0")
    if len(parts) != 3:
        return replies.AUTH_MALFORMED
    acting_for, name, password = parts
    if acting_for not in (b"", name):  # nobody may act for another here
        return replies.AUTH_BAD
    return _secret(name, password)


def _secret(name: bytes, password: bytes) -> Proof | Reply:
    if len(name) > LONGEST_NAME:
        return replies.AUTH_MALFORMED
    try:
        return Secret(name.decode(), password)
    except UnicodeDecodeError:
        return replies.AUTH_MALFORMED


def _cram_md5(answer: bytes, challenge: bytes) -> Proof | Reply:
    name, blank, digest = answer.rpartition(b" ")
    if not blank or len(name) > LONGEST_NAME:
        return replies.AUTH_MALFORMED
    try:
        return Digest(name.decode(), challenge, digest.decode("ascii").lower())
    except UnicodeDecodeError:
        return replies.AUTH_MALFORMED
