"""Metric names and labels are an outer contract."""

import pytest
from mail_events import EXAMPLES, Heard
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from relay.telemetry import Metrics, ScrapeTime

PROMISED = {
    "ses_relay_messages_total": {"user", "outcome"},
    "ses_relay_recipients_total": {"user", "outcome"},
    "ses_relay_smtp_sessions": set(),
    "ses_relay_smtp_replies_total": {"code"},
    "ses_relay_ses_requests_total": {"route", "result"},
    "ses_relay_ses_request_seconds": {"route"},
    "ses_relay_queue_messages": {"state", "lane"},
    "ses_relay_queue_oldest_seconds": set(),
    "ses_relay_send_rate": {"route"},
    "ses_relay_send_rate_limit": {"route"},
    "ses_relay_quota_used_ratio": {"route"},
    "ses_relay_bounce_ratio": {"user"},
    "ses_relay_complaint_ratio": {"user"},
    "ses_relay_suppressed_total": {"reason"},
    "ses_relay_accept_seconds": set(),
    "ses_relay_estimated_cost_dollars_total": set(),
}


# Beyond the promise, but renaming them would hurt somebody all the same.
OURS = {"ses_relay_faults_total": {"where"}, "ses_relay_log_lines_lost": set()}


def full(metrics):
    for metric in ScrapeTime:
        metrics.read(metric, lambda metric=metric: {tuple("x" for _ in metric.labels): 1.5})


def families(metrics):
    return {
        family.name: family for family in text_string_to_metric_families(metrics.page().decode())
    }


def test_names_and_labels_are_exactly_those_promised():
    heard = Heard()
    full(heard.metrics)
    for example in EXAMPLES.values():
        example(heard.telemetry)
    heard.telemetry.smtp.replied(250)
    heard.telemetry.smtp.answered(0.01)
    heard.telemetry.message.suppressed("bounce")
    found = {}
    for family in families(heard.metrics).values():
        name = family.name + "_total" if family.type == "counter" else family.name
        found[name] = set().union(*(sample.labels for sample in family.samples)) - {"le"}
    assert found == PROMISED | OURS


def test_a_reading_is_asked_at_each_scrape():
    metrics = Metrics()
    open_now = [3]
    metrics.read(ScrapeTime.SMTP_SESSIONS, lambda: {(): open_now[0]})
    assert b"\nses_relay_smtp_sessions 3.0\n" in metrics.page()
    open_now[0] = 4
    assert b"\nses_relay_smtp_sessions 4.0\n" in metrics.page()
    assert metrics.current(ScrapeTime.SMTP_SESSIONS) == {(): 4}


def test_what_nobody_reads_has_no_samples():
    metrics = Metrics()
    assert families(metrics)["ses_relay_send_rate"].samples == []
    assert metrics.current(ScrapeTime.SEND_RATE) == {}


def test_the_last_registration_holds():
    metrics = Metrics()
    metrics.read(ScrapeTime.QUEUE_OLDEST, lambda: {(): 1})
    metrics.read(ScrapeTime.QUEUE_OLDEST, lambda: {(): 2})
    assert b"ses_relay_queue_oldest_seconds 2.0" in metrics.page()


def test_the_page_comes_metric_by_metric():
    metrics = Metrics()
    metrics.read(ScrapeTime.QUEUE_OLDEST, lambda: {(): 7})
    pages = list(metrics.pages())
    assert [page.split()[2].decode() for page in pages] == [
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
    ]
    assert b"".join(pages) == metrics.page() == generate_latest(metrics.registry)


def test_faults_are_counted_by_place():
    heard = Heard()
    heard.telemetry.relay.fault("flow.receive", ValueError())
    heard.telemetry.store.fault("put", "disk full")
    assert heard.sample("ses_relay_faults_total", where="flow.receive") == 1
    assert heard.sample("ses_relay_faults_total", where="store.put") == 1


def test_two_relays_in_one_process_share_nothing():
    one, other = Heard(), Heard()
    one.telemetry.smtp.replied(250)
    assert one.sample("ses_relay_smtp_replies_total", code="250") == 1
    assert other.sample("ses_relay_smtp_replies_total", code="250") is None


@pytest.mark.parametrize("event", EXAMPLES, ids=str)
def test_message_events_count_their_recipients(event):
    heard = Heard()
    EXAMPLES[event](heard.telemetry)
    area, _, word = event.partition(".")
    counted = heard.sample("ses_relay_recipients_total", user="tickets", outcome=word)
    named = len(heard.lines[0].get("recipients", []))
    assert counted == (named if area == "message" else None)
