"""One definition per option: type, default, bounds, unit and reason stand together.

A section of the configuration is a frozen dataclass; each of its fields is declared with
`option` (it has a default) or `required` (it has none). What the loader, its error messages, the
annotated example and the JSON Schema say about an option is derived from this one declaration.

The metadata keys `description`, `min_length` and `alias` are the names that pydantic looks for in
the fields of a plain dataclass, so that `relay.config` needs no second table for them.

Errors: none.
"""

import dataclasses
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypedDict, TypeVar, Unpack, dataclass_transform

T = TypeVar("T")


class Unit(StrEnum):
    """How a number or a text of the file is to be read, beyond its Python type."""

    SECONDS = "s"  # written as 30s, 5m, 4h, 4d
    OCTETS = "octets"  # written as 512KiB, 10MiB, 20GiB
    PER_SECOND = "per second"
    SHARE = "share"  # 0.05 is five percent
    FILE = "file"  # a path, relative to the folder of the configuration file
    PRIVATE_FILE = "private file"  # likewise, and nobody but its owner may read the file


class Terms(TypedDict, total=False):
    """What may be said about an option besides its type and default."""

    unit: Unit
    at_least: float
    above: float
    at_most: float
    min_length: int
    alias: str  # the key in the file, where Python reserves the word
    example: str  # YAML to show instead of the default


def _metadata(reason: str, terms: Terms) -> Mapping[str, object]:
    return {"description": reason, **terms}


# Both return Any for the reason dataclasses.field does: the field's annotation is the type.
def option(
    *,
    reason: str,
    default: object = None,
    default_factory: Callable[[], object] | None = None,
    **terms: Unpack[Terms],
) -> Any:  # noqa: ANN401
    """Declare an option with a default, or with a factory of it where it cannot be shared."""
    metadata = _metadata(reason, terms)
    if default_factory is not None:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def required(*, reason: str, **terms: Unpack[Terms]) -> Any:  # noqa: ANN401
    """Declare an option that the file must give."""
    return dataclasses.field(metadata=_metadata(reason, terms))


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(option, required))
def section(cls: type[T]) -> type[T]:
    """Make a class a section of the configuration: frozen, slotted, keywords only."""
    return dataclasses.dataclass(frozen=True, slots=True, kw_only=True)(cls)
