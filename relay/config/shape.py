"""Tree of texts to the data that the settings are validated from.

Walks the tree along the declared types: names unknown keys, reads what only has a text form
(durations, binds, patterns, secrets …), checks bounds, and leaves plain types to the validator.

Errors: none; what is wrong becomes findings, and `INVALID` stands in its place.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relay.config import hints
from relay.config.fault import Finding, Loc
from relay.config.files import inspect, read_secret
from relay.config.leaves import Leaf, Wrong, leaf_of
from relay.config.tree import NOTHING, Broken, Listing, Node, Scalar, Table, kind
from relay.model.settings import (
    ClearPassword,
    HashedPassword,
    Secret,
    Unit,
)


class Invalid:
    """Stands where a finding has been made already."""


INVALID = Invalid()


@dataclass(frozen=True, slots=True)
class Asked:
    """What was wanted at a place and what stood there, for messages about it."""

    hint: object
    terms: Mapping[str, Any]  # Any: see hints.Option
    node: Node

    @property
    def stood(self) -> str:
        """Say what stood there."""
        return kind(self.node)


@dataclass(slots=True)
class Shape:
    """The data, what was asked for where, and what was wrong."""

    folder: Path
    data: dict[str, object] = field(default_factory=dict)
    asked: dict[Loc, Asked] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def refuse(self, loc: Loc, wrong: str, instead: str) -> Invalid:
        """Note what is wrong at a place."""
        self.findings.append(Finding(loc, wrong, instead))
        return INVALID


def shape(root: Table, section: type, folder: Path) -> Shape:
    """Read a whole file as a section; relative paths start at the folder."""
    made = Shape(folder)
    made.data = _section(made, root, section, ())
    return made


def misfit(asked: Asked) -> tuple[str, str]:
    """Say that what stood at a place is not what was asked for, and what to write."""
    noun, write = hints.wanted(asked.hint, asked.terms)
    stood = asked.stood
    if stood == NOTHING:
        return "is empty", f"write {write}"
    if any(hints.is_secret(part) for part in hints.members(asked.hint)) and stood[:1] == '"':
        stood = "this text"
    return f"{stood} is not {noun}", f"write {write}"


def _section(made: Shape, table: Table, section: type, loc: Loc) -> dict[str, object]:
    known = hints.options(section)
    data: dict[str, object] = {}
    for key, node in table.entries.items():
        option = known.get(key)
        if option is None:
            close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
            fix = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
            made.refuse((*loc, key), "there is no such option", fix)
        elif not _left_out(node, option.hint):
            data[key] = _value(made, node, (*loc, key), option.hint, option.terms)
    return data


def _left_out(node: Node, hint: object) -> bool:
    """Say if a section, list or mapping has all of its lines commented out.

    An empty variable is no such thing: a list of networks or conditions that became empty by
    accident would let everybody in, or make a rule fit all mail.
    """
    return (
        isinstance(node, Scalar)
        and node.value is None
        and node.text == node.written
        and (
            hints.is_section(hint) or hints.item(hint) is not None or hints.entry(hint) is not None
        )
    )


def _value(  # noqa: PLR0911 - one return per kind of type
    made: Shape, node: Node, loc: Loc, hint: object, terms: Mapping[str, Any]
) -> object:
    if isinstance(node, Broken):
        return INVALID
    asked = made.asked[loc] = Asked(hint, terms, node)
    parts = hints.members(hint)
    if isinstance(node, Scalar) and node.value is None and type(None) in parts:
        return None
    if any(hints.is_secret(part) for part in parts):
        return _secret(made, node, loc)
    for part in parts:
        inner, entry = hints.item(part), hints.entry(part)
        if inner is not None:
            return _list(made, node, loc, Asked(inner, terms, node))
        match node:
            case Table() if hints.is_section(part):
                return _section(made, node, part, loc)
            case Table() if entry is not None:
                return {
                    key: _value(made, value, (*loc, key), entry, {})
                    for key, value in node.entries.items()
                }
    if isinstance(node, Scalar):
        return _scalar(made, node, loc, asked)
    return made.refuse(loc, *misfit(asked))


def _list(made: Shape, node: Node, loc: Loc, asked: Asked) -> object:
    """Read a list; where its items are single values, one of them may stand without brackets."""
    if isinstance(node, Scalar) and node.value is not None and not hints.is_section(asked.hint):
        return [_value(made, node, loc, asked.hint, asked.terms)]
    if not isinstance(node, Listing):
        return made.refuse(loc, *misfit(made.asked[loc]))
    return [
        _value(made, item, (*loc, n), asked.hint, asked.terms) for n, item in enumerate(node.items)
    ]


def _scalar(made: Shape, node: Scalar, loc: Loc, asked: Asked) -> object:
    parts = hints.members(asked.hint)
    words = (word for part in parts if hints.is_word(part) for word in part)
    named = next((word for word in words if word == node.text), None)
    if named is not None:
        return named
    leaf = next(filter(None, (leaf_of(part, asked.terms.get("unit")) for part in parts)), None)
    if leaf is not None:
        return _leaf(made, node, loc, leaf)
    if int in parts or float in parts:
        number = node.number
        if number is None:
            return made.refuse(loc, *misfit(asked))
        return _bounded(made, number, loc)
    return node.value


def _leaf(made: Shape, node: Scalar, loc: Loc, leaf: Leaf) -> object:
    asked = made.asked[loc]
    if node.value is None:
        return made.refuse(loc, *misfit(asked))
    value = leaf.read(node.text, made.folder)
    if isinstance(value, Wrong):
        write = hints.wanted(asked.hint, asked.terms)[1]
        wrong = f"{asked.stood} {value.predicate}"
        return made.refuse(loc, wrong, value.instead or f"write {write}")
    if isinstance(value, Path):
        private = asked.terms.get("unit") is Unit.PRIVATE_FILE
        refused = inspect(value, private=private)
        if refused is not None:
            return made.refuse(loc, refused.predicate, refused.instead)
    return _bounded(made, value, loc) if isinstance(value, int | float) else value


def _bounded(made: Shape, value: float, loc: Loc) -> object:
    asked = made.asked[loc]
    terms = asked.terms
    if value < terms.get("at_least", value) or ("above" in terms and value <= terms["above"]):
        wrong = "too small"
    elif value > terms.get("at_most", value):
        wrong = "too large"
    else:
        return value
    write = hints.wanted(asked.hint, terms)[1]
    return made.refuse(loc, f"{asked.stood} is {wrong}", f"write {write}")


def _secret(  # noqa: PLR0911 - one return per form of a secret
    made: Shape, node: Node, loc: Loc
) -> object:
    """Read a secret, or a password: the only option whose mapping says `secret`."""
    asked = made.asked[loc]
    password = HashedPassword in hints.members(asked.hint)
    match node:
        case Table(entries={"secret": inner, **others}) if password and not others:
            made.asked[*loc, "secret"] = Asked(Secret, {}, inner)
            secret = _secret(made, inner, (*loc, "secret"))
            return ClearPassword(secret) if isinstance(secret, Secret) else secret
        case Table(entries={"file": Scalar(text=name, value=str()), **others}) if not others:
            private = asked.terms.get("unit") is Unit.PRIVATE_FILE
            text = read_secret(made.folder / name, private=private)
            if isinstance(text, Wrong):
                return made.refuse(loc, text.predicate, text.instead)
        case Scalar(text=text, value=value) if value is not None and text:
            pass
        case Broken():
            return INVALID
        case _:
            return made.refuse(loc, *misfit(asked))
    if not password:
        return Secret(text)
    if not text.startswith("$argon2"):
        return made.refuse(
            loc,
            "this is not an Argon2 password hash",
            "write the output of `ses-relay user hash`, or {secret: …} for a readable password",
        )
    return HashedPassword(Secret(text))
