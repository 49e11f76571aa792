"""What must be true between options: each check yields findings with their fix.

A check sees complete, valid settings; it speaks of what no single option can know.

Errors: none.
"""

from collections.abc import Iterator

from relay.config.checks.access import check_access
from relay.config.checks.listeners import check_listeners, check_tls
from relay.config.checks.operation import check_operation
from relay.config.checks.routes import check_routes
from relay.config.checks.rules import check_rules
from relay.config.checks.signing import check_signing
from relay.config.checks.users import check_users
from relay.config.checks.written import Written
from relay.config.fault import Finding
from relay.model.settings import Settings


def check(settings: Settings, written: Written) -> Iterator[Finding]:
    """Run every check."""
    yield from check_listeners(settings)
    yield from check_tls(settings)
    yield from check_access(settings)
    yield from check_users(settings, written)
    yield from check_routes(settings)
    yield from check_signing(settings)
    yield from check_rules(settings)
    yield from check_operation(settings)


__all__ = ["Written", "check"]
