"""How the nouns look to programs, the same on the command line and in the API.

Times are RFC 3339 in UTC. What is not there is null.

Errors: none.
"""

from datetime import datetime

from relay.model.custody import EntryState, HistoryEvent, QueueCount, ScopeHold
from relay.model.entry import Held, QueueEntry
from relay.model.ports import Corrupt, Suppressed

Json = dict[str, object]


def moment(time: datetime | None) -> str | None:
    """Write a time for people and programs alike (RFC 3339)."""
    return None if time is None else time.isoformat(timespec="seconds").replace("+00:00", "Z")


def instant(time: datetime) -> str:
    """Write a time as the log does, to the millisecond."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry(one: QueueEntry | Corrupt, now: datetime) -> Json:
    """Give one entry of the queue."""
    if isinstance(one, Corrupt):
        return {"id": one.id, "state": EntryState.CORRUPT, "reason": one.reason}
    message = one.message
    return {
        "id": one.id,
        "state": EntryState.of(one, now),
        "user": message.user,
        "route": message.route,
        "lane": message.lane,
        "sender": "" if message.sender is None else str(message.sender),
        "recipients": [str(recipient.address) for recipient in message.recipients],
        "message_id": message.message_id,
        "session_id": message.session_id,
        "received_at": moment(message.received_at),
        "size": message.size,
        "attempts": one.attempts,
        "next_attempt_at": moment(one.next_attempt_at),
        "expires_at": moment(one.expires_at),
        "lease_until": moment(one.lease_until),
        "held": held(one.held),
        "waits_for": None if one.waits_for is None else str(one.waits_for),
        "requests": [
            {
                "number": request.number,
                "state": request.state,
                "recipients": [str(address) for address in request.recipients],
                "not_before": moment(request.not_before),
                "reply": None if request.reply is None else str(request.reply),
                "ses_message_id": request.ses_message_id or None,
            }
            for request in one.requests
        ],
    }


def held(one: Held | None) -> Json | None:
    """Give the hold of an entry."""
    return None if one is None else {"reason": one.reason, "until": moment(one.until)}


def count(cell: QueueCount) -> Json:
    """Give one cell of the queue's summary."""
    return {
        "user": cell.user,
        "lane": cell.lane,
        "state": cell.state,
        "age": cell.age,
        "messages": cell.messages,
        "octets": cell.octets,
    }


def scope_hold(one: ScopeHold) -> Json:
    """Give the hold of a scope."""
    return {
        "kind": one.scope.kind,
        "name": one.scope.name,
        "route": one.scope.route or None,
        "reason": one.held.reason,
        "since": moment(one.since),
        "until": moment(one.held.until),
    }


def suppressed(one: Suppressed) -> Json:
    """Give one entry of the suppression list."""
    return {
        "address": one.address,
        "reason": one.reason,
        "since": moment(one.since),
        "until": moment(one.until),
        "note": one.note,
    }


def event(one: HistoryEvent) -> Json:
    """Give one event of a message's life, with its facts."""
    return {"event": one.event, "at": instant(one.at), **one.facts}
