"""The metrics of several processes on one page."""

from relay.telemetry import Metrics, ScrapeTime


def lines(metrics):
    return [line for line in metrics.page().decode().splitlines() if not line.startswith("#")]


def value(metrics, sample):
    [line] = [line for line in lines(metrics) if line.startswith(sample)]
    return float(line.split()[-1])


def a_process(relayed, seconds=0.2):
    metrics = Metrics()
    metrics.messages.labels("tickets", "relayed").inc(relayed)
    metrics.accept_seconds.observe(seconds)
    metrics.smtp_replies.count(250)
    metrics.read(ScrapeTime.SMTP_SESSIONS, lambda: {(): relayed * 10.0})
    metrics.read(ScrapeTime.QUOTA_USED, lambda: {("default",): relayed / 10})
    return metrics


RELAYED = 'ses_relay_messages_total{outcome="relayed",user="tickets"}'


def test_without_reports_the_page_is_this_process_alone():
    metrics = a_process(3)
    assert value(metrics, RELAYED) == 3
    assert value(metrics, "ses_relay_smtp_sessions") == 30


def test_what_was_counted_is_added_up():
    metrics = a_process(1, seconds=0.0001)
    metrics.reports.take(0, a_process(2).report())
    metrics.reports.take(1, a_process(4).report())
    assert value(metrics, RELAYED) == 7
    assert value(metrics, 'ses_relay_smtp_replies_total{code="250"}') == 3
    assert value(metrics, "ses_relay_accept_seconds_count") == 3
    assert value(metrics, 'ses_relay_accept_seconds_bucket{le="0.001"}') == 1
    assert value(metrics, 'ses_relay_accept_seconds_bucket{le="+Inf"}') == 3


def test_a_process_counts_on_from_its_last_report():
    metrics, other = Metrics(), a_process(2)
    metrics.reports.take(0, other.report())
    other.messages.labels("tickets", "relayed").inc(5)
    metrics.reports.take(0, other.report())
    assert value(metrics, RELAYED) == 7


def test_what_a_process_has_counted_outlives_it():
    metrics = Metrics()
    metrics.reports.take(0, a_process(2).report())
    metrics.reports.end(0)
    assert value(metrics, RELAYED) == 2
    metrics.reports.take(0, a_process(1).report())  # the next one of its number
    assert value(metrics, RELAYED) == 3


def test_what_is_now_goes_with_the_process():
    metrics = Metrics()
    sessions = metrics.reports.reading(ScrapeTime.SMTP_SESSIONS, sum)
    quota = metrics.reports.reading(ScrapeTime.QUOTA_USED, max)
    metrics.reports.take(0, a_process(2).report())
    metrics.reports.take(1, a_process(3).report())
    assert sessions() == {(): 50}
    assert quota() == {("default",): 0.3}
    metrics.reports.end(1)
    assert sessions() == {(): 20}


def test_labels_that_only_others_have_are_on_the_page():
    metrics, other = Metrics(), Metrics()
    other.ses_request_seconds.labels("eu").observe(0.3)
    metrics.reports.take(0, other.report())
    assert value(metrics, 'ses_relay_ses_request_seconds_bucket{le="0.5",route="eu"}') == 1
    buckets = [line for line in lines(metrics) if "request_seconds_bucket" in line]
    assert [float(line.split()[-1]) for line in buckets] == sorted(
        float(line.split()[-1]) for line in buckets
    )
