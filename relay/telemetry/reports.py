"""Metrics of several processes as one: each reports what it counted, one of them shows the sum.

Counters go on when a process ends and another takes its place; what has a value at any moment
(sessions, rates) goes with the process.

Errors: none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from relay.telemetry.scraped import Reading, ScrapeTime, Values

Labels = tuple[tuple[str, str], ...]
# Family of metrics → its samples: their name and labels, and their value.
Counts = dict[str, dict[tuple[str, Labels], float]]


@dataclass(frozen=True, slots=True)
class Report:
    """What one process has counted since it began, and what it reads now."""

    counts: Counts
    readings: Mapping[ScrapeTime, Values]


def counts_of(families: Iterable[Metric]) -> Counts:
    """Take the samples out of what was collected."""
    return {
        family.name: {
            (sample.name, tuple(sample.labels.items())): sample.value for sample in family.samples
        }
        for family in families
    }


class Reports(Collector):
    """The last report of each process, and the sums of those that ended, added to our own."""

    def __init__(self, own: CollectorRegistry) -> None:
        self._own = own
        self._last: dict[int, Report] = {}
        self._ended: Counts = {}

    def take(self, who: int, report: Report) -> None:
        """Take in the newest report of a process; it counts on from the one before."""
        self._last[who] = report

    def end(self, who: int) -> None:
        """Know that a process has ended; the next one of its number begins at zero."""
        report = self._last.pop(who, None)
        if report is not None:
            _add(self._ended, report.counts)

    def reading(self, metric: ScrapeTime, over_all: Callable[[Iterable[float]], float]) -> Reading:
        """Give a reading over all processes; `over_all` is `sum` or `max`."""

        def read() -> Values:
            values: dict[tuple[str, ...], list[float]] = {}
            for report in self._last.values():
                for labels, value in report.readings.get(metric, {}).items():
                    values.setdefault(labels, []).append(value)
            return {labels: over_all(found) for labels, found in values.items()}

        return read

    def collect(self) -> Iterator[Metric]:
        """Give everything collected here, with what the others have counted added."""
        others: Counts = {}
        for counts in (self._ended, *(report.counts for report in self._last.values())):
            _add(others, counts)
        for family in self._own.collect():
            counted = others.get(family.name)
            if counted is None:
                yield family
                continue
            total: Counts = {}
            _add(total, counts_of([family]))
            _add(total, {family.name: counted})
            whole = Metric(family.name, family.documentation, family.type, family.unit)
            for (name, labels), value in total[family.name].items():
                whole.add_sample(name, dict(labels), value)
            yield whole


def _add(total: Counts, counts: Counts) -> None:
    for family, samples in counts.items():
        known = total.setdefault(family, {})
        for sample, value in samples.items():
            known[sample] = known.get(sample, 0.0) + value
