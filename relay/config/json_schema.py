"""JSON Schema of the configuration file, for editors that complete and check as one types.

Standards: JSON Schema draft 2020-12. It describes what the file may hold, texts such as `30s`
and `${NAME}` included, not the settings that come of it; the loader stays the judge.

Errors: none.
"""

from collections.abc import Mapping
from typing import TypeAlias

from relay.config import hints
from relay.config.hints import Option
from relay.config.leaves import DURATION, SIZE, leaf_of
from relay.config.written import written
from relay.model.settings import Secret, Settings

Json: TypeAlias = dict[str, object]

_FROM_ENVIRONMENT: Json = {"type": "string", "pattern": r"\$\{"}


def _object(key: str, form: "Json") -> "Json":
    return {
        "type": "object",
        "properties": {key: form},
        "required": [key],
        "additionalProperties": False,
    }


_TEXT: Json = {"type": "string", "minLength": 1}
_FILE = _object("file", {"type": "string"})
_SECRET: Json = {"anyOf": [_TEXT, _FILE]}
_PASSWORD: Json = {"anyOf": [_TEXT, _FILE, _object("secret", _SECRET)]}
# What the environment may give in their place (AWS_REGION).
_NOT_REQUIRED = frozenset(("routes", "region"))


def schema() -> Json:
    """Describe the whole file."""
    definitions: dict[str, Json] = {}
    root = _section(Settings, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ses-relay configuration",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _section(section: type, definitions: dict[str, Json]) -> Json:
    options = hints.options(section)
    return {
        "type": "object",
        "properties": {key: _option(option, definitions) for key, option in options.items()},
        "required": [
            key for key, option in options.items() if option.required and key not in _NOT_REQUIRED
        ],
        "additionalProperties": False,
    }


def _option(option: Option, definitions: dict[str, Json]) -> Json:
    said: Json = {"description": option.reason}
    if not option.required and not _has_sections(option.hint):
        said["description"] = (
            f"{option.reason} Default: {written(option.default(), option.terms.get('unit'))}."
        )
    return {**said, **_form(option.hint, option.terms, definitions)}


def _has_sections(hint: object) -> bool:
    return any(
        hints.is_section(part)
        or hints.is_section(hints.item(part))
        or hints.is_section(hints.entry(part))
        for part in hints.members(hint)
    )


def _form(hint: object, terms: Mapping[str, object], definitions: dict[str, Json]) -> Json:
    forms: list[Json] = []
    for part in hints.members(hint):
        for form in _part(part, terms, definitions):
            if form not in forms:
                forms.append(form)
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def _part(part: object, terms: Mapping[str, object], definitions: dict[str, Json]) -> list[Json]:
    leaf = leaf_of(part, terms.get("unit"))  # type: ignore[arg-type]  # Terms.unit
    if leaf is not None:
        zero: list[Json] = [{"const": 0}] if leaf in {DURATION, SIZE} else []  # needs no unit
        return [{"type": "string", "pattern": leaf.pattern}, _FROM_ENVIRONMENT, *zero]
    inner, entry = hints.item(part), hints.entry(part)
    if inner is not None:
        items = _form(inner, terms, definitions)
        alone = [] if hints.is_section(inner) else [items]
        least = {"minItems": terms["min_length"]} if "min_length" in terms else {}
        return [{"type": "array", "items": items, **least}, *alone]
    if entry is not None:
        return [{"type": "object", "additionalProperties": _form(entry, {}, definitions)}]
    if hints.is_section(part):
        if part.__name__ not in definitions:
            definitions[part.__name__] = {}  # a section within itself would not end otherwise
            definitions[part.__name__] = _section(part, definitions)
        return [{"$ref": f"#/$defs/{part.__name__}"}]
    return _simple(part, terms)


def _simple(part: object, terms: Mapping[str, object]) -> list[Json]:
    limits = {
        name: terms[key]
        for key, name in (
            ("at_least", "minimum"),
            ("above", "exclusiveMinimum"),
            ("at_most", "maximum"),
        )
        if key in terms
    }
    if part is type(None):
        return [{"type": "null"}]
    if hints.is_secret(part):
        return [_SECRET if part is Secret else _PASSWORD]
    if hints.is_word(part):
        return [{"enum": [word.value for word in part]}, _FROM_ENVIRONMENT]
    if part is bool:
        return [{"type": "boolean"}, _FROM_ENVIRONMENT]
    if part is int or part is float:
        name = "integer" if part is int else "number"
        return [{"type": name, **limits}, _FROM_ENVIRONMENT]
    return [{"type": "string"}]
