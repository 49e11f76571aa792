"""Lines of the libraries we stand on (aiosmtpd, botocore, asyncio, aiohttp), in our own log.

Libraries log what they work on: aiosmtpd commands with their passwords, botocore whole requests.
So nothing below a warning passes, whatever `log.level` says, and of a warning only what the
library's author wrote: the first line of the template, with numbers filled in and every other
argument shown by its type.

Errors: none.
"""

import logging
from collections.abc import Mapping

from relay.telemetry.events import Event
from relay.telemetry.faults import name_of, places_of
from relay.telemetry.log import LogWriter

_LONGEST = 200  # characters of a library's sentence


class _Hidden:
    """Stands for an argument that may be content."""

    def __init__(self, hidden: object) -> None:
        self._kind = type(hidden).__name__

    def __repr__(self) -> str:
        return f"<{self._kind}>"


class LibraryLines(logging.Handler):
    """Writes `library.log` lines: logger, message and, for an exception, where it was raised."""

    def __init__(self, log: LogWriter) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        facts: dict[str, object] = {"logger": record.name, "message": _sentence(record)}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            facts |= {"error": name_of(error), "traceback": places_of(error)}
        write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        write(Event.LIBRARY_LOG, **facts)


def adopt_library_logs(log: LogWriter) -> None:
    """Make our log the only place that the standard library's logging writes to."""
    root = logging.getLogger()
    root.handlers[:] = [LibraryLines(log)]
    root.setLevel(logging.WARNING)


def _sentence(record: logging.LogRecord) -> str:
    if not isinstance(record.msg, str):
        return f"<{type(record.msg).__name__}>"
    template = record.msg.partition("\n")[0]
    if not record.args:
        return template[:_LONGEST]
    shown = (
        {name: _shown(fact) for name, fact in record.args.items()}
        if isinstance(record.args, Mapping)
        else tuple(_shown(fact) for fact in record.args)
    )
    try:
        return (template % shown)[:_LONGEST]
    except (TypeError, ValueError, KeyError):  # more arguments than the first line has places
        return template[:_LONGEST]


def _shown(fact: object) -> object:
    return fact if isinstance(fact, int | float) else _Hidden(fact)
