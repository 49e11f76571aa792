"""Options without a function are refused by that word, and only when they are set."""

import re
from pathlib import Path

import pytest

from relay.config import Faults, hints
from relay.config.loader import read
from relay.config.not_built import NOT_BUILT, Row, unbuilt
from relay.model.settings import Settings

AROUND = {
    "listeners": '[{{bind: "127.0.0.1:25", tls: off, auth: off, networks: 127.0.0.0/8, {0}}}]',
    "users": '[{{name: a, password: {{secret: b}}, senders: "*", {0}}}]',
    "routes": "{{default: {{region: eu-west-1, {0}}}, other: {{region: eu-west-2}}}}",
}
BASE = {
    "listeners": AROUND["listeners"].format(""),
    "routes": AROUND["routes"].format(""),
}


def document(row):
    """Write a configuration that sets the row's option to its sample and is right otherwise."""
    top, *rest = row.key.split(".")
    text = row.sample
    for key in reversed(rest[1:]):
        text = f"{{{key}: {text}}}"
    if rest:
        text = AROUND.get(top, "{{{0}}}").format(f"{rest[0]}: {text}")
    options = {**BASE, top: text}
    return "".join(f"{key}: {value}\n" for key, value in options.items()).encode()


@pytest.mark.parametrize("row", NOT_BUILT, ids=lambda row: row.key)
def test_each_row_refuses_its_sample_and_nothing_else(row):
    without = read(document(row), Path("c.yaml"), {}, [r for r in NOT_BUILT if r is not row])
    assert isinstance(without, Settings), str(without)
    result = read(document(row), Path("c.yaml"), {})
    assert isinstance(result, Faults)
    assert len(result) == 1
    assert result[0].key.startswith(row.key.split(".")[0])
    assert result[0].wrong.endswith("not built yet")


def test_nothing_is_refused_that_is_left_at_its_default():
    text = "".join(f"{key}: {value}\n" for key, value in BASE.items())
    written_out = text + "workers: 1\nsuppression: {account_list: off}\n"
    assert isinstance(read(written_out.encode(), Path("c.yaml"), {}), Settings)


def leaves(section=Settings, path=""):
    """Walk the options that hold a value: path as rows write it, name in the settings."""
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


def test_every_option_is_read_by_somebody_or_refused():
    """Nothing that an operator may set is without effect; reading is seen by the name alone."""
    top = Path(__file__).parents[2] / "relay"
    beside = [top / "config", top / "model" / "settings", top / "simulator"]
    sources = "".join(
        path.read_text()
        for path in top.rglob("*.py")
        if not any(path.is_relative_to(folder) for folder in beside)
    )
    refused = {row.key for row in NOT_BUILT}
    silent = [
        place
        for place, name in leaves()
        if not re.search(rf"\.{name}\b", sources)
        and not any(f"{place}.".startswith(f"{key}.") for key in refused)
    ]
    assert not silent


def test_a_row_for_no_option_is_found_out():
    settings = read(
        "".join(f"{key}: {value}\n" for key, value in BASE.items()).encode(), Path("c.yaml"), {}
    )
    assert isinstance(settings, Settings)
    with pytest.raises(KeyError, match="nothing"):
        list(unbuilt(settings, [Row("queue.nothing", "1")]))
