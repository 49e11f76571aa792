"""The parts of the Markdown pages that the code knows better: made here, compared by a test.

A page marks such a part with `<!-- generated: NAME -->` and `<!-- end -->`. To write them anew:

    .venv/bin/python tests/generated_docs.py
"""

import json
import logging
import re
import sys
from importlib import import_module
from pathlib import Path
from unittest.mock import Mock

import typer
from typer.core import TyperGroup

from relay.cli import app
from relay.config import hints
from relay.config.written import written
from relay.mail.changes import CHANGES
from relay.model.clock import SystemClock
from relay.model.outcome import Cause
from relay.model.reply import Reply
from relay.model.settings import Settings, TcpBind
from relay.telemetry import Metrics, Telemetry
from relay.telemetry.events import Event
from relay.telemetry.metrics import ScrapeTime
from relay.web import Access, make_app

TOP = Path(__file__).parent.parent
GOLDEN = TOP / "tests" / "golden" / "log"
PAGES = (TOP / "README.md", TOP / "relay" / "README.md")

PART = re.compile(r"<!-- generated: ([a-z-]+) -->\n(.*?)<!-- end -->\n", re.DOTALL)


def cell(text):
    """Write a text so that it can stand in a table: one line, and no bar that ends the cell."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell(text) for text in line)} |\n" for line in lines)


# --- the command line -----------------------------------------------------------------------------


def commands(group=None, before=()):
    """Walk the verbs: words of the command, and the command itself."""
    group = group or typer.main.get_command(app)
    for name, command in sorted(group.commands.items()):
        words = (*before, name)
        if isinstance(command, TyperGroup):
            yield from commands(command, words)
        else:
            yield words, command


def verbs():
    def rows():
        for words, command in commands():
            said = (command.help or "").partition("\n\n")[0]
            yield f"`{' '.join(words)}`", said

    return table(("Verb", "Does"), rows())


# --- the configuration ----------------------------------------------------------------------------


def options(section=Settings, path=""):
    """Walk the options as the file has them: path and declaration, sections among them."""
    for option in hints.options(section).values():
        place = f"{path}.{option.key}" if path else option.key
        inner = None
        for part in hints.members(option.hint):
            if hints.is_section(part):
                inner = part, place
            elif hints.is_section(hints.item(part)):
                inner = hints.item(part), f"{place}[]"
            elif hints.is_section(hints.entry(part)):
                inner = hints.entry(part), f"{place}.NAME"
        yield place, option, inner is not None
        if inner:
            yield from options(*inner)


def default(option, *, is_section):
    if option.required:
        return "**required**"
    if is_section:
        return ""
    return f"`{written(option.default(), option.terms.get('unit'))}`"


def option_table():
    def rows():
        for place, option, is_section in options():
            reason = option.reason + hints.bounds(option.terms)
            yield f"`{place}`", default(option, is_section=is_section), reason

    return table(("Option", "Default", "What it does"), rows())


# --- what clients and operators hear --------------------------------------------------------------


def change_table():
    rows = (
        (f"`{change}`", reason.what, reason.why, reason.switch)
        for change, reason in CHANGES.items()
    )
    return table(("Word", "What is changed", "Why", "Governed by"), rows)


def named_replies():
    """Give every reply that a module of this name names."""
    for path in sorted((TOP / "relay").rglob("replies.py")):
        module = import_module(".".join(path.relative_to(TOP).with_suffix("").parts))
        yield from (value for value in vars(module).values() if isinstance(value, Reply))


def reply_table():
    texts = {}
    for reply in named_replies():
        texts.setdefault((reply.code, reply.enhanced), []).append(reply.text)
    rows = (
        (f"`{code} {enhanced}`", " · ".join(dict.fromkeys(said)))
        for (code, enhanced), said in sorted(texts.items())
        if code >= 400
    )
    return table(("Reply", "Said when"), rows)


def event_table():
    telemetry = Telemetry(
        log=logging.getLogger("docs"), metrics=Metrics(), history=None, clock=None
    )
    everywhere = {"timestamp", "level", "event"}

    def rows():
        for event in Event:
            if event is Event.LIBRARY_LOG:
                yield f"`{event}`", "what a library we use has logged", ""
                continue
            area, _, word = event.partition(".")
            said = getattr(getattr(telemetry, area), word).__doc__.strip().partition("\n")[0]
            golden = json.loads((GOLDEN / f"{event}.json").read_text())
            fields = [f"`{name}`" for name in golden if name not in everywhere]
            said = re.sub(r"^(Say|Write down) ", "", said).removesuffix(".")
            yield f"`{event}`", said, " ".join(fields)

    return table(("Event", "Says", "Fields"), rows())


def metric_table():
    metrics = Metrics()
    counted = {
        value._name: value._labelnames
        for value in vars(metrics).values()
        if hasattr(value, "_labelnames")
    }
    read = {metric.full_name: metric.labels for metric in (*ScrapeTime, metrics.smtp_replies)}

    def rows():
        for family in metrics.registry.collect():
            labels = (counted | read)[family.name]
            name = family.name + ("_total" if family.type == "counter" else "")
            shown = f"{name}{{{','.join(labels)}}}" if labels else name
            yield f"`{shown}`", family.documentation

    return table(("Metric", "Meaning"), rows())


# --- the API --------------------------------------------------------------------------------------


def api_table():
    """Ask the application for its paths, and their handlers for what they do."""
    access = Access(TcpBind("127.0.0.1", 8080), None, SystemClock())
    app = make_app(Mock(), access)

    def rows():
        for route in app.router.routes():
            path = route.resource.canonical
            if path.startswith("/api/") and route.method != "HEAD":
                said = route.handler.__doc__.strip().partition("\n")[0].removesuffix(".")
                yield path, route.method, said

    found = ((f"`{method} {path}`", said) for path, method, said in sorted(rows()))
    return table(("Path", "Does"), found)


# --- the architecture -----------------------------------------------------------------------------


def fault_table():
    yes = {True: "yes", False: "no"}
    rows = (
        (
            f"`{cause.word}`",
            yes[cause.counts_as_attempt],
            yes[cause.lifetime_runs],
            yes[cause.alarm],
        )
        for cause in Cause
    )
    return table(("Cause", "Counts as attempt", "Lifetime runs", "Alarm"), rows)


def import_table():
    from test_architecture import MAY_IMPORT

    def rows():
        for part, may in MAY_IMPORT.items():
            if not part.startswith("__"):
                yield f"`{part}`", " ".join(sorted(may)) or "the standard library alone"

    return table(("Part", "may import"), rows())


MAKERS = {
    "verbs": verbs,
    "options": option_table,
    "changes": change_table,
    "replies": reply_table,
    "events": event_table,
    "metrics": metric_table,
    "api": api_table,
    "faults": fault_table,
    "imports": import_table,
}


def renewed(text):
    """Write the generated parts of a page anew."""
    return PART.sub(
        lambda found: f"<!-- generated: {found[1]} -->\n{MAKERS[found[1]]()}<!-- end -->\n", text
    )


def main():
    for page in PAGES:
        page.write_text(renewed(page.read_text()))


if __name__ == "__main__":
    sys.path.insert(0, str(TOP))
    main()
