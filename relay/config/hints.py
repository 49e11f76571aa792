"""What a declared type asks for, in words and in parts.

The types of `relay.model.settings` are read once; the loader, the messages, the example and the
schema ask here.

Errors: none.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from relay.config.leaves import leaf_of
from relay.model.settings import ClearPassword, HashedPassword, Secret, Unit


@dataclass(frozen=True, slots=True)
class Option:
    """One option as declared: its key in the file, its type, and what was said about it."""

    key: str
    hint: object
    terms: Mapping[str, typing.Any]  # Any: what relay.model.settings.option.Terms lists
    field: "dataclasses.Field[object]"

    @property
    def reason(self) -> str:
        """Say what the option is for."""
        return str(self.terms["description"])

    @property
    def required(self) -> bool:
        """Say if the file must give it."""
        return (
            self.field.default is dataclasses.MISSING
            and self.field.default_factory is dataclasses.MISSING
        )

    def default(self) -> object:
        """Give the value that stands when the file is silent; only for options that have one."""
        if self.field.default_factory is not dataclasses.MISSING:
            return self.field.default_factory()
        return self.field.default


@cache
def options(section: type) -> Mapping[str, Option]:
    """List the options of a section by their keys."""
    hints = typing.get_type_hints(section)
    listed = {}
    for field in dataclasses.fields(section):
        key = field.metadata.get("alias", field.name)
        listed[key] = Option(key, hints[field.name], field.metadata, field)
    return listed


def is_section(hint: object) -> typing.TypeGuard[type]:
    """Say if a type is a section of the configuration, with options of its own."""
    return (
        isinstance(hint, type)
        and dataclasses.is_dataclass(hint)
        and any("description" in field.metadata for field in dataclasses.fields(hint))
    )


@cache
def members(hint: object) -> tuple[object, ...]:
    """Take a union apart; any other type is its own only member."""
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return typing.get_args(hint)
    return (hint,)


@cache
def item(hint: object) -> object | None:
    """Give the type of a list's items; None for what is not a list."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else None


@cache
def entry(hint: object) -> object | None:
    """Give the type of a mapping's values; None for what is not a mapping with free keys."""
    return typing.get_args(hint)[1] if typing.get_origin(hint) is Mapping else None


def is_word(hint: object) -> typing.TypeGuard[type[StrEnum]]:
    """Say if a type is a closed set of words."""
    return isinstance(hint, type) and issubclass(hint, StrEnum)


def is_secret(hint: object) -> bool:
    """Say if values of this type must not be shown."""
    return hint in {Secret, HashedPassword, ClearPassword}


def wanted(hint: object, terms: Mapping[str, typing.Any]) -> tuple[str, str]:
    """Name a type and say what to write for it: ("a duration", "a number with its unit …")."""
    nouns: list[str] = []
    forms: list[str] = []
    for part in members(hint):
        leaf = leaf_of(part, terms.get("unit"))
        if part is type(None):
            continue
        if is_word(part):
            noun, said = "a word known here", [str(word) for word in part]
        elif leaf is not None:
            noun, said = leaf.noun, [leaf.write + bounds(terms)]
        else:
            noun, form = _plain(part, terms)
            said = [form]
        if noun not in nouns:
            nouns.append(noun)
            forms += said
    return _either(nouns), _either(forms)


def _plain(  # noqa: PLR0911 - one return per kind of type
    part: object, terms: Mapping[str, typing.Any]
) -> tuple[str, str]:
    if part is bool:
        return "true or false", "true or false, without quotes"
    if part is int:
        return "a whole number", "a whole number" + bounds(terms)
    if part is float:
        share = " such as 0.05 for 5 %" if terms.get("unit") is Unit.SHARE else ""
        return "a number", f"a number{share}{bounds(terms)}"
    if is_secret(part):
        if part is Secret:
            return "a secret", "a text, or {file: PATH}"
        return "a password", '"$argon2id$…" (`ses-relay user hash` prints it) or {secret: …}'
    inner = item(part)
    if is_section(inner):
        return "a list", f"a list of items that begin with `- {next(iter(options(inner)))}:`"
    if inner is not None:
        return "a list", f"a list: [{wanted(inner, terms)[1]}]"
    if entry(part) is not None:
        return "a mapping", "a mapping: {name: value}"
    if is_section(part):
        return "a mapping", "a mapping with the options " + ", ".join(options(part))
    return "a text", "a text, in quotes if it looks like a number"


def bounds(terms: Mapping[str, typing.Any]) -> str:
    """Say within which numbers an option must be, in the unit of the file."""
    said = []
    for key, word in (("at_least", "at least"), ("above", "more than"), ("at_most", "at most")):
        if key in terms:
            said.append(f"{word} {number(terms[key], terms.get('unit'))}")
    return " (" + ", ".join(said) + ")" if said else ""


def number(value: float, unit: Unit | None) -> str:
    """Write a number as the file does: 345600 seconds are 4d."""
    if unit is Unit.SECONDS and value:
        for length, name in ((86_400, "d"), (3600, "h"), (60, "m")):
            if value % length == 0:
                return f"{value / length:.0f}{name}"
        return f"{value:g}s"
    if unit is Unit.OCTETS and value:
        for length, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
            if value % length == 0:
                return f"{value // length:.0f}{name}"
        return f"{value:.0f}B"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
