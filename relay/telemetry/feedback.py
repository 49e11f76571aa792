"""Events that SES tells us about mail it took earlier.

Errors: none.
"""

from dataclasses import dataclass

from relay.model.address import Address
from relay.telemetry.events import Event, Level
from relay.telemetry.recorder import Facts, Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackFacts:
    """What one event of SES says. Queue id, user and route come from the tags of the request."""

    ses_message_id: str
    recipients: tuple[Address, ...]
    queue_id: str = ""
    user: str = ""
    route: str = ""
    kind: str = ""  # SES's type and subtype, as Permanent/General
    detail: str = ""  # diagnostic code or feedback type


class FeedbackEvents:
    """Bounces, complaints and deliveries, as SES reports them."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def bounce(self, facts: FeedbackFacts) -> None:
        """Say that a receiver refused a message, now or later."""
        self._record(Event.FEEDBACK_BOUNCE, Level.WARNING, facts)

    def complaint(self, facts: FeedbackFacts) -> None:
        """Say that a recipient marked a message as spam."""
        self._record(Event.FEEDBACK_COMPLAINT, Level.WARNING, facts)

    def delivery(self, facts: FeedbackFacts) -> None:
        """Say that a receiver's server took a message."""
        self._record(Event.FEEDBACK_DELIVERY, Level.INFO, facts)

    def delay(self, facts: FeedbackFacts) -> None:
        """Say that SES could not deliver a message yet."""
        self._record(Event.FEEDBACK_DELAY, Level.INFO, facts)

    def reject(self, facts: FeedbackFacts) -> None:
        """Say that SES took a message and then found a virus in it."""
        self._record(Event.FEEDBACK_REJECT, Level.WARNING, facts)

    def _record(self, event: Event, level: Level, facts: FeedbackFacts) -> None:
        plain: Facts = {
            "queue_id": facts.queue_id,
            "user": facts.user,
            "route": facts.route,
            "ses_message_id": facts.ses_message_id,
            "kind": facts.kind,
            "detail": facts.detail,
        }
        self._recorder.record(event, level, plain, facts.recipients)
