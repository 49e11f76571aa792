"""The users as the front door knows them: by name for AUTH, by network or certificate without it.

Errors: none.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

from relay.model.settings import CertificateMark, IdentifyBy, Network, User

Host: TypeAlias = IPv4Address | IPv6Address


def within(host: Host | None, networks: Iterable[Network]) -> bool:
    """Say if a host is in one of the networks; a peer on a unix socket (None) is in none."""
    return host is not None and any(host in network for network in networks)


def may_come_from(user: User, host: Host | None) -> bool:
    """Say if a user may send from where the client is."""
    return not user.networks or within(host, user.networks)


class Users:
    """Whom AUTH and networks can name."""

    def __init__(self, users: Iterable[User]) -> None:
        everybody = tuple(users)
        self._by_name = {
            user.name: user for user in everybody if user.identify_by is IdentifyBy.PASSWORD
        }
        # The most specific network first; of two alike, the one that stands first in the file.
        self._by_network = sorted(
            (
                (network, user)
                for user in everybody
                if user.identify_by is IdentifyBy.NETWORK
                for network in user.networks
            ),
            key=lambda pair: -pair[0].prefixlen,
        )
        self._by_certificate = {
            mark: user
            for user in everybody
            if user.identify_by is IdentifyBy.CERTIFICATE
            for mark in user.certificates
        }

    def named(self, name: str) -> User | None:
        """Give the user who says this name in AUTH."""
        return self._by_name.get(name)

    def at(self, host: Host | None) -> User | None:
        """Give the user who is known by the network the host is in."""
        if host is None:
            return None
        return next((user for network, user in self._by_network if host in network), None)

    def showing(self, marks: Iterable[CertificateMark], host: Host | None) -> User | None:
        """Give the user of a verified certificate, by its marks, the first that is known."""
        user = next((known for mark in marks if (known := self._by_certificate.get(mark))), None)
        return user if user is not None and may_come_from(user, host) else None

    def with_passwords(self) -> Iterable[User]:
        """Give those who use AUTH."""
        return self._by_name.values()
