"""What is wrong with a configuration file, and what to write instead.

A `Finding` knows the option by its place in the file's tree; a `Fault` is the same for the
operator, with file and line.

Errors: none; both are values.
"""

from dataclasses import dataclass
from typing import TypeAlias

Loc: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, found at a place in the tree."""

    loc: Loc
    wrong: str
    instead: str
    line: int = 0  # where it is not the line of the place
    rests_on: tuple[str, ...] = ()  # other top-level options that had to be right to say this


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; `line` 0 means the file as a whole."""

    file: str
    line: int
    key: str
    wrong: str
    instead: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = f"{self.key}: " if self.key else ""
        return printable(f"{place}: {key}{self.wrong}; {self.instead}")


class Faults(tuple[Fault, ...]):
    """All that is wrong with one file, in the order of its lines; never empty."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self)


def key_path(loc: Loc) -> str:
    """Write a place as the operator thinks of it: `users[0].limits.message_size`."""
    path = ""
    for step in loc:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += f".{step}" if path else step
    return path


def printable(text: str) -> str:
    """Make a text one line that no terminal takes for commands."""
    return "".join(char if char.isprintable() else "�" for char in text)


def shown(text: str) -> str:
    """Quote a value of the file for a message: one line, printable, not too long."""
    clean = printable(text)
    return f'"{clean}"' if len(clean) <= 60 else f'"{clean[:57]}…"'  # a line of a terminal
