"""The one way from an event to the log and the history.

Facts carry plain values (texts, numbers, lists of texts), so that every history can keep them.
The history gets addresses in full, because `trace` looks for them; the log shows them redacted.

Errors: none.
"""

from collections.abc import Iterable, Mapping

from relay.model.address import Address
from relay.model.clock import Clock
from relay.model.ports import History
from relay.model.settings import LogLevel
from relay.telemetry.events import NOT_IN_HISTORY, Event, Level
from relay.telemetry.log import LogWriter
from relay.telemetry.redaction import Redaction

Facts = dict[str, object]

# Names of facts whose text is somebody else's and may quote a recipient.
_FREE_TEXT = ("reply", "detail", "reason")
# What only feedback needs, to find its way back to the sender: no part of a log line.
_NOT_IN_LOG = ("dsn", "tags")
_MOST_RECIPIENTS = 50  # as many as one SES request has; journald cuts lines at 48 KiB


class Recorder:
    """Writes each event once to the log and once to the history."""

    def __init__(
        self,
        log: LogWriter,
        history: History,
        clock: Clock,
        redaction: Redaction,
        level: LogLevel = LogLevel.DEBUG,
    ) -> None:
        self.hears_debug = level is LogLevel.DEBUG
        self._write = {
            Level.DEBUG: log.debug,
            Level.INFO: log.info,
            Level.WARNING: log.warning,
            Level.ERROR: log.error,
        }
        self._history = history
        self._clock = clock
        self._redaction = redaction

    def record(
        self,
        event: Event,
        level: Level,
        facts: Mapping[str, object],
        recipients: Iterable[Address] = (),
    ) -> None:
        """Record one event. Facts that are None or empty are left out; zero is a fact.

        A line names 50 recipients at most and then says how many there are; each is on the line of
        its own request again.
        """
        # Truth first, because most facts are true: this runs several times for each message.
        present = {name: fact for name, fact in facts.items() if fact or fact == 0}
        names = [str(address) for address in recipients]
        if event not in NOT_IN_HISTORY:
            # A dict of its own: the history keeps it, and the log's is redacted below.
            noted = {**present, "recipients": names} if names else dict(present)
            self._history.note(event, self._clock.now(), noted)
        for name in _NOT_IN_LOG:
            present.pop(name, None)
        if names:
            shown = names[:_MOST_RECIPIENTS]
            present["recipients"] = (
                shown if self._redaction.full else self._redaction.addresses(shown)
            )
            if len(names) > _MOST_RECIPIENTS:
                present["recipient_count"] = len(names)
        if not self._redaction.full:
            for name in _FREE_TEXT:
                if isinstance(text := present.get(name), str):
                    present[name] = self._redaction.text(text)
        self._write[level](event, **present)


def milliseconds(seconds: float | None) -> float | None:
    """Give a duration for the log, to the tenth of a millisecond."""
    return None if seconds is None else round(seconds * 1000, 1)


def sender_of(sender: Address | None) -> str:
    """Show a reverse-path; the null one as `<>`."""
    return "<>" if sender is None else str(sender)
