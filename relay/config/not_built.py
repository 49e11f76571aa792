"""Options that the schema has and this version does not do yet: refused, never ignored.

One line per option; who builds the function removes the line.

Errors: none; findings. A row that names no option raises KeyError, at the first test.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from relay.config import hints
from relay.config.fault import Finding, Loc
from relay.model.settings import PostgresStore, Settings


@dataclass(frozen=True, slots=True)
class Row:
    """One option, or one kind of value of it, whose function is not built yet."""

    key: str  # from the top, without indices: listeners.proxy_protocol
    sample: str  # YAML of a value that is refused; tests write it
    only: type[PostgresStore] | None = None  # refuse this kind alone; None: any change


NOT_BUILT = (
    Row("routes.fallback", "other"),
    Row("queue.store", "postgresql://db/relay", only=PostgresStore),
    Row("suppression.account_list", "read"),
    Row("feedback.sns", "{topics: ['arn:aws:sns:eu-west-1:123456789012:events']}"),
    Row("workers", "2"),
)


_WHAT = {None: "is", PostgresStore: "PostgreSQL is"}


def unbuilt(settings: Settings, rows: Iterable[Row] = NOT_BUILT) -> Iterator[Finding]:
    """Find options that are set to something that this version does not do."""
    for row in rows:
        for loc, value, default in _values(settings, row.key.split("."), ()):
            if _refused(row, value, default):
                wrong = f"{_WHAT[row.only]} not built yet"
                yield Finding(loc, wrong, "remove it, or leave it at its default")


def _refused(row: Row, value: object, default: object) -> bool:
    return value != default if row.only is None else isinstance(value, row.only)


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
