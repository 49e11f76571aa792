"""Options that the schema has and this version does not do yet: refused, never ignored.

One line per option; who builds the function removes the line.

Errors: none; findings. A row that names no option raises KeyError, at the first test.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from relay.config import hints
from relay.config.fault import Finding, Loc
from relay.model.settings import Settings


@dataclass(frozen=True, slots=True)
class Row:
    """One option whose function is not built yet."""

    key: str  # from the top, without indices: listeners.proxy_protocol
    sample: str  # YAML of a value that is refused; tests write it


NOT_BUILT = (Row("routes.fallback", "other"),)


def unbuilt(settings: Settings, rows: Iterable[Row] = NOT_BUILT) -> Iterator[Finding]:
    """Find options that are set to something that this version does not do."""
    for row in rows:
        for loc, value, default in _values(settings, row.key.split("."), ()):
            if value != default:
                yield Finding(loc, "is not built yet", "remove it, or leave it at its default")


def _values(section: object, keys: list[str], loc: Loc) -> Iterator[tuple[Loc, object, object]]:
    """Walk to every value of an option: its place, itself, its default."""
    key, *rest = keys
    kind: type = type(section)
    option = hints.options(kind)[key]
    value = getattr(section, option.field.name)
    place = (*loc, key)
    if not rest:
        yield place, value, None if option.required else option.default()
    elif isinstance(value, tuple):
        for n, inner in enumerate(value):
            yield from _values(inner, rest, (*place, n))
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _values(inner, rest, (*place, name))
    elif value is not None:
        yield from _values(value, rest, place)
