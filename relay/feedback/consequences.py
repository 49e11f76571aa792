"""What follows from one event, as pure values: whom it suppresses, what it counts, who hears of it.

Errors: none.
"""

from collections.abc import Sequence
from typing import assert_never

from relay.feedback.events import About, Bounce, Complaint, Delay, Delivery, Reject, address_of
from relay.feedback.origin import Origin
from relay.feedback.treatment import (
    GLOBAL_LIST,
    REJECTED,
    TENANT_LIST,
    Suppress,
    accused,
    is_simulated,
    of_bounce,
    reply_for,
)
from relay.model.address import Address
from relay.model.ports import FullMailboxes, Suppressed
from relay.model.progress import Refusal
from relay.model.settings import Off
from relay.telemetry import FeedbackFacts
from relay.telemetry.feedback import FeedbackEvents

# SES's words in a complaint that a list of its own caused; it counts in no rate.
_OWN_LISTS = frozenset({"OnAccountSuppressionList", TENANT_LIST})


def suppress(event: About) -> tuple[Suppressed, ...]:
    """Give the entries that an event puts on the suppression list at once."""
    match event:
        case Bounce():
            treatment = of_bounce(event)
            if treatment.suppress not in (Suppress.NOW, Suppress.FOR_A_TIME):
                return ()
            ends = treatment.suppress is Suppress.FOR_A_TIME
            return tuple(
                Suppressed(
                    address=str(one.address),
                    reason=treatment.reason,
                    since=event.at,
                    until=event.at + GLOBAL_LIST if ends else None,
                    note=_source(event, f"{event.type}/{event.subtype}"),
                )
                for one in event.recipients
            )
        case Complaint():
            address = accused(event)
            if address is None:
                return ()
            return (
                Suppressed(
                    address=str(address),
                    reason="complaint",
                    since=event.at,
                    note=_source(event, event.feedback or "complaint"),
                ),
            )
        case Delivery() | Delay() | Reject():
            return ()
        case _:
            assert_never(event)


def full(event: About, limit: int | Off) -> FullMailboxes | None:
    """Give the full mailboxes of an event, where the operator wants them counted."""
    if not isinstance(event, Bounce) or isinstance(limit, Off):
        return None
    if of_bounce(event).suppress is not Suppress.COUNTED:
        return None
    addresses = tuple(str(one.address) for one in event.recipients)
    return FullMailboxes(addresses=addresses, at=event.at, limit=limit)


def hard_bounces(event: About) -> int:
    """Count the recipients that SES counts in the bounce rate."""
    if not isinstance(event, Bounce) or not of_bounce(event).counts:
        return 0
    return sum(not is_simulated(one.address) for one in event.recipients)


def complaints(event: About) -> int:
    """Count a complaint, once however many it may have come from."""
    if not isinstance(event, Complaint) or event.feedback == "not-spam":
        return 0
    if event.subtype in _OWN_LISTS:
        return 0
    return int(not all(is_simulated(one.address) for one in event.recipients))


def owed(event: About) -> Sequence[Refusal]:
    """Give the recipients whose failure the sender shall hear of, with the words for it."""
    match event:
        case Bounce():
            treatment = of_bounce(event)
            replies = [(one.address, reply_for(treatment, one)) for one in event.recipients]
            return [
                Refusal(recipients=(address,), reply=reply)
                for address, reply in replies
                if reply is not None
            ]
        case Reject():
            refused = _destinations(event)
            return [Refusal(recipients=refused, reply=REJECTED)] if refused else ()
        case Complaint() | Delivery() | Delay():
            return ()
        case _:
            assert_never(event)


def tell(events: FeedbackEvents, event: About, origin: Origin) -> None:
    """Write an event into log and history."""
    match event:
        case Bounce(type=kind, subtype=subtype):
            events.bounce(_facts(event, origin, f"{kind}/{subtype}", _words(event)))
        case Complaint(feedback=feedback, subtype=subtype):
            events.complaint(_facts(event, origin, "/".join(filter(None, (feedback, subtype))), ""))
        case Delivery():
            events.delivery(_facts(event, origin, "", _words(event)))
        case Delay(type=kind):
            events.delay(_facts(event, origin, kind, _words(event)))
        case Reject(reason=reason):
            events.reject(_facts(event, origin, reason, ""))
        case _:
            assert_never(event)


def _facts(event: About, origin: Origin, kind: str, detail: str) -> FeedbackFacts:
    named = _destinations(event)
    if not isinstance(event, Reject):
        named = tuple(one.address for one in event.recipients)
    return FeedbackFacts(
        ses_message_id=event.mail.ses_message_id,
        recipients=named,
        queue_id=origin.queue_id,
        user=origin.user,
        route=origin.route,
        kind=kind,
        detail=detail,
    )


def _words(event: Bounce | Delivery | Delay) -> str:
    """Give the first receiver's words; the others' are much the same."""
    return next((one.diagnostic for one in event.recipients if one.diagnostic), "")


def _destinations(event: About) -> tuple[Address, ...]:
    found = (address_of(text) for text in event.mail.destinations)
    return tuple(address for address in found if address is not None)


def _source(event: About, kind: str) -> str:
    return f"{kind}, SES message {event.mail.ses_message_id}"
