"""What has a value at any moment (queue, sessions, rates) and is read when metrics are scraped.

The service registers a callable for each; until then the metric has no samples.

Errors: a reading that raises fails the scrape, so that nobody trusts half a page.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import TypeAlias

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

# Values by their labels, in the order of `ScrapeTime.labels`; `{(): 3}` where there are none.
Values: TypeAlias = Mapping[tuple[str, ...], float]
Reading: TypeAlias = Callable[[], Values]


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


class Scraped(Collector):
    """Asks every registered reading when it is scraped."""

    def __init__(self) -> None:
        self.readings: dict[ScrapeTime, Reading] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give all of them, those without a reading as well."""
        for metric in ScrapeTime:
            family = GaugeMetricFamily(metric.full_name, metric.text, labels=metric.labels)
            reading = self.readings.get(metric)
            for labels, value in reading().items() if reading else ():
                family.add_metric(labels, value)
            yield family
