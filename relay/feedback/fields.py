"""Tolerant reading of JSON that others write and may extend at any time.

What is absent, or is not what was expected, reads as empty: who needs it says so.

Errors: none; text that is no JSON object is None.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Self

# Beyond these a time is a mistake, and sums with it would leave the calendar.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class Fields:
    """One JSON object."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    @classmethod
    def parse(cls, text: str | bytes) -> Self | None:
        """Read a JSON object."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return cls(value) if isinstance(value, dict) else None

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """Give a text; SES writes null for one it does not know."""
        value = self._values.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Give the texts of a list."""
        return tuple(item for item in self._list(name) if isinstance(item, str))

    def inner(self, name: str) -> Self:
        """Give an object."""
        value = self._values.get(name)
        return type(self)(value if isinstance(value, dict) else {})

    def inners(self, name: str) -> Iterator[Self]:
        """Give the objects of a list."""
        return (type(self)(item) for item in self._list(name) if isinstance(item, dict))

    def written(self) -> str:
        """Give the object as JSON again."""
        return json.dumps(self._values)

    def lists(self) -> Mapping[str, tuple[str, ...]]:
        """Read the whole object as names with lists of texts."""
        return {name: self.texts(name) for name in self._values}

    def time(self, name: str) -> datetime | None:
        """Give a time, in UTC; SES writes it as `…T14:05:45.000Z` and as `…T14:05:45 +0000`."""
        return read_time(self.text(name))

    def length(self, name: str) -> int:
        """Say how long a list is."""
        return len(self._list(name))

    def _list(self, name: str) -> list[object]:
        value = self._values.get(name)
        return value if isinstance(value, list) else []


def read_time(text: str) -> datetime | None:
    """Read an RFC 3339 time, kindly; without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(text.replace(" ", ""))
        time = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time if _EARLIEST <= time <= _LATEST else None
