"""Options that the schema has and this version does not do yet: refused, never ignored.

One line per option; who builds the function removes the line.

Errors: none; findings. A row that names no option raises KeyError, at the first test.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from relay.config import hints
from relay.config.fault import Finding, Loc
from relay.model.settings import FdBind, Mechanism, PostgresStore, Settings


@dataclass(frozen=True, slots=True)
class Row:
    """One option, or one kind of value of it, whose function is not built yet."""

    key: str  # from the top, without indices: listeners.proxy_protocol
    sample: str  # YAML of a value that is refused; tests write it
    only: type[FdBind | PostgresStore] | str | None = None  # refuse this alone; None: any change


NOT_BUILT = (
    Row("listeners.bind", "fd:smtp", only=FdBind),
    Row("listeners.mechanisms", "[PLAIN, CRAM-MD5]", only=Mechanism.CRAM_MD5),
    Row("listeners.proxy_protocol", "true"),
    Row("routes.fallback", "other"),
    Row("queue.store", "postgresql://db/relay", only=PostgresStore),
    Row("suppression.account_list", "read"),
    Row("suppression.soft_bounces", "3"),
    Row("feedback.sqs", "[{queue_url: 'https://sqs.eu-west-1.amazonaws.com/1/events'}]"),
    Row("feedback.sns", "{topics: ['arn:aws:sns:eu-west-1:123456789012:events']}"),
    Row("reputation.bounce.warn", "0.03"),
    Row("reputation.bounce.hold", "0.1"),
    Row("reputation.complaint.warn", "0.002"),
    Row("reputation.complaint.hold", "0.005"),
    Row("reputation.minimum_volume", "1000"),
    Row("reputation.minimum_complaints", "10"),
    Row("http.bind", "fd:http", only=FdBind),
    Row("workers", "2"),
)


_WHAT = {None: "is", FdBind: "a socket by name is", PostgresStore: "PostgreSQL is"}


def unbuilt(settings: Settings, rows: Iterable[Row] = NOT_BUILT) -> Iterator[Finding]:
    """Find options that are set to something that this version does not do."""
    for row in rows:
        for loc, value, default in _values(settings, row.key.split("."), ()):
            if _refused(row, value, default):
                what = f"{row.only} is" if isinstance(row.only, str) else _WHAT[row.only]
                yield Finding(loc, f"{what} not built yet", "remove it, or leave it at its default")


def _refused(row: Row, value: object, default: object) -> bool:
    if row.only is None:
        return value != default
    if isinstance(row.only, type):
        return isinstance(value, row.only)
    return value == row.only or (isinstance(value, tuple) and row.only in value)


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
