"""How an exception is written down without what it was about.

The text of an exception may quote a message or a password, so only its type and the places in the
code are shown; an OSError has the system's own words, which quote nothing.

Errors: none.
"""

import traceback
from collections.abc import Iterator
from pathlib import PurePath

_DEEPEST = 20  # frames of each exception; the innermost ones tell most


def name_of(error: BaseException) -> str:
    """Name an exception: its type, and the system's words where it is the system's."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return f"{name}: [Errno {error.errno}] {error.strerror}"
    return name


def places_of(error: BaseException) -> list[str]:
    """List where an exception was raised, outermost first, then what caused it, by type."""
    return list(_places(error, set()))


def _places(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    for frame in traceback.extract_tb(error.__traceback__)[-_DEEPEST:]:
        path = PurePath(frame.filename)
        yield f"{'/'.join(path.parts[-3:])}:{frame.lineno} {frame.name}"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in seen:
        yield f"caused by {name_of(cause)}"
        yield from _places(cause, seen)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield f"contains {name_of(inner)}"
            yield from _places(inner, seen)
