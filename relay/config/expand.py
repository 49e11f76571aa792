"""Environment variables in the texts of the file: `${NAME}` and `${NAME:-default}`.

`$${` stands for a plain `${`. A single `$` without a brace means itself, so that password hashes
need no escapes.

Errors: `expand` returns `UnsetVariable` instead of a text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_CONTENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class UnsetVariable:
    """A reference without an answer; `valid` is false when it is not even a variable's name."""

    name: str
    valid: bool = True


def expand(text: str, environ: Mapping[str, str]) -> str | UnsetVariable:
    """Put variables in their places; a default also stands for a variable that is empty."""
    out: list[str] = []
    at = 0
    for reference in _REFERENCE.finditer(text):
        out.append(text[at : reference.start()])
        at = reference.end()
        if reference.group() == "$${":
            out.append("${")
            continue
        content = _CONTENT.fullmatch(reference.group(1))
        if content is None or not reference.group().endswith("}"):
            return UnsetVariable("", valid=False)
        name, default = content.groups()
        value = environ.get(name)
        if not value and default is not None:
            value = default
        if value is None:
            return UnsetVariable(name)
        out.append(value)
    out.append(text[at:])
    return "".join(out)
