"""relay/README.md names every folder, nothing that is not there, and tests that exist."""

import re

from generated_docs import TOP
from test_architecture import MAY_IMPORT

from relay.delivery.answers import BY_STATUS, TABLE, Hold
from relay.model.outcome import Cause

RELAY = TOP / "relay"
PAGE = RELAY / "README.md"
TEXT = PAGE.read_text()
FOLDERS = {path.name for path in RELAY.iterdir() if (path / "__init__.py").exists()}


def section(title):
    return re.search(rf"(?ms)^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT)[1]


def test_every_folder_has_its_row_and_the_reverse():
    told = set(re.findall(r"(?m)^\| `([a-z]+)/` \|", section("Folders")))
    assert told >= FOLDERS
    assert told == {part for part in MAY_IMPORT if not part.startswith("__")}


def test_modules_and_folders_named_are_there():
    for name in re.findall(r"(?<![\w./-])((?:[a-z_]+/)+(?:[a-z_]+\.py)?)", TEXT):
        if name.split("/")[0] in FOLDERS:
            assert (RELAY / name).exists(), name


def test_tests_named_are_there():
    named = re.findall(r"tests/[a-z_/]+\.py", TEXT)
    assert len(named) > 20
    assert all((TOP / name).exists() for name in named)


def test_every_invariant_has_tests():
    rows = re.findall(
        r"(?m)^\| (\d+) \| .+ \| (.+) \|$", section("Invariants, and what shows them")
    )
    assert [int(number) for number, _ in rows] == list(range(1, 14))
    assert all(shown.startswith("tests/") for _, shown in rows)


def fault_rows():
    """Give what the table of faults says of each cause: what is held, the replies."""
    for causes, held, reply in re.findall(
        r"(?m)^\| (`[^|]+`) \| ([^|]+) \| (\d[^|]+) \|$", section("What a fault means")
    ):
        for cause in re.findall(r"`([a-z_]+)`", causes):
            yield cause, held, reply


def test_every_cause_has_its_row():
    assert sorted(cause for cause, _, _ in fault_rows()) == sorted(cause.word for cause in Cause)


def test_the_replies_of_the_fault_table_are_those_of_the_answer_table():
    said = {cause: reply for cause, _, reply in fault_rows()}
    verdicts = [*(row.verdict for row in TABLE), *BY_STATUS.values()]
    for verdict in verdicts:
        if isinstance(verdict, Hold) and verdict.cause is not Cause.SERVICE:
            reply = f"{verdict.reply.code} {verdict.reply.enhanced}"
            assert reply in said[verdict.cause.word], verdict.cause


def test_the_task_tree_names_every_eternal_task():
    names = re.findall(r"forever\(\"([a-z ]+)\"", (RELAY / "service" / "relay.py").read_text())
    assert len(names) >= 4
    for name in names:
        assert re.search(rf"[├└]─ {name}\b", section("Tasks")), name
