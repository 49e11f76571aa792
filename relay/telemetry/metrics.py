"""Prometheus metrics. Names are an outer contract; they start with `ses_relay_`.

Counters and histograms are fed by events. What has a value at any moment (queue, sessions, rates)
is read when it is scraped, by a callable that the service registers; until then it has no samples.

What the charge leaves out stands in `relay.model.ses_prices`.
Errors: a reading that raises fails the scrape, so that nobody trusts half a page.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from relay.model.ses_prices import PER_1000_RECIPIENTS, dollars
from relay.telemetry.reports import Report, Reports, counts_of
from relay.telemetry.scraped import Reading, Scraped, ScrapeTime, Values

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_ACCEPT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


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
        self._scraped = Scraped()
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

        self.reports = Reports(self.registry)

    def read(self, metric: ScrapeTime, reading: Reading) -> None:
        """Register where a value is read from at every scrape; the last registration holds."""
        self._scraped.readings[metric] = reading

    def reading(self, metric: ScrapeTime) -> Reading:
        """Give what is registered now, for somebody who adds to it."""
        return self._scraped.readings.get(metric, dict)

    def current(self, metric: ScrapeTime) -> Values:
        """Read a value now, for the dashboard; empty when nobody registered it."""
        return self.reading(metric)()

    def charge(self, recipients: int) -> None:
        """Add what SES will charge for recipients it took."""
        self.estimated_cost.inc(dollars(recipients, self.price()))

    def report(self) -> Report:
        """Say for the process that shows the sum what this one has counted, and reads now."""
        counts = counts_of(self.registry.collect())
        for metric in ScrapeTime:
            del counts[metric.full_name]
        return Report(counts, {metric: dict(self.current(metric)) for metric in ScrapeTime})

    def pages(self) -> Iterator[bytes]:
        """Render the scrape page (Prometheus text format 0.0.4), one metric at a time.

        A thousand users have fourteen thousand samples; other work can be done between. What other
        processes have reported is added.
        """
        for family in self.reports.collect():
            yield generate_latest(_One(family))

    def page(self) -> bytes:
        """Render the whole page."""
        return b"".join(self.pages())

    def _counter(self, short: str, labels: tuple[str, ...], text: str) -> Counter:
        return Counter(f"ses_relay_{short}", text, labels, registry=self.registry)
