"""Tables for people and pipes; every verb's help teaches with an example."""

import io
import re
import shlex
import sys

import pytest
from generated_docs import commands
from typer.testing import CliRunner

from relay.cli import app
from relay.cli.output import Column, aligned, counted, octets, print_table, printable, span
from relay.cli.progress import bar, told
from relay.model.documents import moment

COLUMNS = (Column("NAME", whole=True), Column("SIZE", right=True), Column("WHY"))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_plain_text_is_aligned():
    assert aligned(COLUMNS, [("a", "1", ""), ("long", "200", "x y")]) == [
        "NAME  SIZE  WHY",
        "a        1",
        "long   200  x y",
    ]


def test_a_terminal_gets_a_table_in_which_brackets_are_text(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    print_table(COLUMNS, [("[red]a[/red]", "1", "an \x1b[2J escape")])
    shown = terminal.getvalue()
    assert "[red]a[/red]" in shown
    assert r"an \x1b[2J escape" in shown
    assert "─" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é", "plain é"),
        ("a\x1bb\x7f\r\n", r"a\x1bb\x7f\r\n"),
        ("\u202eabc", r"\u202eabc"),  # would turn the line around
        ("\ud800", r"\ud800"),
    ],
)
def test_control_characters_are_written_out(text, shown):
    assert printable(text) == shown


def test_units():
    assert [span(seconds) for seconds in (0.5, 59, 60, 7199, 86_400 * 3)] == [
        *("0s", "59s", "1m", "1h", "3d")
    ]
    assert [octets(number) for number in (0, 1023, 1024, 5 * 2**20, 3 * 2**30)] == [
        *("0B", "1023B", "1.0KiB", "5.0MiB", "3.0GiB")
    ]
    assert (counted(1), counted(2), counted(0, "box", "boxes")) == (
        *("1 message", "2 messages", "0 boxes"),
    )
    assert moment(None) is None


EXAMPLE = re.compile(r"Example: `ses-relay ([^`]+)`")
SILENT = {("demo",), ("serve",), ("simulator",), ("config", "example"), ("config", "schema")}


@pytest.mark.parametrize(("words", "command"), [*commands()])
def test_help_teaches_with_an_example_that_can_be_typed(words, command):
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "120"})
    assert shown.exit_code == 0
    assert f"Example: ses-relay {' '.join(words)}" in shown.stdout
    assert ("--json" in shown.stdout) == (words not in SILENT)
    flags = re.findall(r"(--\S+) +<bool>", shown.stdout)
    assert set(flags) <= {"--help"}, "a flag takes no value (relay.cli.options.flag)"
    typed, _, _ = EXAMPLE.search(command.help)[1].partition(" > ")
    command.make_context("ses-relay", shlex.split(typed)[len(words) :])  # or a UsageError


def on_a_terminal(monkeypatch, work):
    """Give what work shows people on standard error."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    work()
    return terminal.getvalue()


def test_long_work_shows_a_bar_on_a_terminal(monkeypatch):
    taken = []
    shown = on_a_terminal(monkeypatch, lambda: taken.extend(bar(range(100), "importing")))
    assert "importing" in shown
    assert "100%" in shown
    assert taken == list(range(100))


def test_long_work_of_unknown_length_tells_of_itself(monkeypatch):
    def work():
        with told("exporting"):
            pass

    assert "exporting" in on_a_terminal(monkeypatch, work)


def test_no_pipe_gets_a_bar(capfd):
    assert list(bar(range(3), "importing")) == [0, 1, 2]
    with told("exporting"):
        pass
    assert capfd.readouterr() == ("", "")
