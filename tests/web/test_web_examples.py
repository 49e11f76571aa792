"""The monitoring examples name only what the relay measures, says and offers."""

import json
import re
from importlib.resources import files

import pytest
import yaml
from typer.main import get_command

from relay.cli import app
from relay.model.outcome import Cause
from relay.telemetry import Metrics
from relay.telemetry.metrics import ScrapeTime

EXAMPLES = files("relay.web") / "examples"
RULES = yaml.safe_load((EXAMPLES / "prometheus-rules.yaml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
PANELS = DASHBOARD["panels"]

# What Prometheus adds itself: the name of a bucket's bound, and where a sample was scraped.
ADDED = {"le", "instance", "job"}
NAMED = re.compile(r"(ses_relay_\w+)(?:\{([^}]*)\})?")


def measured():
    """Give each name on the scrape page with the labels of its samples."""
    metrics = Metrics()
    labels = {metric.full_name: set(metric.labels) for metric in ScrapeTime}
    replies = metrics.smtp_replies
    labels[f"{replies.full_name}_total"] = set(replies.labels)
    for metric in vars(metrics).values():
        if hasattr(metric, "_labelnames"):
            for name in described(metric):
                labels[name] = set(metric._labelnames)
    return labels


def described(metric):
    (family,) = metric.describe()
    if family.type == "counter":
        return [f"{family.name}_total"]
    return [f"{family.name}_{end}" for end in ("bucket", "sum", "count")]


MEASURED = measured()


def expressions():
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]


@pytest.mark.parametrize(("place", "expression"), list(expressions()))
def test_metrics_and_their_labels_exist(place, expression):
    named = NAMED.findall(expression)
    assert named or place == "SesRelayDown"
    labels = set(ADDED)
    for name, chosen in named:
        assert name in MEASURED
        assert set(re.findall(r"(\w+)=", chosen)) <= MEASURED[name] | ADDED
        labels |= MEASURED[name]
    for listed in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
        assert set(listed.split(", ")) <= labels
    assert expression.count("(") == expression.count(")")


def test_every_metric_is_on_the_dashboard():
    shown = {name for panel in PANELS for one in panel["targets"] for name in bare(one["expr"])}
    # Messages are shown by recipients, which is what SES counts.
    missing = {re.sub("_(bucket|sum|count)$", "", name) for name in MEASURED} - shown
    assert missing == {"ses_relay_messages_total"}


def bare(expression):
    return [re.sub("_bucket$", "", name) for name, _ in NAMED.findall(expression)]


def test_the_causes_that_wake_somebody_are_those_that_need_him():
    (rule,) = [rule for rule in RULES if rule["alert"] == "SesRelayRefused"]
    causes = re.search(r'result=~"([a-z_|]+)"', rule["expr"])[1].split("|")
    # A used up quota and a lost answer pass by themselves, and have alerts of their own.
    needing = {cause.word for cause in Cause if cause.alarm} - {"quota", "lost_answer"}
    assert causes == sorted(needing)


def test_each_alert_says_how_bad_it_is_and_what_to_do():
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "action"}
        for verb in re.findall(r"ses-relay ([a-z]+)", rule["annotations"]["action"]):
            assert verb in get_command(app).commands


def test_panels_lie_side_by_side_and_have_names_of_their_own():
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS}
    assert len(places) == len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert {panel["gridPos"]["w"] for panel in PANELS} == {12}


def test_every_query_asks_the_relays_that_are_chosen():
    for panel in PANELS:
        for target in panel["targets"]:
            assert target["expr"].count("ses_relay_") == target["expr"].count('"$instance"')
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]
