"""DKIM keys: usable, in their time, and published as they are.

Standards: RFC 6376 §3.6 (key records).
Errors: none; findings.
"""

from collections.abc import Iterator
from datetime import datetime

from relay.model.settings import DkimKey, DkimSigner, Settings
from relay.model.unanswered import Why
from relay.service.check.finding import Finding, fault, ok, unasked, warning
from relay.service.dkim import UnusableKey, fault_of, record_of
from relay.service.dns_texts import Lookup, NoAnswer


def check_keys(settings: Settings, published: Lookup | None, now: datetime) -> Iterator[Finding]:
    """Look at each key; `published` is None where the DNS must not be asked."""
    left_to_ses = {route.dkim for route in settings.routes.values()} == {DkimSigner.SES}
    for key in settings.dkim:
        yield _unused(key) if left_to_ses else _key(key, published, now)


def _unused(key: DkimKey) -> Finding:
    return warning(
        _about(key),
        "never signs: every route leaves that to SES (`dkim: ses`)",
        "write `dkim: relay` for the routes that shall sign with it, or remove it",
    )


def _about(key: DkimKey) -> str:
    return f"dkim {key.selector}._domainkey.{key.domain}"


def _key(key: DkimKey, published: Lookup | None, now: datetime) -> Finding:
    about = _about(key)
    text = key.key.reveal()
    record = record_of(key.domain, key.selector, text)
    if isinstance(record, UnusableKey):
        return fault(about, record.reason, "make one with `ses-relay dkim generate`")
    if key.active_until is not None and key.active_until <= now:
        return warning(about, f"has not signed since {key.active_until:%Y-%m-%d}", "remove it")
    if published is None:
        return ok(about, "is a key that can sign")
    return _compared(about, key, published(record.name), now)


def _compared(
    about: str, key: DkimKey, found: tuple[str, ...] | NoAnswer, now: datetime
) -> Finding:
    if isinstance(found, NoAnswer):
        fix = "run this check where the DNS can be asked"
        return unasked(about, found.reason, fix, Why.UNREACHABLE)
    wrong = fault_of(key, found)
    if wrong is None:
        return ok(about, "is published as it should be")
    reason, _, fix = wrong.partition("; ")
    if key.active_from is not None and now < key.active_from:
        return warning(about, reason, f"{fix}, before {key.active_from:%Y-%m-%d}")
    return fault(about, reason, fix)
