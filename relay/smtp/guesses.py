"""Guessing passwords: slowed for each address and each user, then banned for a while.

A failure scores one point and a point is forgiven each minute. Each further point doubles the pause
before the reply; at the limit comes a ban, which ends by itself. A user's own ban does not reach
addresses from which the user has logged in lately, so that somebody who guesses from many addresses
cannot lock the owner out. An IPv6 client is counted by its /64, the least a customer gets.

Errors: none.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network
from typing import Generic, TypeVar

from relay.model.clock import Clock
from relay.smtp.users import Host

FORGIVEN_EACH = 60.0  # seconds for one point
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0
ADDRESS_LIMIT = 10
USER_LIMIT = 30  # higher: one forgetful application must not lock out a user's other servers
BAN = 600.0
TRUSTED = 86_400.0
MOST_KEYS = 10_000  # each of addresses, names and trusted pairs

K = TypeVar("K")


@lru_cache(4096)  # asked several times for each connection
def neighbourhood(host: Host | None) -> str:
    """Give what a client is counted by: its IPv4 address, its IPv6 /64, or the unix socket."""
    if isinstance(host, IPv6Address):
        return str(IPv6Network((int(host), 64), strict=False))
    return str(host)


@dataclass(slots=True)
class _Score:
    points: float = 0.0
    at: float = 0.0
    banned_until: float = 0.0


class _Scores(Generic[K]):
    """Points by key; the key that failed longest ago is forgotten when there are too many."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._scores: OrderedDict[K, _Score] = OrderedDict()

    def add(self, key: K, now: float) -> float:
        """Add a point and give the points."""
        score = self._scores.setdefault(key, _Score())
        self._scores.move_to_end(key)
        score.points = max(0.0, score.points - (now - score.at) / FORGIVEN_EACH) + 1
        score.at = now
        if score.points >= self._limit:
            score.banned_until = now + BAN
            score.points = 0.0
        while len(self._scores) > MOST_KEYS:
            self._scores.popitem(last=False)
        return score.points

    def banned(self, key: K, now: float) -> bool:
        score = self._scores.get(key)
        return score is not None and score.banned_until > now

    def forget(self, key: K) -> None:
        self._scores.pop(key, None)


Guess = tuple[str, str]  # from where (`neighbourhood`), and the name


class Guesses:
    """Who guessed how often. One for the process; it outlives a reload.

    Where several processes are one relay, each hears now and then of guesses at the others.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._addresses: _Scores[str] = _Scores(ADDRESS_LIMIT)
        self._names: _Scores[str] = _Scores(USER_LIMIT)
        self._trusted: OrderedDict[tuple[str, str], float] = OrderedDict()  # → until
        self._untold: deque[Guess] = deque(maxlen=MOST_KEYS)

    def address_banned(self, host: Host | None) -> bool:
        """Say if AUTH is closed to this address for now."""
        return self._addresses.banned(neighbourhood(host), self._clock.monotonic())

    def name_banned(self, host: Host | None, name: str) -> bool:
        """Say if AUTH with this name is closed to this address for now."""
        now = self._clock.monotonic()
        if self._trusted.get((neighbourhood(host), name), 0.0) > now:
            return False
        return self._names.banned(name, now)

    def failed(self, host: Host | None, name: str) -> float:
        """Count a wrong password; give the seconds to wait before saying so."""
        guess = neighbourhood(host), name
        self._untold.append(guess)
        points = self.heard(guess)
        return min(FIRST_PAUSE * math.pow(2.0, max(points - 1, 0.0)), LONGEST_PAUSE)

    def heard(self, guess: Guess) -> float:
        """Count a wrong password, here or at another process of this relay; give the points."""
        now, (place, name) = self._clock.monotonic(), guess
        return max(self._addresses.add(place, now), self._names.add(name, now))

    def untold(self) -> Sequence[Guess]:
        """Give, once, the guesses here since the last time."""
        untold = tuple(self._untold)
        self._untold.clear()
        return untold

    def succeeded(self, host: Host | None, name: str) -> None:
        """Trust this address with this name for a day; its own points are kept.

        Otherwise whoever owns one account could guess at others for ever by logging in between.
        """
        key = (neighbourhood(host), name)
        self._trusted[key] = self._clock.monotonic() + TRUSTED
        self._trusted.move_to_end(key)
        while len(self._trusted) > MOST_KEYS:
            self._trusted.popitem(last=False)
