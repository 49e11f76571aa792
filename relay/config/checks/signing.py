"""Checks of the DKIM keys; what is in a key is seen by `ses-relay check` and at the start.

Standards: RFC 6376 §3.1 (selectors are domain labels).

Errors: none; findings.
"""

from collections.abc import Iterator

from relay.config.checks.syntax import check_domain, is_domain
from relay.config.fault import Finding, Loc, shown
from relay.model.settings import Settings


def check_signing(settings: Settings) -> Iterator[Finding]:
    """Find keys that stand twice, are never active, or cannot be published."""
    seen: dict[tuple[str, str], int] = {}
    for n, key in enumerate(settings.dkim):
        loc: Loc = ("dkim", n)
        yield from check_domain(key.domain, (*loc, "domain"))
        if not is_domain(key.selector):
            yield Finding(
                (*loc, "selector"),
                f"{shown(key.selector)} is not a selector",
                "write letters, digits and -, like s1",
            )
        first = seen.setdefault((key.domain.lower(), key.selector.lower()), n)
        if first != n:
            yield Finding(
                (*loc, "selector"),
                f"dkim[{first}] has the same domain and selector",
                "give each key a selector of its own",
            )
        if key.active_from and key.active_until and key.active_from >= key.active_until:
            yield Finding(
                (*loc, "active_until"),
                "is not after active_from, so that the key is never used",
                "write a later time",
            )
