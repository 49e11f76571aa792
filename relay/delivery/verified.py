"""The senders that SES has taken mail from, over restarts.

They tell a sender who never was verified, whose mail is refused, from one whose verification was
lost (a DNS record removed), whose mail waits until an operator has mended it.

No message waits for the store: who is new is written a little later, and nobody twice in a day. The
store is read only when SES says that a sender is not verified. A domain that has sent by many
addresses is known as a whole, so that a bounce address of its own for each message (VERP) is no
write for each.

Errors: a store that has a fault leaves it open who was verified; the mail waits then.
"""

from collections import Counter
from collections.abc import Collection, Container, Iterable

from relay.model.address import Address
from relay.model.clock import Clock
from relay.model.ports import Senders, StoreFault

CAPACITY = 20_000  # names; about 4 MB
MANY = 100  # addresses of one domain
ONCE_IN = 86_400.0  # seconds, so that what is in use is not forgotten by the store


class Everybody:
    """What must be believed while nobody can be asked."""

    def __contains__(self, key: object) -> bool:
        return True


class Verified:
    """The verified senders of one account, as far as they have sent."""

    def __init__(
        self, senders: Senders, account: str, clock: Clock, capacity: int = CAPACITY
    ) -> None:
        self._senders = senders
        self._account = account
        self._clock = clock
        self._capacity = capacity
        self._names: dict[str, None] = {}  # in order of use
        self._addresses: Counter[str] = Counter()  # by domain
        self._unsaved: set[str] = set()
        self._since = clock.monotonic()

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and any(name in self._names for name in _names(key))

    def remember(self, addresses: Iterable[Address]) -> None:
        """Note that SES took a message in the name of these addresses."""
        for address in addresses:
            name = address.key
            if name not in self._names and (domain := _domain(name)) in self._names:
                name = domain
            if name in self._names:
                del self._names[name]
                self._names[name] = None
            else:
                self._add(name)

    def _add(self, name: str) -> None:
        domain = _domain(name)
        self._addresses[domain] += 1
        if self._addresses[domain] > MANY:
            name = domain
        self._names[name] = None
        self._unsaved.add(name)
        while len(self._names) > self._capacity:
            oldest = next(iter(self._names))
            del self._names[oldest]
            self._unsaved.discard(oldest)
            self._addresses.pop(_domain(oldest), None)

    async def among(self, addresses: Collection[Address]) -> Container[str]:
        """Give what tells, by their keys, who of these was verified before."""
        unknown = [address.key for address in addresses if address.key not in self]
        if not unknown:
            return self
        wanted = [name for key in unknown for name in _names(key)]
        found = await self._senders.remembered(self._account, wanted)
        if isinstance(found, StoreFault):
            return Everybody()
        self._names |= dict.fromkeys(found)
        return self

    async def save(self) -> StoreFault | None:
        """Write down who is new, if anybody is."""
        if self._clock.monotonic() - self._since > ONCE_IN:
            self._since = self._clock.monotonic()
            self._unsaved |= self._names.keys()
        if not self._unsaved:
            return None
        saving, self._unsaved = self._unsaved, set()
        fault = await self._senders.remember(self._account, sorted(saving), self._clock.now())
        if fault is not None:
            self._unsaved |= saving
        return fault


def _names(key: str) -> tuple[str, str]:
    """Give the names that stand for an address: itself, and its domain."""
    return key, _domain(key)


def _domain(key: str) -> str:
    return f"@{key.rpartition('@')[2]}"
