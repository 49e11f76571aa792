"""Checks of the queue, bounces, reputation, feedback and suppression.

Errors: none; findings.
"""

import re
from collections.abc import Iterator

from relay.config.checks.listeners import keeps_nothing
from relay.config.fault import Finding, shown
from relay.model.settings import AccountList, BounceTo, Off, Settings

# The first words of the paths that the dashboard, health and metrics have (`relay.web.app`).
PAGES = frozenset(
    {
        *("healthz", "readyz", "metrics", "api", "live", "messages", "inbox", "login", "logout"),
        *("assets", "queue", "users", "holds", "suppression"),
    }
)
_TOPIC = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+")


def check_operation(settings: Settings) -> Iterator[Finding]:
    """Find options at odds with each other, outside listeners, users and routes."""
    yield from _queue(settings)
    yield from _reputation(settings)
    yield from _feedback(settings)
    yield from _suppression(settings)
    if settings.bounces.to is not BounceTo.OFF and settings.bounces.from_ is None:
        yield Finding(
            ("bounces", "from"),
            "is missing: SES takes no mail without a sender",
            "write a verified address, like from: bounces@example.com, or to: off",
        )


def _queue(settings: Settings) -> Iterator[Finding]:
    queue = settings.queue
    if keeps_nothing(settings) and queue.wait == 0:
        yield Finding(
            ("queue", "wait"),
            "0s means to queue first, and store: none has no queue",
            "write wait: 30s or so, or choose a store",
        )
    if keeps_nothing(settings) and settings.bounces.to is not BounceTo.OFF:
        yield Finding(
            ("bounces", "to"),
            "with store: none nothing fails after the reply, so that there are no bounces",
            "write to: off, or choose a store",
            rests_on=("queue",),
        )
    if queue.backoff_min > queue.backoff_max:
        yield Finding(
            ("queue", "backoff_min"),
            "is longer than backoff_max",
            "make it shorter, or backoff_max longer",
        )
    if queue.wait > queue.lifetime:
        yield Finding(
            ("queue", "lifetime"),
            "is shorter than wait, so that every queued message would be too old",
            "write 4d or so",
        )


def _reputation(settings: Settings) -> Iterator[Finding]:
    for key, thresholds in (
        ("bounce", settings.reputation.bounce),
        ("complaint", settings.reputation.complaint),
    ):
        warn, hold = thresholds.warn, thresholds.hold
        if not isinstance(warn, Off) and not isinstance(hold, Off) and warn > hold:
            yield Finding(
                ("reputation", key, "warn"),
                f"{warn:g} is above hold ({hold:g}), so that nobody is warned in time",
                "write a smaller share, or off",
            )


def _suppression(settings: Settings) -> Iterator[Finding]:
    suppression = settings.suppression
    if suppression.account_list is AccountList.OFF:
        return
    place = ("suppression", "account_list")
    if not suppression.enabled:
        yield Finding(
            place,
            "the list of the account is part of the suppression list, which is not enabled",
            "write off, or enabled: true",
        )
    if keeps_nothing(settings):
        yield Finding(
            place,
            "with store: none there is no suppression list to keep the account's in",
            "write off, or choose a store",
            rests_on=("queue",),
        )


def _feedback(settings: Settings) -> Iterator[Finding]:
    for n, queue in enumerate(settings.feedback.sqs):
        if not queue.queue_url.startswith(("https://", "http://")):
            yield Finding(
                ("feedback", "sqs", n, "queue_url"),
                f"{shown(queue.queue_url)} is not the URL of a queue",
                "write it like https://sqs.eu-west-1.amazonaws.com/123456789012/ses-events",
            )
        if queue.route not in settings.routes:
            yield Finding(
                ("feedback", "sqs", n, "route"),
                f"there is no route {shown(queue.route)}",
                f"write one of: {', '.join(settings.routes)}",
                rests_on=("routes",),
            )
    sns = settings.feedback.sns
    if sns is None:
        return
    if settings.sns_bind is None and sns.path.lstrip("/").split("/")[0] in PAGES:
        yield Finding(
            ("feedback", "sns", "path"),
            f"{shown(sns.path)} is where `http` has pages of its own, and SNS shares its address",
            "write it like /sns, or give SNS an address: bind",
            rests_on=("http",),
        )
    if not re.fullmatch(r"/[A-Za-z0-9/_.~-]*", sns.path) or sns.path == "/":
        yield Finding(
            ("feedback", "sns", "path"), f"{shown(sns.path)} is not a path", "write it like /sns"
        )
    for n, topic in enumerate(sns.topics):
        if not _TOPIC.fullmatch(topic):
            yield Finding(
                ("feedback", "sns", "topics", n),
                f"{shown(topic)} is not the ARN of a topic",
                "write it like arn:aws:sns:eu-west-1:123456789012:ses-events",
            )
