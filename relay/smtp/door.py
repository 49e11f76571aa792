"""What a session needs to know: its listener made ready, and what all sessions share.

A door is immutable. A reload makes new ones; sessions keep the one they came in by, and each of
their transactions takes the configuration of its moment (`Reception.begin`).

Errors: none.
"""

from dataclasses import dataclass

from relay.model.clock import Clock
from relay.model.ports import Reception
from relay.model.settings import AuthMode, Listener, Mechanism, TlsMode
from relay.smtp.census import Census
from relay.smtp.certificates import Certificate
from relay.smtp.guesses import Guesses
from relay.smtp.passwords import Passwords
from relay.smtp.paths import PathRules
from relay.smtp.users import Host, Users, within
from relay.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One listener as its sessions see it."""

    listener: Listener
    name: str  # in logs and rules: the listener's name, else its bind
    hostname: str
    certificate: Certificate | None
    users: Users
    dsn: bool  # whether DSN is kept as promised, and so offered
    paths: PathRules  # how addresses are read here

    def welcomes(self, host: Host | None) -> bool:
        """Say if a peer may connect. Who reaches a unix socket may."""
        networks = self.listener.networks
        return not networks or host is None or within(host, networks)

    def mechanisms(self, host: Host | None, *, encrypted: bool) -> tuple[Mechanism, ...]:
        """Give the mechanisms that may be used now: passwords travel in clear only as allowed."""
        listener = self.listener
        if listener.auth is AuthMode.OFF:
            return ()
        if encrypted or (listener.cleartext_auth and within(host, listener.networks)):
            return listener.mechanisms
        return ()

    def offers_tls(self, *, encrypted: bool) -> bool:
        """Say if STARTTLS is offered now."""
        modes = (TlsMode.STARTTLS, TlsMode.STARTTLS_REQUIRED)
        return self.listener.tls in modes and self.certificate is not None and not encrypted


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all sessions share. It outlives a reload."""

    reception: Reception
    telemetry: Telemetry
    clock: Clock
    census: Census
    guesses: Guesses
    passwords: Passwords
