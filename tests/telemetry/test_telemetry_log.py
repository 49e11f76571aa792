"""Lines: formats, levels, redaction, hostile text, broken streams."""

import io
from types import SimpleNamespace

import orjson
import pytest
from fakes import FakeClock
from mail_events import EXAMPLES, FIRST, NOT_VERIFIED, REQUEST, Heard, client, message

from relay.model.settings import Log, LogFormat, LogLevel, LogRecipients
from relay.telemetry import Event, Metrics, stdout_writer


def test_a_line_below_the_level_is_not_written_but_remembered():
    heard = Heard(level=LogLevel.WARNING)
    EXAMPLES[Event.MESSAGE_RELAYED](heard.telemetry)
    assert heard.text == ""
    assert heard.history.noted[0][0] == "message.relayed"


@pytest.mark.parametrize("event", EXAMPLES, ids=str)
@pytest.mark.parametrize("how", [LogRecipients.HASHED, LogRecipients.DOMAIN], ids=str)
def test_no_recipient_is_readable(event, how):
    heard = Heard(recipients=how)
    EXAMPLES[event](heard.telemetry)
    assert "bob" not in heard.text
    assert "carol" not in heard.text


def test_a_hash_is_the_same_wherever_the_address_appears():
    heard = Heard(recipients=LogRecipients.HASHED)
    heard.telemetry.message.failed(message(), REQUEST, NOT_VERIFIED, FIRST)
    (line,) = heard.lines
    (shown,) = line["recipients"]
    assert line["reply"].endswith(f": {shown}")  # SES wrote the domain in lower case
    assert line["detail"].endswith(f": {shown}")
    assert len(shown) == 16


def test_domains_stay_readable():
    heard = Heard(recipients=LogRecipients.DOMAIN)
    heard.telemetry.message.failed(message(), REQUEST, NOT_VERIFIED, FIRST)
    (line,) = heard.lines
    assert line["recipients"] == ["@example.org"]
    assert line["reply"] == "554 5.7.1 Email address is not verified: @example.org"


def test_the_sender_is_shown_in_full_and_the_history_keeps_addresses():
    heard = Heard(recipients=LogRecipients.HASHED)
    EXAMPLES[Event.MESSAGE_RELAYED](heard.telemetry)
    assert heard.lines[0]["sender"] == "ann@example.com"
    assert heard.history.noted[0][2]["recipients"] == ["bob@Example.ORG", "carol@example.net"]


def test_what_is_redacted_in_the_log_is_not_redacted_in_the_history():
    heard = Heard(recipients=LogRecipients.DOMAIN)
    heard.telemetry.store.fault("verdict", "no row for bob@example.org")
    assert heard.lines[0]["reason"] == "no row for @example.org"
    assert heard.history.noted[0][2]["reason"] == "no row for bob@example.org"


def test_text_that_is_no_utf8_is_written_escaped():
    heard = Heard()
    heard.telemetry.smtp.connected(client(helo="caf\udce9"))
    assert heard.lines[0]["helo"] == "caf\\udce9"


@pytest.mark.parametrize("form", LogFormat, ids=str)
def test_a_peer_can_neither_forge_a_line_nor_drive_the_terminal(form):
    heard = Heard(form=form)
    heard.telemetry.smtp.connected(client(helo='x\r\n{"event":"message.relayed"}\x1b[2J"\u2028'))
    assert heard.text.count("\n") == 1
    assert heard.text.endswith("\n")
    assert "\x1b" not in heard.text
    assert "\r" not in heard.text


def test_the_console_line_is_for_people():
    heard = Heard(form=LogFormat.CONSOLE)
    EXAMPLES[Event.MESSAGE_RELAYED](heard.telemetry)
    assert heard.text == (
        "2026-11-21T12:00:00.000Z info  message.relayed      session_id=s-7 queue_id=q-1 "
        "user=tickets sender=ann@example.com route=default request=1 attempt=1 duration_ms=42.1 "
        "size=2048 ses_message_id=0102-ses ses_request_id=r-1 "
        "recipients=bob@Example.ORG,carol@example.net\n"
    )


def test_the_console_quotes_and_escapes():
    heard = Heard(form=LogFormat.CONSOLE)
    heard.telemetry.store.fault("put", 'said "no" \\ caf\udce9 €')
    assert heard.text.endswith(r'operation=put reason="said \"no\" \\ caf\udce9 €"' + "\n")


class FullDisk(io.BytesIO):
    def write(self, octets):
        raise OSError(28, "No space left on device")


def test_a_line_that_cannot_be_written_fails_nobody_and_is_counted():
    heard = Heard(stream=FullDisk())
    EXAMPLES[Event.MESSAGE_RELAYED](heard.telemetry)
    EXAMPLES[Event.MESSAGE_FAILED](heard.telemetry)
    assert heard.sample("ses_relay_messages_total", user="tickets", outcome="relayed") == 1
    assert heard.output.lost == 2


def test_a_closed_stream_is_counted_too():
    heard = Heard()
    heard.stream.close()
    EXAMPLES[Event.MESSAGE_RELAYED](heard.telemetry)
    assert heard.output.lost == 1


def test_lines_lost_on_standard_output_show_in_the_metrics(monkeypatch):
    monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=FullDisk()))
    metrics = Metrics()
    writer = stdout_writer(Log(), FakeClock(), metrics)
    writer.info("relay.started")
    assert metrics.registry.get_sample_value("ses_relay_log_lines_lost") == 1


def test_each_line_is_written_at_once():
    stream = io.BytesIO()
    heard = Heard(stream=io.BufferedWriter(stream))
    EXAMPLES[Event.MESSAGE_RELAYED](heard.telemetry)
    assert orjson.loads(stream.getvalue())["event"] == "message.relayed"


def test_the_words_of_an_exception_stay_out_but_its_place_is_shown():
    def careless():
        raise ValueError("password=swordfish") from OSError(28, "No space left on device")

    heard = Heard()
    try:
        careless()
    except ValueError as error:
        heard.telemetry.relay.fault("flow.receive", error)
    (line,) = heard.lines
    assert "swordfish" not in heard.text
    assert line["error"] == "ValueError"
    assert line["traceback"][0].startswith("tests/telemetry/test_telemetry_log.py:")
    assert line["traceback"][1].endswith(" careless")
    assert line["traceback"][2] == "caused by OSError: [Errno 28] No space left on device"


def test_the_parts_of_a_group_are_shown():
    heard = Heard()
    group = ExceptionGroup("tasks", [KeyError("a"), TimeoutError()])
    heard.telemetry.relay.fault("service", group)
    assert heard.lines[0]["traceback"] == ["contains KeyError", "contains TimeoutError"]


def test_causes_that_go_in_circles_end():
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    heard = Heard()
    heard.telemetry.relay.fault("flow", first)
    assert heard.lines[0]["traceback"] == ["caused by KeyError"]
