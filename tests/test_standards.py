"""relay/STANDARDS.md and the sources cite the same RFCs."""

import re
from pathlib import Path

import pytest

RELAY = Path(__file__).parent.parent / "relay"
PAGE = RELAY / "STANDARDS.md"
HOW_TO_MEND = "add or remove its row in relay/STANDARDS.md"

ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]*) ?\|$", re.MULTILINE)
ROWS = {
    int(number): (status, where.split(", "), note.strip())
    for number, _, status, where, note in ROW.findall(PAGE.read_text())
}


def cited(text):
    """Give the numbers of all RFCs that a text names: RFC 5321, RFC 1869/1870, RFC 2045-2047."""
    for first, further, last in re.findall(r"RFC ?(\d{3,5})((?:/\d{3,5})*)(-\d{3,5})?", text):
        numbers = [int(number) for number in (first, *further.split("/")) if number]
        yield from numbers
        if last:
            yield from range(numbers[-1] + 1, int(last[1:]) + 1)


SOURCES = [
    path for path in RELAY.rglob("*") if path.suffix in {".py", ".md", ".html"} and path != PAGE
]


def test_every_cited_rfc_is_listed():
    missing = {
        f"RFC {number} ({path.relative_to(RELAY)})"
        for path in SOURCES
        for number in cited(path.read_text())
        if number not in ROWS
    }
    assert not missing, HOW_TO_MEND


@pytest.mark.parametrize("number", ROWS)
def test_every_row_holds(number):
    status, where, note = ROWS[number]
    assert status in {"supported", "partly", "refused"}
    assert note or status == "supported", "say what is left out"
    if where == ["nowhere"]:
        assert status == "refused", "what is done is done somewhere"
        return
    for module in where:
        assert number in cited((RELAY / module).read_text()), f"{module} cites no RFC {number}"


def test_every_table_row_was_read():
    assert len(re.findall(r"^\| \d", PAGE.read_text(), re.MULTILINE)) == len(ROWS)


def test_ways_to_cite():
    assert list(cited("RFC 5321 §4, RFC 1869/1870 and RFC 2045-2047")) == [
        *(5321, 1869, 1870),
        *(2045, 2046, 2047),
    ]
