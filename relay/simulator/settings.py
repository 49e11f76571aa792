"""The account as the control path shows and changes it.

A change names only what it changes. All of it is read and checked before any of it is applied.

Errors: none; what is wrong is one sentence.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from .account import (
    EVENT_TYPES,
    Account,
    ConfigurationSet,
    Denial,
    Enforcement,
    Suppressed,
    SuppressionReason,
    Tenant,
    TenantStatus,
)
from .document import Document
from .service import Service

Word = TypeVar("Word", Enforcement, TenantStatus, SuppressionReason)

_MOST_NUMBER = 1e9


def shown(service: Service) -> dict[str, object]:
    """The account as JSON: what `change` takes, but secrets are left out."""
    account = service.account
    return {
        "account_id": account.account_id,
        "max_send_rate": account.max_send_rate,
        "max_24_hour_send": account.max_24_hour_send,
        "sent_last_24_hours": service.usage.day.total(service.clock()),
        "sandbox": account.sandbox,
        "sending_enabled": account.sending_enabled,
        "enforcement": account.enforcement.value,
        "identities": sorted(account.identities),
        "unverified_identities": sorted(account.unverified_identities),
        "mail_from_failing": sorted(account.mail_from_failing),
        "delegated": sorted(account.delegated),
        "configuration_sets": {
            name: {"sending_enabled": found.sending_enabled, "events": sorted(found.events)}
            for name, found in account.configuration_sets.items()
        },
        "tenants": {
            name: {
                "status": tenant.status.value,
                "identities": sorted(tenant.identities),
                "configuration_sets": sorted(tenant.configuration_sets),
            }
            for name, tenant in account.tenants.items()
        },
        "suppressed": {entry.address: entry.reason.value for entry in account.suppressed.values()},
        "suppressed_reasons": sorted(account.suppressed_reasons),
        "denied": [{"action": one.action, "resource": one.resource} for one in account.denied],
        "credentials": sorted(account.credentials),
        "roles": dict(account.roles),
        "bare_line_feeds": account.bare_line_feeds,
    }


def change(service: Service, asked: Document) -> str | None:
    """Apply a change, or say everything that is wrong with it and apply nothing."""
    asked.refuse_others((*_CHANGES, *_OF_USAGE))
    now = service.clock()
    account = service.account
    for name, changed in _CHANGES.items():
        if name in asked:
            account = changed(asked, account, now)
    sent = asked.number("sent_last_24_hours")
    if sent is not None and not (0 <= sent <= _MOST_NUMBER and sent == int(sent)):
        asked.fault("sent_last_24_hours", "must be a whole number from 0")
    for name in asked.names():
        if name not in asked:
            asked.fault(name, "must not be null, leave it out to keep it as it is")
    if asked.faults:
        return "; ".join(asked.faults)
    service.account = account
    if sent is not None:
        service.usage.day.restart(int(sent), now)
    return None


def _rate(asked: Document) -> float:
    value = asked.number("max_send_rate") or 0.0
    if not 0 < value <= _MOST_NUMBER:
        asked.fault("max_send_rate", "must be above 0 (recipients a second)")
    return value


def _quota(asked: Document) -> float:
    value = asked.number("max_24_hour_send") or 0.0
    if value != -1 and not 0 <= value <= _MOST_NUMBER:
        asked.fault("max_24_hour_send", "must be 0 or more, or -1 for unlimited")
    return value


def _truth(asked: Document, name: str) -> bool:
    return bool(asked.truth(name))


def _names(asked: Document, name: str) -> frozenset[str]:
    return frozenset(asked.texts(name))


def _account_id(asked: Document) -> str:
    value = asked.text("account_id") or ""
    if len(value) != 12 or not (value.isascii() and value.isdigit()):
        asked.fault("account_id", "must be twelve digits")
    return value


def _configuration_sets(asked: Document) -> Mapping[str, ConfigurationSet]:
    if asked.is_list("configuration_sets"):  # names alone are enough for what has no state
        return {each: ConfigurationSet() for each in asked.texts("configuration_sets")}
    found: dict[str, ConfigurationSet] = {}
    inside = asked.inner("configuration_sets")
    for each in inside.names():
        one = inside.inner(each)
        one.refuse_others(("sending_enabled", "events"))
        events = frozenset(one.texts("events")) if "events" in one else ConfigurationSet().events
        if unknown := events - EVENT_TYPES:
            one.fault("events", f"{min(unknown)} is none of {', '.join(sorted(EVENT_TYPES))}")
        found[each] = ConfigurationSet(
            sending_enabled=one.truth("sending_enabled") is not False, events=events
        )
    return found


def _tenants(asked: Document) -> Mapping[str, Tenant]:
    found: dict[str, Tenant] = {}
    inside = asked.inner("tenants")
    for each in inside.names():
        one = inside.inner(each)
        one.refuse_others(("status", "identities", "configuration_sets"))
        found[each] = Tenant(
            status=_word(one, "status", TenantStatus.ENABLED),
            identities=frozenset(one.texts("identities")),
            configuration_sets=frozenset(one.texts("configuration_sets")),
        )
    return found


def _suppressed(asked: Document, now: datetime) -> Mapping[str, Suppressed]:
    if asked.is_list("suppressed"):
        reasons = dict.fromkeys(asked.texts("suppressed"), SuppressionReason.BOUNCE)
    else:
        inside = asked.inner("suppressed")
        reasons = {
            address: _word(inside, address, SuppressionReason.BOUNCE) for address in inside.names()
        }
    return {
        address.lower(): Suppressed(address=address, reason=reason, since=now)
        for address, reason in reasons.items()
    }


def _suppressed_reasons(asked: Document) -> frozenset[SuppressionReason]:
    named = asked.texts("suppressed_reasons")
    words = {reason.value: reason for reason in SuppressionReason}
    if not words.keys() >= set(named):
        asked.fault("suppressed_reasons", f"must be some of {', '.join(words)}")
        return frozenset()
    return frozenset(words[name] for name in named)


def _denied(asked: Document) -> tuple[Denial, ...]:
    found: list[Denial] = []
    for one in asked.inners("denied"):
        one.refuse_others(("action", "resource"))
        action = one.text("action")
        if not action:
            one.fault("action", "must name an action, such as ses:SendRawEmail (* is a wildcard)")
        found.append(Denial(action=action or "", resource=one.text("resource") or "*"))
    return tuple(found)


def _credentials(asked: Document, known: Mapping[str, str]) -> Mapping[str, str]:
    """Keys with their secrets; or names of known keys, so that what is shown may be set again."""
    if asked.is_list("credentials"):
        kept = asked.texts("credentials")
        if any(access_key not in known for access_key in kept):
            asked.fault("credentials", "a list keeps known keys only; give new ones as an object")
        return {access_key: known.get(access_key, "") for access_key in kept}
    inside = asked.inner("credentials")
    found = {access_key: inside.text(access_key) or "" for access_key in inside.names()}
    for access_key, secret in found.items():
        if not secret or "/" in access_key:
            inside.fault(access_key, "must be an access key without / and its secret")
    return found


def _roles(asked: Document) -> Mapping[str, str | None]:
    inside = asked.inner("roles")
    return {role: inside.text(role) for role in inside.names()}


def _word(asked: Document, name: str, default: Word) -> Word:
    """One word out of the enumeration of the default."""
    written = asked.text(name)
    if written is None:
        return default
    words = {word.value: word for word in type(default)}
    if written not in words:
        asked.fault(name, f"must be one of {', '.join(words)}")
        return default
    return words[written]


_Changed = Callable[[Document, Account, datetime], Account]

# For each name: the account with that much changed.
_CHANGES: dict[str, _Changed] = {
    "account_id": lambda asked, to, _: replace(to, account_id=_account_id(asked)),
    "max_send_rate": lambda asked, to, _: replace(to, max_send_rate=_rate(asked)),
    "max_24_hour_send": lambda asked, to, _: replace(to, max_24_hour_send=_quota(asked)),
    "sandbox": lambda asked, to, _: replace(to, sandbox=_truth(asked, "sandbox")),
    "sending_enabled": lambda asked, to, _: replace(
        to, sending_enabled=_truth(asked, "sending_enabled")
    ),
    "enforcement": lambda asked, to, _: replace(
        to, enforcement=_word(asked, "enforcement", to.enforcement)
    ),
    "identities": lambda asked, to, _: replace(to, identities=_names(asked, "identities")),
    "unverified_identities": lambda asked, to, _: replace(
        to, unverified_identities=_names(asked, "unverified_identities")
    ),
    "mail_from_failing": lambda asked, to, _: replace(
        to, mail_from_failing=_names(asked, "mail_from_failing")
    ),
    "delegated": lambda asked, to, _: replace(to, delegated=_names(asked, "delegated")),
    "configuration_sets": lambda asked, to, _: replace(
        to, configuration_sets=_configuration_sets(asked)
    ),
    "tenants": lambda asked, to, _: replace(to, tenants=_tenants(asked)),
    "suppressed": lambda asked, to, now: replace(to, suppressed=_suppressed(asked, now)),
    "suppressed_reasons": lambda asked, to, _: replace(
        to, suppressed_reasons=_suppressed_reasons(asked)
    ),
    "denied": lambda asked, to, _: replace(to, denied=_denied(asked)),
    "credentials": lambda asked, to, _: replace(
        to, credentials=_credentials(asked, to.credentials)
    ),
    "roles": lambda asked, to, _: replace(to, roles=_roles(asked)),
    "bare_line_feeds": lambda asked, to, _: replace(
        to, bare_line_feeds=_truth(asked, "bare_line_feeds")
    ),
}
_OF_USAGE = ("sent_last_24_hours",)
