"""The closed list of events: every log line of the relay carries one of these names.

The names are an outer contract (dashboards and alarms depend on them); a test holds the list
against the methods of `Telemetry` and against one golden line each.

Errors: none.
"""

from enum import StrEnum

from relay.model.settings import LogLevel as Level


class Event(StrEnum):
    """`area.word`; the method is `telemetry.area.word(…)`."""

    RELAY_STARTED = "relay.started"
    RELAY_RELOADED = "relay.reloaded"
    RELAY_STOPPED = "relay.stopped"
    RELAY_FAULT = "relay.fault"  # an unclassified error in our own code, with its traceback
    SMTP_CONNECTED = "smtp.connected"
    SMTP_AUTHENTICATED = "smtp.authenticated"
    SMTP_AUTH_FAILED = "smtp.auth_failed"
    SMTP_REFUSED = "smtp.refused"
    SMTP_CLOSED = "smtp.closed"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_RELAYED = "message.relayed"
    MESSAGE_DEFERRED = "message.deferred"
    MESSAGE_FAILED = "message.failed"
    MESSAGE_EXPIRED = "message.expired"
    MESSAGE_HELD = "message.held"
    MESSAGE_RELEASED = "message.released"
    MESSAGE_DISCARDED = "message.discarded"
    MESSAGE_BOUNCED = "message.bounced"
    FEEDBACK_BOUNCE = "feedback.bounce"
    FEEDBACK_COMPLAINT = "feedback.complaint"
    FEEDBACK_DELIVERY = "feedback.delivery"
    FEEDBACK_DELAY = "feedback.delay"
    FEEDBACK_REJECT = "feedback.reject"
    SUPPRESSION_ADDED = "suppression.added"
    SUPPRESSION_REMOVED = "suppression.removed"
    THROTTLE_CHANGED = "throttle.changed"
    ACCOUNT_CHANGED = "account.changed"
    REPUTATION_WARNED = "reputation.warned"
    REPUTATION_HELD = "reputation.held"
    STORE_FAULT = "store.fault"
    LIBRARY_LOG = "library.log"  # a line of a library we use; has no method


# Sessions come and go too often to look back on, and the process tells its own story in the log.
NOT_IN_HISTORY = frozenset(
    {
        Event.RELAY_STARTED,
        Event.RELAY_RELOADED,
        Event.RELAY_STOPPED,
        Event.RELAY_FAULT,
        Event.SMTP_CONNECTED,
        Event.SMTP_AUTHENTICATED,
        Event.SMTP_CLOSED,
        Event.LIBRARY_LOG,
    }
)

__all__ = ["NOT_IN_HISTORY", "Event", "Level"]
