"""Settings of what is kept: the queue, its store, and how much is in work at a time.

Standards: RFC 5321 §4.5.4.1 (give up after four to five days).

Errors: none.
"""

from pathlib import Path

from relay.model.settings.option import Unit, option, section
from relay.model.settings.values import SqliteStore, Store

DAY = 86_400.0
MIB = 1024 * 1024


@section
class Queue:
    """The durable queue: where it is, and when a message is given up."""

    store: Store = option(
        default=SqliteStore(Path("/var/lib/ses-relay")),
        reason="sqlite:///FOLDER (three slashes relative, four absolute), postgresql://…, or "
        "none: never takes responsibility, 451 unless SES took the message.",
    )
    wait: float = option(
        default=5.0,
        unit=Unit.SECONDS,
        at_least=0,
        at_most=300,
        reason='How long a client waits for SES\'s own verdict before "250 queued"; 0s = queue '
        "first. Clients themselves wait 10 minutes (RFC 5321 §4.5.3.2.6), many far less.",
    )
    lifetime: float = option(
        default=4 * DAY,
        unit=Unit.SECONDS,
        above=0,
        reason="A message older than this expires; RFC 5321 §4.5.4.1 asks for 4-5 days.",
    )
    backoff_min: float = option(
        default=15.0,
        unit=Unit.SECONDS,
        at_least=1,
        reason="Pause after the first failed attempt; it doubles with each further one.",
    )
    backoff_max: float = option(
        default=1800.0, unit=Unit.SECONDS, at_least=1, reason="Longest pause between two attempts."
    )
    resubmission: bool = option(
        default=True,
        reason="Answer a client that did not hear its verdict and sends the same message again "
        "with that verdict, instead of sending the mail twice.",
    )
    max_messages: int = option(
        default=1_000_000, at_least=1, reason="Messages kept; beyond, clients get 452 4.3.1."
    )
    max_size: int = option(
        default=20 * 1024 * MIB,
        unit=Unit.OCTETS,
        at_least=MIB,
        reason="Octets kept; beyond, clients get 452 4.3.1.",
    )


@section
class Limits:
    """What the whole process may have in work at a time."""

    octets_in_flight: int = option(
        default=256 * MIB,
        unit=Unit.OCTETS,
        at_least=64 * MIB,
        reason="Message octets in memory, all sessions together, reserved before 354; beyond, "
        "clients get 452 4.3.1, and a message that comes slower than a megabit a second gives its "
        "room to others. The queue has a reserve of its own.",
    )
    requests_in_flight: int = option(
        default=128, at_least=1, reason="Requests to SES at a time, all routes together."
    )
    stop_grace: float = option(
        default=30.0,
        unit=Unit.SECONDS,
        at_least=0,
        reason="How long a stop waits for attempts under way; keep it below the service "
        "manager's own limit.",
    )
