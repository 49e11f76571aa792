"""Log lines: one JSON object per line, or one readable line for people.

Each line is written and flushed from the event loop. While the reader of a full pipe stands still,
so does the relay: journald and container runtimes read faster than mail flows, and a thread in
between would lose the last lines before a crash. A line that cannot be written (disk full, reader
gone) is counted and dropped; it never fails mail.

Standards: RFC 3339 (timestamps), RFC 8259 (JSON).
Errors: none reach the caller.
"""

import logging
import sys
from datetime import datetime
from typing import Any, BinaryIO, Protocol

import structlog

from relay.model.clock import Clock
from relay.model.settings import Log, LogFormat, LogLevel
from relay.telemetry.metrics import Metrics
from relay.telemetry.render import console_line, json_line
from relay.telemetry.scraped import ScrapeTime

LEVELS = {
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
}


class LogWriter(Protocol):
    """Where lines go: structlog's filtering logger, or a list in a test."""

    def debug(self, event: str, **facts: object) -> object:
        """Write a line for somebody who looks closely."""
        ...

    def info(self, event: str, **facts: object) -> object:
        """Write a line of the normal course."""
        ...

    def warning(self, event: str, **facts: object) -> object:
        """Write a line that an operator should see some day."""
        ...

    def error(self, event: str, **facts: object) -> object:
        """Write a line that an operator should see now."""
        ...


class Output:
    """The stream under the log. Counts the lines it could not write instead of raising."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.lost = 0

    def write(self, line: bytes) -> int:
        """Write one line and pass it on at once."""
        try:
            written = self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream was closed
            self.lost += 1
            return 0
        return written

    def flush(self) -> None:
        """Nothing is kept back: `write` has flushed."""


class _Stamp:
    """The processor that adds the time of the injected clock and the level, in reading order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, _logger: Any, method: str, facts: Any) -> Any:  # noqa: ANN401 - structlog's processor signature
        event = facts.pop("event")
        return {"timestamp": rfc3339(self._clock.now()), "level": method, "event": event, **facts}


def rfc3339(at: datetime) -> str:
    """Write an aware UTC time with milliseconds and `Z` (RFC 3339 §5.6)."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log_writer(settings: Log, clock: Clock, output: Output, **always: object) -> LogWriter:
    """Make the log of one process. Lines below `settings.level` cost next to nothing.

    `always` are facts of every line.
    """
    render = json_line if settings.format is LogFormat.JSON else console_line
    writer: LogWriter = structlog.wrap_logger(
        structlog.BytesLogger(output),  # type: ignore[arg-type]  # it only calls write and flush
        processors=[_Stamp(clock), render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.level]),
        cache_logger_on_first_use=True,
    ).bind(**always)
    return writer


def stdout_writer(settings: Log, clock: Clock, metrics: Metrics, **always: object) -> LogWriter:
    """Make the log on standard output; lines that cannot be written show in the metrics."""
    output = Output(sys.stdout.buffer)
    metrics.read(ScrapeTime.LOG_LINES_LOST, lambda: {(): output.lost})
    return log_writer(settings, clock, output, **always)
