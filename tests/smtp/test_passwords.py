"""Checking passwords: off the loop, bounded, remembered, at equal cost for unknown names."""

import asyncio
import hashlib
import hmac
import threading

import argon2
import pytest
from fakes import FakeClock
from smtp_fakes import ANYBODY, PASSWORD, clear_user, hashed_user

from relay.model.settings import HashedPassword, Secret, User
from relay.smtp import passwords as module
from relay.smtp import sasl
from relay.smtp.passwords import MOST_WAITING, REMEMBERED_SECONDS, Passwords, Verdict

GOOD = sasl.Secret("tickets", PASSWORD.encode())
BAD = sasl.Secret("tickets", b"wrong")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def passwords(clock):
    checker = Passwords(clock)
    checker.imitate([hashed_user()])
    yield checker
    checker.close()


@pytest.fixture
def verified(monkeypatch):
    """List what reaches Argon2, with the thread it ran in."""
    seen = []
    original = module._matches

    def watched(held, password):
        seen.append((held, password, threading.current_thread()))
        return original(held, password)

    monkeypatch.setattr(module, "_matches", watched)
    return seen


@pytest.mark.parametrize("user", [hashed_user(), clear_user("tickets")], ids=["hashed", "clear"])
async def test_right_and_wrong(passwords, user):
    assert await passwords.check(user, GOOD) is Verdict.GOOD
    assert await passwords.check(user, BAD) is Verdict.WRONG


async def test_an_unknown_name_costs_the_same(passwords, verified):
    assert await passwords.check(None, GOOD) is Verdict.WRONG
    held, _, thread = verified[0]
    assert thread is not threading.main_thread()
    assert argon2.extract_parameters(held) == argon2.extract_parameters(
        hashed_user().password.hash.reveal()
    )


async def test_a_user_without_password_or_with_no_hash_never_matches(passwords):
    assert await passwords.check(User(name="tickets", senders=ANYBODY), GOOD) is Verdict.WRONG
    broken = User(name="tickets", senders=ANYBODY, password=HashedPassword(Secret("no hash")))
    passwords.imitate([broken])
    assert await passwords.check(broken, GOOD) is Verdict.WRONG


async def test_a_good_proof_is_remembered_for_a_while(passwords, verified, clock):
    user = hashed_user()
    for _ in range(3):
        assert await passwords.check(user, GOOD) is Verdict.GOOD
    assert len(verified) == 1
    clock.advance(REMEMBERED_SECONDS + 1)
    assert await passwords.check(user, GOOD) is Verdict.GOOD
    assert len(verified) == 2


async def test_a_changed_password_forgets_the_proof(passwords):
    assert await passwords.check(hashed_user(), GOOD) is Verdict.GOOD
    assert await passwords.check(hashed_user(password="another"), GOOD) is Verdict.WRONG


async def test_what_is_remembered_is_bounded(passwords, monkeypatch, verified):
    monkeypatch.setattr(module, "REMEMBERED", 1)
    for name in ("one", "two", "one"):
        user = hashed_user(name)
        assert await passwords.check(user, sasl.Secret(name, PASSWORD.encode())) is Verdict.GOOD
    assert len(verified) == 3


async def test_too_many_waiting_is_busy(passwords, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(module, "_matches", lambda held, password: gate.wait(10))
    user = hashed_user()
    waiting = [asyncio.create_task(passwords.check(user, BAD)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    assert await passwords.check(user, BAD) is Verdict.BUSY
    gate.set()
    await asyncio.gather(*waiting)


async def test_cram_md5(passwords):
    digest = hmac.new(PASSWORD.encode(), b"<c>", hashlib.md5).hexdigest()
    proof = sasl.Digest("printer", b"<c>", digest)
    assert await passwords.check(clear_user(), proof) is Verdict.GOOD
    assert await passwords.check(hashed_user("printer"), proof) is Verdict.WRONG
    assert await passwords.check(None, proof) is Verdict.WRONG
    assert await passwords.check(clear_user(password="other"), proof) is Verdict.WRONG
    assert await passwords.check(clear_user(), sasl.Digest("p", b"<c>", "ü")) is Verdict.WRONG
