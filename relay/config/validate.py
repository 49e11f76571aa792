"""Shaped data to `Settings`, by pydantic; its complaints in our words.

Errors: `validate` returns findings instead of settings; none of pydantic's own sentences is used.
"""

from functools import cache

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from relay.config import hints
from relay.config.fault import Finding, Loc
from relay.config.shape import Invalid, Shape, misfit
from relay.model.settings import Settings


@cache
def adapter() -> TypeAdapter[Settings]:
    """Build the validator once, at first use: it takes a moment."""
    return TypeAdapter(Settings)


def validate(made: Shape) -> Settings | list[Finding]:
    """Make the settings, or say what is wrong beyond what the shape's own findings say."""
    try:
        return adapter().validate_python(made.data)
    except ValidationError as error:
        details = error.errors(include_url=False)
    found: dict[Loc, Finding] = {}
    for detail in details:
        if not isinstance(detail["input"], Invalid):
            finding = _translate(detail, made)
            found.setdefault(finding.loc, finding)
    # A list whose only item was refused counts as too short too: the innermost place says it all.
    places = {*found, *(finding.loc for finding in made.findings)}
    around = {place[:n] for place in places for n in range(len(place))}
    refused = {finding.loc for finding in made.findings}
    return [finding for loc, finding in found.items() if loc not in around | refused]


def _translate(detail: ErrorDetails, made: Shape) -> Finding:
    """Put one complaint at the innermost place that the file has for it."""
    loc = detail["loc"]
    while loc and loc not in made.asked:
        loc = loc[:-1]
    if detail["type"] == "missing":
        return _missing(detail["loc"], made)
    asked = made.asked[loc]
    if detail["type"] in {"too_short", "string_too_short"}:
        return Finding(loc, "is empty", f"write {hints.wanted(asked.hint, asked.terms)[1]}")
    return Finding(loc, *misfit(asked))


def _missing(loc: Loc, made: Shape) -> Finding:
    key = str(loc[-1])
    section: object = Settings
    if loc[:-1]:
        hint = made.asked[loc[:-1]].hint
        section = next(part for part in hints.members(hint) if hints.is_section(part))
    assert isinstance(section, type)
    option = hints.options(section)[key]
    example = option.terms.get("example")
    fix = f"{key}: {example}" if example else f"{key}: …"
    return Finding(loc, "is missing", f"write {fix} ({option.reason.rstrip('.')})")
