"""What a campaign shows: who never got a message, who got it twice, and why.

A duplicate is explained when, of the two requests that SES took,
- the first one's answer was cut off on purpose (`lost answer`);
- or a start of the relay between the two found the first in flight: the kill fell between SES's
  acceptance and its record (`killed before the record`);
- or the client sent the message again because the relay was killed before it could say 250, which
  no SMTP server can tell from a message that was lost (`killed before the reply`, RFC 1047).

A client that hung up while the relay lived must get its verdict, and causes no duplicate.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from crash_clients import LOST

LOST_ANSWER = "lost answer"
BEFORE_RECORD = "killed before the record"
BEFORE_REPLY = "killed before the reply"


@dataclass
class Findings:
    """The sum of a campaign."""

    letters: int = 0
    recipients: int = 0
    kills: int = 0
    unanswered: int = 0  # submissions that got no reply
    hung_up: int = 0  # messages sent again although the relay lived: their clients hung up
    released: int = 0  # entries that waited for an operator
    duplicates: Counter = field(default_factory=Counter)
    missing: list = field(default_factory=list)
    unexplained: list = field(default_factory=list)

    def count(self, why, times=1):
        if times > 0:
            self.duplicates[why] += times

    def explain(self, requests, recovered):
        """Say why SES took one message of the relay more than once, where it did."""
        for earlier, later in pairwise(requests):
            why = reason(earlier, later, recovered)
            if why is None:
                self.unexplained.append((requests, recovered))
            else:
                self.count(why)

    def __str__(self):
        return (
            f"{self.kills} kills, {self.letters} messages to {self.recipients} recipients, "
            f"{self.unanswered} submissions without a reply, {self.hung_up} clients that hung up, "
            f"{self.released} releases; "
            f"{len(self.missing)} lost, duplicates: {dict(self.duplicates)}, "
            f"unexplained: {len(self.unexplained)}"
        )


def judge(letters, taken, relay):
    """Hold what clients were told against what SES took."""
    got = defaultdict(list)
    for request in taken:
        for recipient in request.recipients:
            got[recipient].append(request)
    recovered = in_flight_at_start(relay)
    findings = Findings(kills=len(relay.deaths))
    for letter in letters:
        windows = killed_unheard(letter, relay.deaths)
        findings.letters += 1
        findings.unanswered += sum(one.reply == LOST for one in letter.submissions)
        findings.hung_up += windows < len(letter.submissions) - 1
        for recipient in letter.recipients:
            findings.recipients += 1
            if letter.accepted and not got[recipient]:
                findings.missing.append((recipient, letter.submissions))
            by_id = defaultdict(list)
            for request in got[recipient]:
                by_id[request.queue_id].append(request)
            findings.count(BEFORE_REPLY, min(windows, len(by_id) - 1))
            if len(by_id) - 1 > windows:
                findings.unexplained.append((recipient, dict(by_id), letter.submissions))
            for queue_id, requests in by_id.items():
                findings.explain(requests, recovered[queue_id])
    return findings


def reason(earlier, later, recovered):
    """Say why SES took one message twice from the relay; None: nobody knows."""
    if earlier.dropped:
        return LOST_ANSWER
    return BEFORE_RECORD if any(earlier.at <= at <= later.at for at in recovered) else None


def killed_unheard(letter, deaths):
    """Count how often a client sent a message again because of a kill."""
    return sum(
        tried.reply == LOST and any(tried.began <= death <= again.ended for death in deaths)
        for tried, again in pairwise(letter.submissions)
    )


def in_flight_at_start(relay):
    """Find when which message was taken up in flight, by the relay's own log.

    A start that was killed before it was done may have taken up any message and not said so.
    """
    lines = relay.lines()
    started = [when(line) for line in lines if line["event"] == "relay.started"]
    silent = [
        death
        for before, death in pairwise([0.0, *relay.deaths])
        if not any(before < at < death for at in started)
    ]
    found = defaultdict(lambda: list(silent))
    for line in lines:
        if line["event"] == "message.deferred" and "in flight" in line.get("detail", ""):
            found[line["queue_id"]].append(when(line))
    return found


def when(line):
    return datetime.fromisoformat(line["timestamp"]).timestamp()
