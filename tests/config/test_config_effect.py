"""No option is ignored."""

import re
from pathlib import Path

from relay.config import hints
from relay.model.settings import Settings


def leaves(section=Settings, path=""):
    """Walk the options that hold a value: its path, and its name in the settings."""
    for option in hints.options(section).values():
        place = f"{path}.{option.key}" if path else option.key
        parts = [
            part
            for hint in hints.members(option.hint)
            for part in (hint, hints.item(hint), hints.entry(hint))
            if hints.is_section(part)
        ]
        if not parts:
            yield place, option.field.name
        for part in parts:
            yield from leaves(part, place)


def test_every_option_is_read_by_somebody():
    """Nothing that an operator may set is without effect; reading is seen by the name alone."""
    top = Path(__file__).parents[2] / "relay"
    beside = [top / "config", top / "model" / "settings", top / "simulator"]
    sources = "".join(
        path.read_text()
        for path in top.rglob("*.py")
        if not any(path.is_relative_to(folder) for folder in beside)
    )
    silent = [place for place, name in leaves() if not re.search(rf"\.{name}\b", sources)]
    assert not silent
