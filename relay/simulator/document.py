"""Typed reading of JSON that came from outside, gathering every fault on the way.

A `Document` answers None (or nothing) for what is absent or wrong, and notes what is wrong
with its path; the reader looks at `faults` once at the end.

Errors: none; `parse` returns a sentence for what is no JSON object at all.
"""

import json
from collections.abc import Iterable, Mapping


class Document:
    """One JSON object, its place in the whole, and the list of faults all parts share."""

    def __init__(
        self, values: Mapping[str, object], path: str = "", faults: list[str] | None = None
    ) -> None:
        self._values = values
        self._path = path
        self.faults: list[str] = [] if faults is None else faults

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def names(self) -> tuple[str, ...]:
        """The names present, also of null values."""
        return tuple(self._values)

    def refuse_others(self, known: Iterable[str]) -> None:
        """Note a fault for each name that is not known."""
        allowed = sorted(known)
        for name in self._values:
            if name not in allowed:
                self.faults.append(
                    f"{self._path}{name}: unknown (known here: {', '.join(allowed)})"
                )

    def fault(self, name: str, sentence: str) -> None:
        """Note that the value of a name is wrong."""
        self.faults.append(f"{self._path}{name}: {sentence}")

    def text(self, name: str) -> str | None:
        """A string."""
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        self._wrong(name, "a string", value)
        return None

    def truth(self, name: str) -> bool | None:
        """A boolean."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        self._wrong(name, "true or false", value)
        return None

    def number(self, name: str) -> float | None:
        """A number; booleans are none, nor are NaN and the infinities JSON cannot write."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        self._wrong(name, "a number", value)
        return None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty where absent."""
        value = self._values.get(name)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self._wrong(name, "a list of strings", value)
        return ()

    def inner(self, name: str) -> "Document":
        """An object; empty where absent."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, dict):
            self._wrong(name, "an object", value)
        return self._at(name, value if isinstance(value, dict) else {})

    def inners(self, name: str) -> "list[Document]":
        """A list of objects; empty where absent."""
        value = self._values.get(name)
        if value is None:
            return []
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return [self._at(f"{name}[{index}]", item) for index, item in enumerate(value)]
        self._wrong(name, "a list of objects", value)
        return []

    def is_number(self, name: str) -> bool:
        """Whether the value is a number, where two forms are taken."""
        value = self._values.get(name)
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    def is_list(self, name: str) -> bool:
        """Whether the value is a list, where two forms are taken."""
        return isinstance(self._values.get(name), list)

    def _at(self, name: str, values: Mapping[str, object]) -> "Document":
        return Document(values, f"{self._path}{name}.", self.faults)

    def _wrong(self, name: str, expected: str, value: object) -> None:
        self.fault(name, f"expected {expected}, got {json.dumps(value)[:80]}")


def parse(body: bytes) -> Document | str:
    """Read a JSON object, or say why the body is none."""
    try:
        value = json.loads(body, parse_constant=_no_constant) if body else {}
    except (ValueError, RecursionError) as fault:
        return f"the body is not JSON: {fault}"
    if not isinstance(value, dict):
        return f"the body is not a JSON object but {type(value).__name__}"
    return Document(value)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
