"""The account's suppression list over the v2 API.

A suppressed recipient does not make SES refuse a message: it is accepted and bounces later.

SES facts: SES Developer Guide, sending-email-suppression-list (Put is closed to accounts in the
sandbox); botocore service model `sesv2`. UNCERTAIN whether the list minds the case of local
parts; it does not here. One list for all Regions, where SES has one for each.

Errors: none; refusals are values.
"""

from dataclasses import replace
from datetime import UTC, datetime

from . import refusal
from .account import Suppressed, SuppressionReason
from .addresses import BadAddress, mailbox
from .call import Call, page
from .refusal import Refusal
from .service import Service

Result = dict[str, object] | Refusal
_REASONS = frozenset(reason.value for reason in SuppressionReason)


def put(service: Service, call: Call) -> Result:
    """PutSuppressedDestination: add an address, or change its reason."""
    written, reason = call.body.text("EmailAddress"), call.body.text("Reason")
    if call.body.faults:
        return refusal.unreadable(call.body.faults[0])
    if written is None or reason is None:
        return refusal.missing("emailAddress" if written is None else "reason")
    box = mailbox(written)
    if isinstance(box, BadAddress):
        return refusal.invalid(box.text)
    if reason not in _REASONS:
        return refusal.constraint(
            "reason", "Member must satisfy enum value set: [BOUNCE, COMPLAINT]", reason
        )
    if service.account.sandbox:
        return refusal.invalid("Production access is required for this operation.")  # UNCERTAIN
    entry = Suppressed(address=box.address, reason=SuppressionReason(reason), since=service.clock())
    service.account = service.account.suppressing([entry])
    return {}


def get(service: Service, call: Call) -> Result:
    """GetSuppressedDestination."""
    entry = service.account.suppressed.get(call.arguments[0].lower())
    if entry is None:
        return _absent(call.arguments[0])
    attributes = {} if entry.message_id is None else {"MessageId": entry.message_id}
    return {"SuppressedDestination": {**_shown(entry), "Attributes": attributes}}


def delete(service: Service, call: Call) -> Result:
    """DeleteSuppressedDestination."""
    left = dict(service.account.suppressed)
    if left.pop(call.arguments[0].lower(), None) is None:
        return _absent(call.arguments[0])
    service.account = replace(service.account, suppressed=left)
    return {}


def listed(service: Service, call: Call) -> Result:
    """ListSuppressedDestinations, by reason and time of entry."""
    reasons = call.query.get("Reason", [])
    for reason in reasons:
        if reason not in _REASONS:
            return refusal.constraint(
                "reasons", "Member must satisfy enum value set: [BOUNCE, COMPLAINT]", reason
            )
    bounds: list[datetime | None] = []
    for name in ("StartDate", "EndDate"):
        written = call.parameter(name)
        at = None if written is None else _time(written)
        if written is not None and at is None:
            return refusal.unreadable(f"{name} is not a timestamp.")
        bounds.append(at)
    start, end = bounds
    entries = {
        key: entry
        for key, entry in service.account.suppressed.items()
        if (not reasons or entry.reason in reasons)
        and (start is None or entry.since >= start)
        and (end is None or entry.since <= end)
    }
    cut = page(call, sorted(entries), f"{sorted(reasons)} {start} {end}")
    if isinstance(cut, Refusal):
        return cut
    return cut.result("SuppressedDestinationSummaries", [_shown(entries[key]) for key in cut.names])


def _shown(entry: Suppressed) -> dict[str, object]:
    return {
        "EmailAddress": entry.address,
        "Reason": entry.reason.value,
        "LastUpdateTime": entry.since.timestamp(),
    }


def _time(written: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _absent(address: str) -> Refusal:
    return refusal.absent(f"Email address {address} does not exist on your suppression list.")
