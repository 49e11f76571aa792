"""References to the environment, by themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.expand import UnsetVariable, expand

ENVIRON = {"A": "1", "EMPTY": "", "REF": "${A}"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("$argon2id$v=19$m=1", "$argon2id$v=19$m=1"),
        ("${A}${A}", "11"),
        ("x${A:-2}y", "x1y"),
        ("${B:-2}", "2"),
        ("${B:-}", ""),
        ("${B:-a:-b}", "a:-b"),
        ("${EMPTY}", ""),
        ("${EMPTY:-2}", "2"),
        ("$${A}", "${A}"),
        ("$$", "$$"),
        ("${REF}", "${A}"),  # once, or a value could reach for other variables
        ("${B}", UnsetVariable("B")),
        ("${}", UnsetVariable("", valid=False)),
        ("${1A}", UnsetVariable("", valid=False)),
        ("${A", UnsetVariable("", valid=False)),
        ("${A:2}", UnsetVariable("", valid=False)),
    ],
)
def test_expand(text, result):
    assert expand(text, ENVIRON) == result


@given(st.text("${}AB:-", max_size=20))
def test_text_without_a_reference_is_itself(text):
    if "${" not in text:
        assert expand(text, {}) == text
    else:
        assert isinstance(expand(text, {}), str | UnsetVariable)
