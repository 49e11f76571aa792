"""AUTH: from the command to a known user.

An unknown name and a wrong password get the same text after the same time.

Standards: RFC 4954 (AUTH, its replies in §6), RFC 2554's variants as old clients send them.
Errors: replies only.
"""

import secrets
from base64 import b64encode

from relay.model import replies
from relay.model.reply import Reply
from relay.model.settings import Mechanism, User
from relay.smtp.passwords import Verdict
from relay.smtp.sasl import Proof, decode, exchange
from relay.smtp.session import Session
from relay.smtp.users import may_come_from

STEP = "AUTH"
LONGEST_ANSWER = 12_288  # RFC 4954 §4.9 of base64


async def log_in(session: Session, argument: str) -> None:
    """Obey AUTH."""
    refused = _refuse(session)
    if refused is not None:
        session.answer(refused, STEP)
        return
    name, _, initial = argument.partition(" ")
    encrypted = session.tls is not None
    offered = session.door.mechanisms(session.host, encrypted=encrypted)
    mechanism = next((known for known in offered if known == name.upper()), None)
    if mechanism is None:
        session.answer(_mechanism_refusal(session, name), STEP)
        return
    proof = await _proof(session, mechanism, initial.strip())
    if proof is None:
        return
    if isinstance(proof, Reply):
        session.answer(proof, STEP)
        return
    await _judge(session, mechanism, proof)


def _refuse(session: Session) -> Reply | None:
    """Say what forbids AUTH at this point, if anything does."""
    if not session.esmtp:
        return replies.EHLO_FIRST
    if session.authenticated or session.transaction is not None:
        return replies.BAD_SEQUENCE  # RFC 4954 §4
    return None


def _mechanism_refusal(session: Session, name: str) -> Reply:
    if not name:
        return replies.SYNTAX
    with_tls = session.door.mechanisms(session.host, encrypted=True)
    if session.tls is None and session.door.certificate is not None and name.upper() in with_tls:
        return replies.AUTH_NEEDS_TLS
    return replies.AUTH_MECHANISM


async def _proof(session: Session, mechanism: Mechanism, initial: str) -> Proof | Reply | None:
    """Run the exchange; None when the client went away in the middle of it."""
    gone = False

    async def ask(challenge: bytes) -> bytes | Reply:
        nonlocal gone
        session.say_lines(b"334 " + b64encode(challenge) + b"\r\n")
        line = await session.line(LONGEST_ANSWER)
        if line is None:
            gone = True
            return replies.AUTH_CANCELLED
        return line if isinstance(line, Reply) else decode(line.strip())

    first: bytes | None = None
    if initial:
        decoded = decode(initial.encode("utf-8", "surrogateescape"))
        if isinstance(decoded, Reply):
            return decoded
        first = decoded
    challenge = f"<{secrets.token_hex(16)}@{session.door.hostname}>".encode()
    proof = await exchange(mechanism, first, ask, challenge)
    return None if gone else proof


async def _judge(session: Session, mechanism: Mechanism, proof: Proof) -> None:
    """Check the proof, and slow down whoever guesses."""
    guesses = session.house.guesses
    user = session.door.users.named(proof.name)
    if guesses.address_banned(session.host) or guesses.name_banned(session.host, proof.name):
        _tell_failure(session, mechanism, replies.AUTH_TOO_OFTEN, "banned for guessing", user)
        session.part(replies.AUTH_TOO_OFTEN, "guessing", STEP)
        return
    match await session.house.passwords.check(user, proof):
        case Verdict.BUSY:
            session.answer(replies.AUTH_UNAVAILABLE, STEP)
            return
        case Verdict.GOOD if user is not None and may_come_from(user, session.host):
            guesses.succeeded(session.host, user.name)
            session.user = user.name
            session.authenticated = True
            session.house.telemetry.smtp.authenticated(session.client, mechanism)
            session.answer(replies.AUTH_OK, STEP)
            return
        case Verdict.GOOD:
            reason = "right password from a network the user may not come from"
        case Verdict.WRONG:
            reason = "unknown name" if user is None else f"wrong password for {user.name}"
    await session.house.clock.sleep(guesses.failed(session.host, proof.name))
    _tell_failure(session, mechanism, replies.AUTH_BAD, reason, user)
    session.auth_failures += 1
    session.say(replies.AUTH_BAD)
    session.house.telemetry.smtp.replied(replies.AUTH_BAD.code)
    if session.auth_failures >= session.limits.auth_failures_per_session:
        session.part(replies.AUTH_TOO_OFTEN, "guessing", STEP)


def _tell_failure(
    session: Session, mechanism: Mechanism, reply: Reply, reason: str, user: User | None
) -> None:
    """Log it; the offered name only where it is a user's: people type passwords there."""
    text = reason if user is None or user.name in reason else f"{reason}: {user.name}"
    session.house.telemetry.smtp.auth_failed(
        session.client, reply, mechanism=mechanism, reason=text
    )
