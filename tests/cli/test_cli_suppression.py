"""The suppression list: by hand, in bulk, and out again."""

import asyncio
import json

import pytest
from stored import later, new

from relay.model.address import Address
from relay.model.ports import Suppressed


@pytest.fixture(autouse=True)
def folder(typed):
    typed.keep(new("a"))


def listed(typed):
    return {one["address"]: one for one in typed.run("suppression list --json").json}


def test_an_address_is_added_listed_and_removed(typed):
    answer = typed.run("suppression", "add", "Gone@Example.org", "--note", "left in May")
    assert (answer.code, answer.out) == (0, "1 address suppressed\n")
    titles, row = typed.run("suppression list").lines
    assert titles.split() == ["ADDRESS", "REASON", "SINCE", "UNTIL", "NOTE"]
    assert row.split() == [
        *("gone@example.org", "manual", "2026-11-21T12:00:00Z", "left", "in", "May")
    ]
    answer = typed.run("suppression remove gone@EXAMPLE.org")
    assert (answer.code, answer.out) == (0, "1 address removed\n")
    assert typed.run("suppression list").out == "no address is suppressed\n"
    life = typed.run("trace gone@example.org --json").json["events"]
    assert [event["event"] for event in life] == ["suppression.added", "suppression.removed"]


def test_json_says_what_was_done(typed):
    added = typed.run("suppression add a@example.org b@example.org --reason complaint --json")
    assert [one["reason"] for one in added.json] == ["complaint", "complaint"]
    answer = typed.run("suppression remove a@example.org c@example.org --json")
    assert answer.code == 1
    assert answer.json == {"removed": ["a@example.org"], "not_listed": ["c@example.org"]}
    assert answer.err.startswith("not on the list: c@example.org; `ses-relay suppression list`")


def test_a_list_that_is_cut_says_so(typed):
    typed.run("suppression add a@example.org b@example.org")
    answer = typed.run("suppression list --limit 1")
    assert len(answer.lines) == 2
    assert answer.err == "there are more than 1: raise --limit, or use export\n"


@pytest.mark.parametrize("verb", ["add", "remove"])
def test_what_is_no_address_is_refused_with_everything_else(typed, verb):
    typed.run("suppression add a@example.org")
    answer = typed.run(f"suppression {verb} a@example.org b@example.org nobody")
    assert answer.code == 1
    assert answer.err == ("nobody: the address has no domain after '@'; write name@example.org\n")
    assert set(listed(typed)) == {"a@example.org"}


CSV = """\
address,reason,since,note
A@example.org,bounce,2026-01-02T03:04:05+01:00,"said ""no"", twice"

b@example.org,,,
"""
ODD_ORDER = "note,address\nfrom the old relay,a@example.org\n"
JSON_LINES = """\
{"address": "a@example.org", "reason": "bounce", "until": "2027-01-01T00:00:00Z"}
{"address": "b@example.org", "note": null}
"""


def imported(typed, text, *words):
    file = typed.folder / "list"
    file.write_text(text)
    return typed.run("suppression", "import", file, *words)


def test_csv_is_imported(typed):
    answer = imported(typed, CSV, "--note", "imported", "--reason", "old")
    assert (answer.code, answer.out) == (0, "2 addresses imported\n")
    assert listed(typed) == {
        "a@example.org": {
            "address": "a@example.org",
            "reason": "bounce",
            "since": "2026-01-02T02:04:05Z",
            "until": None,
            "note": 'said "no", twice',
        },
        "b@example.org": {
            "address": "b@example.org",
            "reason": "old",
            "since": "2026-11-21T12:00:00Z",
            "until": None,
            "note": "imported",
        },
    }


def test_titles_say_which_column_is_which(typed):
    assert imported(typed, ODD_ORDER).code == 0
    assert listed(typed)["a@example.org"]["note"] == "from the old relay"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_plain_list_of_addresses_will_do(typed, end):
    answer = imported(typed, "\ufeff" + end.join(["a@example.org", "b@example.org", ""]), "--json")
    assert answer.json == {"imported": 2}
    assert set(listed(typed)) == {"a@example.org", "b@example.org"}


def test_json_lines_are_imported(typed):
    assert imported(typed, JSON_LINES).code == 0
    found = listed(typed)
    assert found["a@example.org"]["until"] == "2027-01-01T00:00:00Z"
    assert found["b@example.org"]["note"] == ""


