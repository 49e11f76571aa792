"""Reading JSON that only we write: every value must have exactly the type we wrote.

Errors: `DamagedError` names the field and what stands there instead.
"""

from collections.abc import Mapping
from typing import Self


class DamagedError(ValueError):
    """Octets that are not what we wrote."""


class Record:
    """A JSON object, or a row of fixed length whose fields are named "0", "1", …."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    @classmethod
    def of(cls, value: object) -> Self:
        """Take a JSON object."""
        if not isinstance(value, dict):
            raise DamagedError("not an object")
        return cls(value)

    def _found(self, name: str) -> object:
        try:
            return self._fields[name]
        except KeyError:
            raise DamagedError(f"{name} is missing") from None

    def text(self, name: str) -> str:
        """Read a text."""
        value = self._found(name)
        if not isinstance(value, str):
            raise DamagedError(f"{name} is not a text")
        return value

    def optional_text(self, name: str) -> str | None:
        """Read a text or null."""
        return None if self._found(name) is None else self.text(name)

    def integer(self, name: str) -> int:
        """Read a whole number."""
        value = self._found(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise DamagedError(f"{name} is not a whole number")
        return value

    def optional_integer(self, name: str) -> int | None:
        """Read a whole number or null."""
        return None if self._found(name) is None else self.integer(name)

    def count(self, name: str) -> int:
        """Read a whole number that is not negative."""
        value = self.integer(name)
        if value < 0:
            raise DamagedError(f"{name} is negative")
        return value

    def truth(self, name: str) -> bool:
        """Read true or false."""
        value = self._found(name)
        if not isinstance(value, bool):
            raise DamagedError(f"{name} is neither true nor false")
        return value

    def _list(self, name: str) -> list[object]:
        value = self._found(name)
        if not isinstance(value, list):
            raise DamagedError(f"{name} is not a list")
        return value

    def texts(self, name: str) -> list[str]:
        """Read a list of texts."""
        texts = []
        for value in self._list(name):
            if not isinstance(value, str):
                raise DamagedError(f"{name} has something else than texts")
            texts.append(value)
        return texts

    def records(self, name: str) -> list[Self]:
        """Read a list of objects."""
        return [self.of(value) for value in self._list(name)]

    def row(self, name: str, length: int) -> Self:
        """Read a list of exactly that length as a record."""
        return self._row(name, self._list(name), length)

    def optional_row(self, name: str, length: int) -> Self | None:
        """Read such a list or null."""
        return None if self._found(name) is None else self.row(name, length)

    def rows(self, name: str, length: int) -> list[Self]:
        """Read a list of lists, each of exactly that length."""
        return [self._row(name, value, length) for value in self._list(name)]

    @classmethod
    def _row(cls, name: str, value: object, length: int) -> Self:
        if not isinstance(value, list) or len(value) != length:
            raise DamagedError(f"{name} is not a list of {length}")
        return cls({str(place): item for place, item in enumerate(value)})
