"""The sender addresses that SES has taken mail from.

They tell a sender who never was verified, whose mail is refused, from one whose verification was
lost (a DNS record removed), whose mail waits until an operator has mended it.

Errors: none. The memory begins empty at each start and is bounded.
"""

from collections.abc import Iterable

from relay.model.address import Address

CAPACITY = 20_000  # addresses; about 4 MB


class Verified:
    """A set of address keys that forgets those longest unused."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._keys: dict[str, None] = {}  # in order of use

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def remember(self, addresses: Iterable[Address]) -> None:
        """Note that SES took a message in the name of these addresses."""
        for address in addresses:
            self._keys.pop(address.key, None)
            self._keys[address.key] = None
        while len(self._keys) > self._capacity:
            del self._keys[next(iter(self._keys))]
