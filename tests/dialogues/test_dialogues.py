"""Each `*.smtp` file here is one promise, bug or attack, written down as protocol."""

from pathlib import Path

import pytest
from dialogue import run

FILES = sorted(Path(__file__).parent.glob("*.smtp"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_dialogue(path):
    await run(path.read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dialogue_says_what_it_is_for(path):
    first, *_ = path.read_text().splitlines()
    assert first.startswith("# ")
    assert first.endswith((".", ":", ")")), "a sentence, please"


def test_there_are_enough():
    assert len(FILES) >= 120
