"""How an entry goes on after an outcome: one pure step, for fresh mail and backlog alike.

| outcome | the request |
|---|---|
| relayed | is done |
| failed | is done, its recipients refused; of a refusal that names some, the others go on alone |
| deferred | waits: by its own backoff, or until the scope that SES named opens |
| deferred, bad recipient not named | is cut into requests of one recipient each |
| deferred, unclassified | waits for an operator |
| unknown | goes once more after a longer delay; the second time it waits for an operator |

Errors: `KeyError` for a request number the entry does not have; a bug of ours.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from relay.model.address import Address
from relay.model.entry import EntryRequest, Held, QueueEntry, RequestState
from relay.model.outcome import Cause, Deferred, Failed, Outcome, Relayed, ScopeKind, Unknown
from relay.model.reply import Reply

_PACED = frozenset({Cause.RATE, Cause.WAITING, Cause.STOPPING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When things may be tried again, as the queue's backoff says for this entry."""

    now: datetime
    retry_at: datetime
    retry_unknown_at: datetime  # longer: SES may still be working on the first one


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Recipients that will not get the message, and SES's reason."""

    recipients: tuple[Address, ...]
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The entry after the step, and whom the step refused."""

    entry: QueueEntry
    refused: Refusal | None = None


def after(entry: QueueEntry, number: int, outcome: Outcome, times: Times) -> Progress:
    """Apply the outcome of request `number`."""
    request = {request.number: request for request in entry.requests}[number]
    match outcome:
        case Relayed(ses_message_id=ses_id):
            done = replace(request, state=RequestState.RELAYED, ses_message_id=ses_id, reply=None)
            return Progress(entry=_settled(entry, times, request, done))
        case Failed():
            return _failed(entry, request, outcome, times)
        case Deferred():
            return Progress(entry=_deferred(entry, request, outcome, times))
        case Unknown(reply=reply):
            lost = request.unknowns + 1
            again = replace(
                request,
                state=RequestState.UNKNOWN,
                unknowns=lost,
                reply=reply,
                not_before=times.retry_unknown_at,
            )
            moved = replace(_settled(entry, times, request, again), attempts=entry.attempts + 1)
            if lost > 1:
                reason = f"{lost} answers of SES were lost; it may have been sent already"
                moved = replace(moved, held=Held(reason=reason))
            return Progress(entry=moved)
        case _:
            assert_never(outcome)


def _failed(entry: QueueEntry, request: EntryRequest, outcome: Failed, times: Times) -> Progress:
    others = outcome.spared(request.recipients)
    refused = tuple(address for address in request.recipients if address not in others)
    parts = [replace(request, state=RequestState.FAILED, reply=outcome.reply, recipients=refused)]
    if others:
        number = max(known.number for known in entry.requests) + 1
        parts.append(EntryRequest(number=number, recipients=others))
    return Progress(
        entry=_settled(entry, times, request, *parts),
        refused=Refusal(recipients=refused, reply=outcome.reply),
    )


def _deferred(
    entry: QueueEntry, request: EntryRequest, outcome: Deferred, times: Times
) -> QueueEntry:
    cause = outcome.cause
    if cause is Cause.UNNAMED_RECIPIENT and len(request.recipients) > 1:
        number = max(known.number for known in entry.requests)
        parts = [
            EntryRequest(number=number + place, recipients=(address,))
            for place, address in enumerate(request.recipients, start=1)
        ]
        return _settled(entry, times, request, *parts)
    # What only waits for its turn is due at once: the scheduler sets the pace, not the clock.
    pause = times.now if cause in _PACED else times.retry_at
    waiting = replace(
        request,
        state=RequestState.PENDING,
        reply=outcome.reply,
        not_before=outcome.not_before or pause,
    )
    moved = _settled(entry, times, request, waiting)
    named = outcome.scope if outcome.scope.kind is not ScopeKind.MESSAGE else None
    moved = replace(moved, attempts=moved.attempts + int(cause.counts_as_attempt), waits_for=named)
    if cause is Cause.UNCLASSIFIED:
        moved = replace(moved, held=Held(reason=outcome.detail or outcome.reply.text))
    if not cause.lifetime_runs:
        moved = replace(moved, paused_since=times.now)
    return moved


def expired(entry: QueueEntry, now: datetime, reply: Reply) -> Progress:
    """Give up what is still open of an entry whose lifetime is over.

    Asked after an attempt only, so that what stood still with its scope gets at least one; never
    while the lifetime stands still.
    """
    if entry.paused_since or entry.held or now < entry.expires_at or not entry.open_requests:
        return Progress(entry=entry)
    given_up = {request.number for request in entry.open_requests}
    refused = tuple(a for request in entry.open_requests for a in request.recipients)
    requests = tuple(
        replace(request, state=RequestState.EXPIRED, reply=reply)
        if request.number in given_up
        else request
        for request in entry.requests
    )
    return Progress(
        entry=replace(entry, requests=requests), refused=Refusal(recipients=refused, reply=reply)
    )


def interrupted(entry: QueueEntry, times: Times, reply: Reply) -> QueueEntry:
    """Take up an entry whose owner died: a request found in flight has lost its answer."""
    for request in entry.requests:
        if request.state is RequestState.IN_FLIGHT:
            entry = after(entry, request.number, Unknown(reply=reply), times).entry
    return replace(entry, lease_until=None)


def _settled(
    entry: QueueEntry, times: Times, old: EntryRequest, *parts: EntryRequest
) -> QueueEntry:
    """Put `parts` in the place of `old`; the lifetime runs on from where it stood still."""
    requests = tuple(
        part for known in entry.requests for part in (parts if known is old else (known,))
    )
    still = times.now - entry.paused_since if entry.paused_since else None
    moved = replace(
        entry,
        requests=requests,
        waits_for=None,
        paused_since=None,
        expires_at=entry.expires_at + still if still else entry.expires_at,
    )
    waits = [request.not_before or times.now for request in moved.open_requests]
    return replace(moved, next_attempt_at=min(waits, default=times.now))
