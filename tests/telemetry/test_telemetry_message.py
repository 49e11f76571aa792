"""What outcomes become on lines and in counters."""

import pytest
from mail_events import (
    BOB,
    CAROL,
    FIRST,
    LOST,
    NOT_VERIFIED,
    RELAYED,
    REQUEST,
    THROTTLED,
    Heard,
    client,
    message,
)

from relay.model.address import Address
from relay.model.envelope import Notify, Recipient, Ret
from relay.model.message import TAG_QUEUE_ID, TAG_USER, Parameters, Request
from relay.model.outcome import Cause, Deferred, Relayed, Scope, ScopeKind
from relay.model.reply import Reply
from relay.telemetry import Attempt


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        (RELAYED, "message.relayed"),
        (THROTTLED, "message.deferred"),
        (LOST, "message.deferred"),
        (NOT_VERIFIED, "message.failed"),
    ],
)
def test_each_outcome_is_one_line(outcome, event):
    heard = Heard()
    heard.telemetry.message.attempted(message(), REQUEST, outcome, FIRST)
    (line,) = heard.lines
    assert (line["event"], line["queue_id"], line["attempt"]) == (event, "q-1", 1)


def test_a_lost_answer_is_an_alarm():
    heard = Heard()
    heard.telemetry.message.attempted(message(), REQUEST, LOST, FIRST)
    (line,) = heard.lines
    assert (line["level"], line["cause"]) == ("warning", "lost_answer")


def test_only_the_refused_recipients_have_failed():
    heard = Heard()
    heard.telemetry.message.failed(message(), REQUEST, NOT_VERIFIED, FIRST)
    assert heard.lines[0]["recipients"] == ["bob@Example.ORG"]
    assert heard.sample("ses_relay_recipients_total", user="tickets", outcome="failed") == 1


def test_a_message_is_counted_once_and_its_recipients_all():
    heard = Heard()
    for number, recipient in enumerate((BOB, CAROL), start=1):
        request = Request(number=number, recipients=(recipient,))
        heard.telemetry.message.relayed(message(), request, RELAYED, FIRST)
    assert heard.sample("ses_relay_messages_total", user="tickets", outcome="relayed") == 1
    assert heard.sample("ses_relay_recipients_total", user="tickets", outcome="relayed") == 2
    assert heard.sample("ses_relay_ses_requests_total", route="default", result="relayed") == 2
    assert heard.sample("ses_relay_ses_request_seconds_count", route="default") == 2


def test_ses_charges_for_what_it_took():
    heard = Heard()
    heard.telemetry.message.relayed(message(), REQUEST, RELAYED, FIRST)
    heard.telemetry.message.deferred(message(), REQUEST, THROTTLED, FIRST)
    assert heard.sample("ses_relay_estimated_cost_dollars_total") == pytest.approx(0.0002)
    heard.metrics.price = lambda: 0.16
    heard.telemetry.message.relayed(message(), REQUEST, RELAYED, FIRST)
    assert heard.sample("ses_relay_estimated_cost_dollars_total") == pytest.approx(0.00052)


def test_what_never_left_is_no_request_to_ses():
    heard = Heard()
    waiting = Deferred(
        cause=Cause.WAITING,
        scope=Scope(ScopeKind.MESSAGE, "q-1"),
        reply=Reply(451, "4.4.5", "No sending capacity in time"),
    )
    heard.telemetry.message.deferred(message(), REQUEST, waiting, Attempt(number=1))
    assert heard.sample("ses_relay_ses_requests_total", route="default", result="waiting") is None
    assert "duration_ms" not in heard.lines[0]


def test_a_refusal_by_ses_is_counted_by_its_cause():
    heard = Heard()
    heard.telemetry.message.deferred(message(), REQUEST, THROTTLED, FIRST)
    assert heard.sample("ses_relay_ses_requests_total", route="default", result="rate") == 1


def test_a_long_list_of_recipients_is_cut_and_counted():
    heard = Heard()
    many = [Address(f"r{number}", "example.net") for number in range(120)]
    heard.telemetry.message.received(message(*many), client())
    (line,) = heard.lines
    assert (len(line["recipients"]), line["recipient_count"]) == (50, 120)
    assert len(heard.history.noted[0][2]["recipients"]) == 120


def test_the_null_sender_is_shown():
    heard = Heard()
    heard.telemetry.message.held(message(sender=None), "rule staging")
    assert heard.lines[0]["sender"] == "<>"


def test_what_a_late_bounce_needs_is_in_the_history_and_not_in_the_log():
    heard = Heard()
    wished = message(
        parameters=Parameters(
            tags=(("app", "shop"), (TAG_QUEUE_ID, "q-1"), (TAG_USER, "tickets")),
        ),
        recipients=(
            Recipient(BOB, frozenset({Notify.FAILURE, Notify.DELAY}), "rfc822;b@example.org"),
            Recipient(CAROL, frozenset({Notify.NEVER})),
        ),
        ret=Ret.HEADERS,
        envid="E1",
    )
    request = Request(number=1, recipients=(BOB,))
    heard.telemetry.message.relayed(wished, request, Relayed(ses_message_id="m"), Attempt(number=1))
    [(_, _, facts)] = heard.history.noted
    assert facts["tags"] == {"app": "shop"}
    assert facts["dsn"] == {
        "ret": "HDRS",
        "envid": "E1",
        "recipients": {str(BOB): {"notify": "DELAY,FAILURE", "orcpt": "rfc822;b@example.org"}},
    }
    [line] = heard.lines
    assert not {"tags", "dsn"} & line.keys()
    assert "rfc822" not in heard.text
