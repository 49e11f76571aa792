"""Values as the file writes them: the way back from settings to YAML.

Errors: TypeError for a value that no option has.
"""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from relay.config.hints import number
from relay.model.address import Address
from relay.model.settings import (
    AddressPattern,
    FdBind,
    Glob,
    NoStore,
    SqliteStore,
    TcpBind,
    Unit,
    UnixBind,
)

_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")  # nothing that YAML could take for something else
_KEYWORDS = frozenset(("null", "true", "false"))


def written(value: object, unit: Unit | None = None) -> str:  # noqa: C901, PLR0911 - one case per type
    """Write a default as YAML, in flow style."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case StrEnum():
            return _text(value.value)
        case int() | float():
            return number(value, unit)
        case str() | Path():
            return _text(str(value))
        case TcpBind() | UnixBind() | FdBind() | Address():
            return json.dumps(str(value))
        case AddressPattern(text=text) | Glob(text=text):
            return json.dumps(text)
        case NoStore():
            return "none"
        case SqliteStore(folder=folder):
            return json.dumps(f"sqlite:///{folder}")
        case tuple():
            return f"[{', '.join(written(item, unit) for item in value)}]"
        case Mapping() if not value:
            return "{}"
        case _:
            raise TypeError(f"no default is written like {type(value)}")


def _text(text: str) -> str:
    return text if _BARE.fullmatch(text) and text not in _KEYWORDS else json.dumps(text)
