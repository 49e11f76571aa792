"""A bar while long work lasts, for people: on a terminal only, and never in what a pipe carries.

Errors: none.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import track
from rich.status import Status

T = TypeVar("T")


def bar(items: Sequence[T], doing: str) -> Iterable[T]:
    """Give the items, and show how many of them are done while they are taken."""
    if not sys.stderr.isatty():
        return items
    return track(items, doing, console=Console(stderr=True), transient=True)


@contextmanager
def told(doing: str) -> Iterator[Status]:
    """Show what is being done where nobody knows how much there is; `update` tells more."""
    with Console(stderr=True, quiet=not sys.stderr.isatty()).status(doing) as status:
        yield status