def test_standard_input_is_a_file_too(typed):
    assert typed.run("suppression", "import", "-", stdin="a@example.org\n").code == 0
    assert set(listed(typed)) == {"a@example.org"}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a@example.org\nnobody\n", 2, "'nobody': the address has no domain"),
        ("address,when\na@example.org,now\n", 1, "has the title when; the titles are address,"),
        ("a@example.org,b,c,d,e,f\n", 1, "has 6 cells; 5 at most are read"),
        ("address,until\na@example.org,2027-01-01\n", 2, "until '2027-01-01' is no time; write"),
        ("address,since\na@example.org,May\n", 2, "since 'May' is no time; write 2027-01-01T"),
        ('{"address": "a@example.org"}\n{"address"\n', 2, "is not JSON; write one object"),
        ('{"address": "a@example.org", "note": "\\ud800"}', 1, "is not JSON; write one object"),
        ('{"address": "a@example.org"}\n' + "9" * 9_000, 2, "is not JSON; write one object"),
        ('{"address": "a@example.org"}\n[]\n', 2, "is no object; write"),
        ('{"email": "a@example.org"}\n', 1, "has email; the keys are address, reason"),
        ('{"address": 5}\n', 1, "address is no text; write it in quotes"),
        ('{"reason": "bounce"}\n', 1, "'': the address is empty; write"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_imported(typed, text, line, says):
    answer = imported(typed, text)
    assert answer.code == 1
    first, last = answer.err.splitlines()
    assert first.startswith(f"{typed.folder / 'list'}:{line}: {says}")
    assert last.endswith("nothing was imported; mend 1 line")
    assert listed(typed) == {}


def test_a_thousand_wrong_lines_are_counted(typed):
    answer = imported(typed, "nobody\n" * 1000)
    assert len(answer.err.splitlines()) == 21
    assert answer.err.endswith("mend 1000 lines\n")


def test_a_file_that_cannot_be_read_is_a_fault(typed):
    answer = typed.run("suppression", "import", typed.folder / "none.csv")
    assert answer.code == 1
    assert answer.err.endswith(
        "none.csv: No such file or directory; name a file that can be read\n"
    )
    (typed.folder / "list").write_bytes(b"\xff\xfe")
    answer = typed.run("suppression", "import", typed.folder / "list")
    assert answer.code == 1
    assert "is not UTF-8 text; save it as" in answer.err


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_what_is_exported_can_be_imported(typed, words):
    note = 'odd, "note"\nof two lines'
    one = Suppressed(
        address="a@example.org",
        reason="bounce",
        since=typed.clock.now(),
        until=later(9),
        note=note,
    )
    two = Suppressed(address="b@example.org", reason="complaint", since=typed.clock.now())
    typed.as_relay(lambda stores: stores.shared.suppression.suppress([one, two]))
    before = listed(typed)
    exported = typed.run("suppression", "export", *words).out
    typed.run("suppression remove a@example.org b@example.org")
    assert imported(typed, exported).code == 0
    assert listed(typed) == before
    assert before["a@example.org"]["note"] == note


def test_the_formats_of_an_export(typed):
    assert typed.run("suppression export").out == "address,reason,note,since,until\n"
    assert typed.run("suppression export --json").out == ""
    typed.run("suppression add a@example.org")
    assert typed.run("suppression export").lines[1:] == [
        "a@example.org,manual,,2026-11-21T12:00:00Z,"
    ]
    (line,) = typed.run("suppression export --json").lines
    assert json.loads(line)["until"] is None


def test_a_long_list_goes_in_and_out(typed):
    text = "".join(f"r{number:05}@example.org\n" for number in range(12_000))
    assert imported(typed, text).code == 0
    exported = typed.run("suppression export").lines
    assert len(exported) == 12_001
    assert exported[-1].startswith("r11999@example.org,manual,")


async def test_a_relay_that_owns_the_folder_knows_at_once(typed):
    stores = await typed.opened()
    try:
        address, now = Address("gone", "example.org"), typed.clock.now()
        assert await stores.shared.suppression.suppressed(address, now) is None
        answer = await asyncio.to_thread(typed.run, "suppression add gone@example.org")
        assert answer.code == 0
        typed.clock.advance(1)
        assert (await stores.shared.suppression.suppressed(address, now)).reason == "manual"
    finally:
        await stores.close()
