"""Prometheus metrics. Names are an outer contract; they start with `ses_relay_`.

Counters and histograms are fed by events. What has a value at any moment (queue, sessions, rates)
is read when it is scraped, by a callable that the service registers; until then it has no samples.

What the charge leaves out stands in `relay.model.ses_prices`.
Errors: a reading that raises fails the scrape, so that nobody trusts half a page.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from relay.model.ses_prices import PER_1000_RECIPIENTS, dollars

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Values by their labels, in the order of `ScrapeTime.labels`; `{(): 3}` where there are none.
Reading: TypeAlias = Callable[[], Mapping[tuple[str, ...], float]]

_REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_ACCEPT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ScrapeTime(Enum):
    """The metrics that are read at the scrape: (name, labels, help)."""

    SMTP_SESSIONS = ("smtp_sessions", (), "SMTP sessions open now.")
    QUEUE_MESSAGES = ("queue_messages", ("state", "lane"), "Messages kept in the queue.")
    QUEUE_OLDEST = ("queue_oldest_seconds", (), "Age of the oldest message in the queue.")
    SEND_RATE = ("send_rate", ("route",), "Recipients per second handed to SES now.")
    SEND_RATE_LIMIT = ("send_rate_limit", ("route",), "Recipients per second allowed now.")
    QUOTA_USED = ("quota_used_ratio", ("route",), "Share of SES's 24 hour quota in use.")
    BOUNCE_RATIO = ("bounce_ratio", ("user",), "Share of the user's mail that bounced.")
    LOG_LINES_LOST = ("log_lines_lost", (), "Log lines that could not be written.")
    COMPLAINT_RATIO = ("complaint_ratio", ("user",), "Share of the user's mail complained about.")

    def __init__(self, short: str, labels: tuple[str, ...], text: str) -> None:
        self.full_name = f"ses_relay_{short}"
        self.labels = labels
        self.text = text


class _Scraped(Collector):
    """Asks every registered reading when it is scraped."""

    def __init__(self) -> None:
        self.readings: dict[ScrapeTime, Reading] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for metric in ScrapeTime:
            family = GaugeMetricFamily(metric.full_name, metric.text, labels=metric.labels)
            reading = self.readings.get(metric)
            for labels, value in reading().items() if reading else ():
                family.add_metric(labels, value)
            yield family


class _One(Collector):
    """A metric that was collected, as a registry of its own."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterator[Metric]:
        yield self._family


class SmtpReplies(Collector):
    """Counts replies by code without a lock each: there are seven in the shortest session.

    Only the event loop counts, and the scrape runs in it as well.
    """

    full_name = "ses_relay_smtp_replies"
    labels = ("code",)

    def __init__(self) -> None:
        self._counts: Tally[int] = Tally()

    def count(self, code: int) -> None:
        """Count one reply."""
        self._counts[code] += 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Give the counts as a counter of Prometheus."""
        family = CounterMetricFamily(self.full_name, "Replies to SMTP clients.", labels=self.labels)
        for code, count in self._counts.items():
            family.add_metric((str(code),), count)
        yield family


class Metrics:
    """All metrics of one process, on a registry of their own."""

    def __init__(self) -> None:
        # The library's switch is global; without it every counter has a `_created` twin that no
        # dashboard asks for and that doubles the page.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library lacks the annotation
        self.registry = CollectorRegistry()
        # Dollars for 1000 recipients; the service registers what the configuration says.
        self.price: Callable[[], float] = lambda: PER_1000_RECIPIENTS
        self._scraped = _Scraped()
        self.registry.register(self._scraped)
        self.messages = self._counter(
            "messages", ("user", "outcome"), "Messages by the outcome of their first request."
        )
        self.recipients = self._counter("recipients", ("user", "outcome"), "Recipients by outcome.")
        self.smtp_replies = SmtpReplies()
        self.registry.register(self.smtp_replies)
        self.ses_requests = self._counter(
            "ses_requests",
            ("route", "result"),
            "Requests to SES by result: relayed, failed, or why not yet.",
        )
        self.suppressed = self._counter(
            "suppressed", ("reason",), "Recipients that the suppression list kept from mail."
        )
        self.faults = self._counter(
            "faults", ("where",), "Errors of our own and of the store, by where they showed."
        )
        self.estimated_cost = self._counter(
            "estimated_cost_dollars",
            (),
            "Estimated SES charge for recipients, by `prices`, without attachments.",
        )
        self.ses_request_seconds = Histogram(
            "ses_relay_ses_request_seconds",
            "Duration of requests to SES.",
            ("route",),
            registry=self.registry,
            buckets=_REQUEST_BUCKETS,
        )
        self.accept_seconds = Histogram(
            "ses_relay_accept_seconds",
            "Time between the final dot and its reply.",
            registry=self.registry,
            buckets=_ACCEPT_BUCKETS,
        )

    def read(self, metric: ScrapeTime, reading: Reading) -> None:
        """Register where a value is read from at every scrape; the last registration holds."""
        self._scraped.readings[metric] = reading

    def current(self, metric: ScrapeTime) -> Mapping[tuple[str, ...], float]:
        """Read a value now, for the dashboard; empty when nobody registered it."""
        reading = self._scraped.readings.get(metric)
        return reading() if reading else {}

    def charge(self, recipients: int) -> None:
        """Add what SES will charge for recipients it took."""
        self.estimated_cost.inc(dollars(recipients, self.price()))

    def pages(self) -> Iterator[bytes]:
        """Render the scrape page (Prometheus text format 0.0.4), one metric at a time.

        A thousand users have fourteen thousand samples; other work can be done between.
        """
        for family in self.registry.collect():
            yield generate_latest(_One(family))

    def page(self) -> bytes:
        """Render the whole page."""
        return b"".join(self.pages())

    def _counter(self, short: str, labels: tuple[str, ...], text: str) -> Counter:
        return Counter(f"ses_relay_{short}", text, labels, registry=self.registry)
