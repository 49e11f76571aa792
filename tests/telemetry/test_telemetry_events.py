"""The event list, the methods and the golden lines are one and the same list.

A golden line changes when somebody changes what operators parse: edit it knowingly. All of them are
written anew with `UPDATE_GOLDEN=1 pytest tests/telemetry`.
"""

import inspect
import os
import re
from pathlib import Path

import pytest
from mail_events import EXAMPLES, Heard

from relay.telemetry import Event, Metrics
from relay.telemetry.events import NOT_IN_HISTORY

GOLDEN = Path(__file__).parent.parent / "golden" / "log"

# Methods that feed no log line: they count or measure, or call one of the others.
SILENT = {"smtp.replied", "smtp.answered", "message.suppressed", "message.attempted"}

# Interface, section "Log events": these names never change.
PROMISED = {
    "relay.started",
    "relay.reloaded",
    "relay.stopped",
    "smtp.connected",
    "smtp.authenticated",
    "smtp.auth_failed",
    "smtp.refused",
    "smtp.closed",
    "message.received",
    "message.relayed",
    "message.deferred",
    "message.failed",
    "message.expired",
    "message.held",
    "message.released",
    "message.discarded",
    "message.bounced",
    "feedback.bounce",
    "feedback.complaint",
    "feedback.delivery",
    "feedback.delay",
    "feedback.reject",
    "suppression.added",
    "suppression.removed",
    "throttle.changed",
    "account.changed",
    "reputation.warned",
    "reputation.held",
    "store.fault",
}


def methods(telemetry):
    for area, events in vars(telemetry).items():
        if isinstance(events, Metrics):
            continue
        for word, _ in inspect.getmembers(events, inspect.ismethod):
            if not word.startswith("_"):
                yield f"{area}.{word}"


def test_every_event_has_its_method_and_no_method_is_without_event():
    expected = {*map(str, Event), *SILENT} - {"library.log"}
    assert set(methods(Heard().telemetry)) == expected


def test_the_promised_names_are_there():
    assert set(map(str, Event)) >= PROMISED
    assert set(map(str, Event)) - PROMISED == {"relay.fault", "library.log"}


@pytest.mark.parametrize("event", EXAMPLES, ids=str)
def test_golden_line(event):
    heard = Heard()
    EXAMPLES[event](heard.telemetry)
    path = GOLDEN / f"{event}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(heard.text)
    assert heard.text == path.read_text()


def test_every_event_has_a_golden_line_and_no_line_is_left_over():
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(map(str, EXAMPLES))
    assert set(EXAMPLES) == set(Event) - {Event.LIBRARY_LOG}


@pytest.mark.parametrize("event", EXAMPLES, ids=str)
def test_each_event_is_one_line_with_time_level_and_name(event):
    heard = Heard()
    EXAMPLES[event](heard.telemetry)
    (line,) = heard.lines
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"])
    assert line["event"] == event


@pytest.mark.parametrize("event", EXAMPLES, ids=str)
def test_the_history_hears_what_the_log_hears(event):
    heard = Heard()
    EXAMPLES[event](heard.telemetry)
    if event in NOT_IN_HISTORY:
        assert heard.history.noted == []
        return
    ((name, at, facts),) = heard.history.noted
    (line,) = heard.lines
    assert (name, at) == (event, heard.clock.now())
    assert facts == {key: line[key] for key in line if key not in {"timestamp", "level", "event"}}


@pytest.mark.parametrize("event", EXAMPLES, ids=str)
def test_no_line_carries_content(event):
    heard = Heard()
    EXAMPLES[event](heard.telemetry)
    assert "letter" not in heard.text
    assert "letter" not in str(heard.history.noted)
