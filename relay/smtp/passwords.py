"""Is this proof good? Argon2id in threads, at equal cost for a name that does not exist.

Argon2id takes about 25 ms of a core by design, so it runs in two threads beside the event loop; how
many may wait for them is bounded. A proof that was good is remembered for ten minutes, as an
HMAC-SHA256 under a key that lives as long as the process, so that a device that connects for each
message costs microseconds. Wrong ones are never remembered.

Standards: RFC 9106 (Argon2), RFC 2195 (CRAM-MD5).
Errors: none; a hash that cannot be read counts as a wrong password.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import Counter, OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from functools import cache
from typing import TypeAlias, assert_never

import argon2

from relay.model.clock import Clock
from relay.model.settings import ClearPassword, HashedPassword, User
from relay.smtp.sasl import Digest, Proof, Secret

THREADS = 2
MOST_WAITING = 64  # about a second of work for the threads
REMEMBERED = 1024
REMEMBERED_SECONDS = 600.0

Cost: TypeAlias = tuple[int, int, int]  # passes, KiB, lanes
USUAL_COST: Cost = (2, 19_456, 1)


class Verdict(Enum):
    """What became of a proof."""

    GOOD = auto()
    WRONG = auto()
    BUSY = auto()  # too many wait already


class Passwords:
    """Checks proofs. One for the process; it outlives a reload."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._key = secrets.token_bytes(32)
        self._good: OrderedDict[bytes, float] = OrderedDict()  # mark → until
        self._decoy = _decoy(USUAL_COST)

    def imitate(self, users: Iterable[User]) -> None:
        """Make checking an unknown name cost what checking most of these users costs."""
        costs: Counter[Cost] = Counter()
        for user in users:
            if isinstance(user.password, HashedPassword):
                cost = _cost_of(user.password.hash.reveal())
                if cost is not None:
                    costs[cost] += 1
        if costs:
            self._decoy = _decoy(costs.most_common(1)[0][0])

    async def check(self, user: User | None, proof: Proof) -> Verdict:
        """Check a proof against a user; None: the name is unknown, which takes as long."""
        match proof:
            case Secret(password=password):
                return await self._check_secret(user, password)
            case Digest():
                return _check_digest(user, proof)
            case _:
                assert_never(proof)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _check_secret(self, user: User | None, password: bytes) -> Verdict:
        mark = self._mark(user, password)
        now = self._clock.monotonic()
        if mark is not None and self._good.get(mark, 0.0) > now:
            return Verdict.GOOD
        if self._waiting >= MOST_WAITING:
            return Verdict.BUSY
        held, clear = self._decoy, False
        if user is not None and isinstance(user.password, HashedPassword):
            held = user.password.hash.reveal()
        elif user is not None and isinstance(user.password, ClearPassword):
            clear = hmac.compare_digest(user.password.secret.reveal().encode(), password)
        self._waiting += 1
        try:
            hashed = await asyncio.get_running_loop().run_in_executor(
                self._threads, _matches, held, password
            )
        finally:
            self._waiting -= 1
        if mark is None or not (clear or (hashed and held is not self._decoy)):
            return Verdict.WRONG
        self._good[mark] = now + REMEMBERED_SECONDS
        while len(self._good) > REMEMBERED:
            self._good.popitem(last=False)
        return Verdict.GOOD

    def _mark(self, user: User | None, password: bytes) -> bytes | None:
        """Give what a good proof is remembered by; it is void once the user's password changes."""
        match user.password if user is not None else None:
            case HashedPassword(hash=held) | ClearPassword(secret=held):
                assert user is not None
                parts = (user.name.encode(), held.reveal().encode(), password)
                joined = b"".join(len(part).to_bytes(4) + part for part in parts)
                return hmac.digest(self._key, joined, hashlib.sha256)
            case None:
                return None


@cache
def _decoy(cost: Cost) -> str:
    """Give a hash of this cost that no password matches; making one takes as long as a check."""
    return argon2.PasswordHasher(*cost).hash(secrets.token_bytes(32))


def _cost_of(held: str) -> Cost | None:
    """Read the cost from a hash; None: no Argon2 hash, whose user cannot log in."""
    try:
        parameters = argon2.extract_parameters(held)
    except argon2.exceptions.InvalidHashError:
        return None
    return parameters.time_cost, parameters.memory_cost, parameters.parallelism


def _matches(held: str, password: bytes) -> bool:
    try:
        return argon2.PasswordHasher().verify(held, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def _check_digest(user: User | None, proof: Digest) -> Verdict:
    """Compute CRAM-MD5 (RFC 2195), which takes microseconds; with a dummy for unknown names."""
    known = user is not None and isinstance(user.password, ClearPassword)
    secret = b"-"
    if user is not None and isinstance(user.password, ClearPassword):
        secret = user.password.secret.reveal().encode()
    expected = hmac.new(secret, proof.challenge, hashlib.md5).hexdigest()
    same = hmac.compare_digest(expected.encode(), proof.digest.encode())
    return Verdict.GOOD if same and known else Verdict.WRONG
