"""One method for each mail event, grouped as the events are named.

Errors: none; telemetry never fails mail.
"""

from relay.model.clock import Clock
from relay.model.ports import History
from relay.model.settings import Log, LogLevel
from relay.telemetry.account import (
    AccountEvents,
    ReputationEvents,
    SuppressionEvents,
    ThrottleEvents,
)
from relay.telemetry.feedback import FeedbackEvents
from relay.telemetry.log import LogWriter
from relay.telemetry.message import MessageEvents
from relay.telemetry.metrics import Metrics
from relay.telemetry.process import RelayEvents, StoreEvents
from relay.telemetry.recorder import Recorder
from relay.telemetry.redaction import Redaction
from relay.telemetry.smtp import SmtpEvents

EVERYTHING = Log(level=LogLevel.DEBUG)


class Telemetry:
    """Feeds log, metrics and history. `telemetry.area.word(…)` is the event `area.word`."""

    def __init__(
        self,
        *,
        log: LogWriter,
        metrics: Metrics,
        history: History,
        clock: Clock,
        settings: Log = EVERYTHING,
    ) -> None:
        recorder = Recorder(log, history, clock, Redaction(settings.recipients), settings.level)
        self.metrics = metrics
        self.relay = RelayEvents(recorder, metrics)
        self.smtp = SmtpEvents(recorder, metrics)
        self.message = MessageEvents(recorder, metrics)
        self.feedback = FeedbackEvents(recorder)
        self.suppression = SuppressionEvents(recorder)
        self.throttle = ThrottleEvents(recorder)
        self.account = AccountEvents(recorder)
        self.reputation = ReputationEvents(recorder)
        self.store = StoreEvents(recorder, metrics)
