"""The annotated example file, from the declarations of the settings.

A line that begins with `# ` explains; a line that begins with `#` and a letter is an option that
takes effect when the `#` is removed. The few lines without `#` are the smallest configuration
that runs.

Errors: none.
"""

import textwrap
from collections.abc import Iterator, Mapping

from relay.config import hints
from relay.config.hints import Option
from relay.config.written import written
from relay.model.settings import Settings

_HEAD = """\
# ses-relay configuration: every option, with its default unless the comment says otherwise.
# Written by `ses-relay config example`; the lines without # are the smallest file that runs.
#
# Durations are written 30s, 5m, 4h, 4d, sizes 512KiB, 10MiB, 20GiB. ${NAME} and ${NAME:-default}
# take environment variables, and $${ is a plain ${. A secret may be {file: PATH}. Paths are
# relative to the folder of this file. Where a list is wanted, a single value may stand alone.
"""

# The smallest configuration: mail from this machine alone, out by one Region.
_ACTIVE: Mapping[str, str | None] = {
    "listeners": None,
    "listeners.bind": '"127.0.0.1:1025"',
    "listeners.tls": "off",
    "listeners.auth": "off",
    "routes": None,
    "routes.region": "eu-west-1",
}


def example() -> str:
    """Write the example file."""
    return _HEAD + "\n".join(_section(Settings, "", "")) + "\n"


def _section(section: type, indent: str, path: str, first: str = "") -> Iterator[str]:
    """Write the options of a section; `first` opens the first of them, as `- ` in a list."""
    for option in hints.options(section).values():
        place = f"{path}.{option.key}" if path else option.key
        if not path:
            yield ""
        inner = indent + " " * len(first)
        yield from _comment(option, indent)
        yield from _option(option, inner, place, first)
        indent, first = inner, ""  # the rest of a list item stands under its first option


def _comment(option: Option, indent: str) -> Iterator[str]:
    text = option.reason
    # Where something is written it may not be empty, so the empty default is no example to follow.
    if "example" in option.terms and not option.required and "min_length" not in option.terms:
        text = (
            f"{text.rstrip('.')}. Default: {written(option.default(), option.terms.get('unit'))}."
        )
    yield from textwrap.wrap(
        text,
        99,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _option(option: Option, indent: str, place: str, first: str) -> Iterator[str]:
    active = place in _ACTIVE
    start = indent[: len(indent) - len(first)] + ("" if active else "#") + first + option.key + ":"
    for part in hints.members(option.hint):
        listed, named = hints.item(part), hints.entry(part)
        if hints.is_section(part):
            yield start
            yield from _section(part, indent + "  ", place)
            return
        if hints.is_section(listed):
            yield start
            yield from _section(listed, indent + "  ", place, "- ")
            return
        if hints.is_section(named):
            yield start
            yield f"{indent}  {'' if active else '#'}default:"
            yield from _section(named, indent + "    ", place)
            return
    yield f"{start} {_ACTIVE.get(place) or _value(option)}"


def _value(option: Option) -> str:
    told = option.terms.get("example")
    return str(told) if told else written(option.default(), option.terms.get("unit"))
