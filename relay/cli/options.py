"""Options that several verbs share, written once; values written as in the configuration.

Errors: a value that cannot be read ends the command with exit 2.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from relay.cli.loading import ConfigOption
from relay.cli.output import failure
from relay.config.leaves import DURATION, LEAVES, Leaf, Wrong
from relay.model.settings import AddressPattern

T = TypeVar("T")

# Help shows the kind of value behind an option's name, and a flag has none.
flag = partial(typer.Option, metavar="")

Json = Annotated[bool, flag("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every verb on the store takes."""

    config: ConfigOption = None
    as_json: Json = False


def flattened(command: Callable[..., None]) -> Callable[..., None]:
    """Let typer see each field of a parameter that is a dataclass as an option of its own.

    So a set of options that verbs share is one parameter of each, and is written once.
    """
    declared = inspect.signature(command).parameters
    groups = {
        name: parameter.annotation
        for name, parameter in declared.items()
        if isinstance(parameter.annotation, type) and is_dataclass(parameter.annotation)
    }

    def called(**values: object) -> None:
        grouped = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**values, **grouped)

    flat = [one for parameter in declared.values() for one in _flat(parameter)]
    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__annotations__ = {one.name: one.annotation for one in flat}
    called.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]  # read by inspect, unknown to typeshed
    return called


def _flat(parameter: inspect.Parameter) -> Iterator[inspect.Parameter]:
    kind = inspect.Parameter.KEYWORD_ONLY
    if not is_dataclass(parameter.annotation):
        yield parameter.replace(kind=kind)
        return
    for field in fields(parameter.annotation):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        yield inspect.Parameter(field.name, kind, default=default, annotation=field.type)


def duration(option: str, text: str) -> float:
    """Read a length of time as the configuration writes it, in seconds."""
    return _read(option, text, DURATION, float)


def pattern(option: str, text: str) -> AddressPattern:
    """Read an address pattern as the configuration writes it."""
    return _read(option, text, LEAVES[AddressPattern], AddressPattern)


def _read(option: str, text: str, leaf: Leaf, kind: type[T]) -> T:
    found = leaf.read(text, Path())
    if isinstance(found, kind):
        return found
    wrong = found if isinstance(found, Wrong) else Wrong(f"is not {leaf.noun}")
    raise failure(
        f"{option} {text}: {wrong.predicate}; {wrong.instead or f'write {leaf.write}'}", 2
    )
