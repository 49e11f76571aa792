"""From facts to the octets of one log line.

Whatever a peer sent (a HELO name with escape sequences, octets that are no UTF-8) ends as one line
of printable text: a log line can neither be forged nor drive a terminal.

Standards: RFC 8259 (JSON).
Errors: none.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any

import orjson

_SEVERITY = {"debug": "debug", "info": "info ", "warning": "WARN ", "error": "ERROR"}


def to_json(value: object) -> bytes:
    """Write JSON, whatever octets of a peer stand in its texts."""
    try:
        return orjson.dumps(value, default=str)
    except TypeError:  # a text with lone surrogates: octets that are no UTF-8
        return orjson.dumps(_printable(value), default=str)


def json_line(_logger: Any, _method: str, facts: MutableMapping[str, Any]) -> bytes:  # noqa: ANN401 - structlog's processor signature
    """Render one JSON object."""
    return to_json(facts)


def console_line(_logger: Any, _method: str, facts: MutableMapping[str, Any]) -> bytes:  # noqa: ANN401 - structlog's processor signature
    """Render `time level event key=value …` for people."""
    head = f"{facts['timestamp']} {_SEVERITY[facts['level']]} {facts['event']:<20}"
    rest = " ".join(
        f"{key}={_word(value)}"
        for key, value in facts.items()
        if key not in {"timestamp", "level", "event"}
    )
    return f"{head} {rest}".rstrip().encode("utf-8", "backslashreplace")


def _word(value: object) -> str:
    match value:
        case list() | tuple():
            return ",".join(_word(item) for item in value) or "-"
        case str() if value and value.isprintable() and not set(value) & {" ", '"'}:
            return str(value)
        case str():
            return '"' + "".join(_escaped(character) for character in value) + '"'
        case _:
            return str(value)


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return "\\" + character
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _printable(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case Mapping():
            return {key: _printable(item) for key, item in value.items()}
        case list() | tuple():
            return [_printable(item) for item in value]
        case _:
            return value
