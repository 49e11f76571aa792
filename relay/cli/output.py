r"""How the verbs speak: tables for people, aligned text for pipes, JSON for programs.

What mail brought (addresses, replies, header lines) is shown with its control characters written
out (`\x1b`), so that no message can work on an operator's terminal.

Errors: `failure` is one line on stderr, with the fix, and the end of the command.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

_SPANS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    right: bool = False  # numbers
    whole: bool = False  # never broken over lines, because somebody will copy it


def failure(text: str, code: int = 1) -> typer.Exit:
    """Say what is wrong, and give what ends the command when it is raised.

    1: what was asked about is not right; 2: wrong usage or configuration.
    """
    typer.echo(text, err=True)
    return typer.Exit(code)


def print_json(value: object) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, indent=2))


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text under their titles."""
    safe = [[printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        Console().print(_drawn(columns, safe))
    else:
        for line in aligned(columns, safe):
            typer.echo(line)


def aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay a table out in plain text, one line for each row."""
    lines = [[column.title for column in columns], *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    return [
        "  ".join(
            cell.rjust(width) if column.right else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        ).rstrip()
        for line in lines
    ]


def _drawn(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=column.whole,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: brackets in it are no markup
    return table


def printable(text: str) -> str:
    """Write control characters out."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def span(seconds: float) -> str:
    """Write a length of time in its largest unit."""
    for length, unit in _SPANS:
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return "0s"


def octets(number: int) -> str:
    """Write a size in its largest unit."""
    for size, unit in _SIZES:
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number}B"


def counted(number: int, noun: str = "message", plural: str = "") -> str:
    """Write a number with its noun; the plural is the noun with an s, unless it is given."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"
