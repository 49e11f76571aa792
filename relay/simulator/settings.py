"""The account as the control path shows and changes it.

A change names only what it changes. All of it is read and checked before any of it is applied.

Errors: none; what is wrong is one sentence.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from .account import (
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
            name: {"sending_enabled": found.sending_enabled}
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
        "denied": [{"action": one.action, "resource": one.resource} for one in account.denied],
        "credentials": sorted(account.credentials),
        "roles": dict(account.roles),
        "bare_line_feeds": account.bare_line_feeds,
    }


def change(service: Service, asked: Document) -> str | None:
    """Apply a change, or say everything that is wrong with it and apply nothing."""
    asked.refuse_others((*_READERS, *_OF_USAGE))
    changes = {name: read(asked, name, service) for name, read in _READERS.items() if name in asked}
    sent = asked.number("sent_last_24_hours")
    if sent is not None and not (0 <= sent <= _MOST_NUMBER and sent == int(sent)):
        asked.fault("sent_last_24_hours", "must be a whole number from 0")
    for name in asked.names():
        if name not in asked:
            asked.fault(name, "must not be null, leave it out to keep it as it is")
    if asked.faults:
        return "; ".join(asked.faults)
    service.account = replace(service.account, **changes)
    if sent is not None:
        service.usage.day.restart(int(sent), service.clock())
    return None


def _rate(asked: Document, name: str, _service: Service) -> float:
    value = asked.number(name) or 0.0
    if not 0 < value <= _MOST_NUMBER:
        asked.fault(name, "must be above 0 (recipients a second)")
    return value


def _quota(asked: Document, name: str, _service: Service) -> float:
    value = asked.number(name) or 0.0
    if value != -1 and not 0 <= value <= _MOST_NUMBER:
        asked.fault(name, "must be 0 or more, or -1 for unlimited")
    return value


def _truth(asked: Document, name: str, _service: Service) -> bool:
    return bool(asked.truth(name))


def _names(asked: Document, name: str, _service: Service) -> frozenset[str]:
    return frozenset(asked.texts(name))


def _account_id(asked: Document, name: str, _service: Service) -> str:
    value = asked.text(name) or ""
    if len(value) != 12 or not (value.isascii() and value.isdigit()):
        asked.fault(name, "must be twelve digits")
    return value


def _enforcement(asked: Document, name: str, _service: Service) -> Enforcement:
    return _word(asked, name, Enforcement.HEALTHY)


def _configuration_sets(
    asked: Document, name: str, _service: Service
) -> Mapping[str, ConfigurationSet]:
    if asked.is_list(name):  # names alone are enough for what has no state
        return {each: ConfigurationSet() for each in asked.texts(name)}
    found: dict[str, ConfigurationSet] = {}
    inside = asked.inner(name)
    for each in inside.names():
        one = inside.inner(each)
        one.refuse_others(("sending_enabled",))
        found[each] = ConfigurationSet(sending_enabled=one.truth("sending_enabled") is not False)
    return found


def _tenants(asked: Document, name: str, _service: Service) -> Mapping[str, Tenant]:
    found: dict[str, Tenant] = {}
    inside = asked.inner(name)
    for each in inside.names():
        one = inside.inner(each)
        one.refuse_others(("status", "identities", "configuration_sets"))
        found[each] = Tenant(
            status=_word(one, "status", TenantStatus.ENABLED),
            identities=frozenset(one.texts("identities")),
            configuration_sets=frozenset(one.texts("configuration_sets")),
        )
    return found


def _suppressed(asked: Document, name: str, service: Service) -> Mapping[str, Suppressed]:
    now = service.clock()
    if asked.is_list(name):
        reasons = dict.fromkeys(asked.texts(name), SuppressionReason.BOUNCE)
    else:
        inside = asked.inner(name)
        reasons = {
            address: _word(inside, address, SuppressionReason.BOUNCE) for address in inside.names()
        }
    return {
        address.lower(): Suppressed(address=address, reason=reason, since=now)
        for address, reason in reasons.items()
    }


def _denied(asked: Document, name: str, _service: Service) -> tuple[Denial, ...]:
    found: list[Denial] = []
    for one in asked.inners(name):
        one.refuse_others(("action", "resource"))
        action = one.text("action")
        if not action:
            one.fault("action", "must name an action, such as ses:SendRawEmail (* is a wildcard)")
        found.append(Denial(action=action or "", resource=one.text("resource") or "*"))
    return tuple(found)


def _credentials(asked: Document, name: str, _service: Service) -> Mapping[str, str]:
    inside = asked.inner(name)
    found = {access_key: inside.text(access_key) or "" for access_key in inside.names()}
    for access_key, secret in found.items():
        if not secret or "/" in access_key:
            inside.fault(access_key, "must be an access key without / and its secret")
    return found


def _roles(asked: Document, name: str, _service: Service) -> Mapping[str, str | None]:
    inside = asked.inner(name)
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


# `replace` cannot type keywords it takes from a mapping, hence Any: each reader returns what
# the field of its own name holds.
_READERS: dict[str, Callable[[Document, str, Service], Any]] = {
    "account_id": _account_id,
    "max_send_rate": _rate,
    "max_24_hour_send": _quota,
    "sandbox": _truth,
    "sending_enabled": _truth,
    "enforcement": _enforcement,
    "identities": _names,
    "unverified_identities": _names,
    "mail_from_failing": _names,
    "delegated": _names,
    "configuration_sets": _configuration_sets,
    "tenants": _tenants,
    "suppressed": _suppressed,
    "denied": _denied,
    "credentials": _credentials,
    "roles": _roles,
    "bare_line_feeds": _truth,
}
_OF_USAGE = ("sent_last_24_hours",)
