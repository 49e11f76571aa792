"""What the operator hears: each mail event feeds log line, metrics and history at once.

Nobody else writes log lines or counts mail. `Telemetry` has one method for each event, and the
method's path is the event's name: `telemetry.message.relayed(…)` writes `message.relayed`.
"""

from relay.telemetry.account import Standing
from relay.telemetry.events import Event, Level
from relay.telemetry.feedback import FeedbackFacts
from relay.telemetry.history import Histories
from relay.telemetry.library import adopt_library_logs
from relay.telemetry.log import LogWriter, Output, log_writer, stdout_writer
from relay.telemetry.message import Attempt
from relay.telemetry.metrics import Metrics
from relay.telemetry.process import Replaced
from relay.telemetry.recorder import Recorder
from relay.telemetry.render import to_json
from relay.telemetry.reports import Report
from relay.telemetry.scraped import Reading, ScrapeTime
from relay.telemetry.smtp import Step
from relay.telemetry.telemetry import Telemetry

__all__ = [
    "Attempt",
    "Event",
    "FeedbackFacts",
    "Histories",
    "Level",
    "LogWriter",
    "Metrics",
    "Output",
    "Reading",
    "Recorder",
    "Replaced",
    "Report",
    "ScrapeTime",
    "Standing",
    "Step",
    "Telemetry",
    "adopt_library_logs",
    "log_writer",
    "stdout_writer",
    "to_json",
]
