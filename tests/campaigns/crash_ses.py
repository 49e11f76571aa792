"""A simulated SES in bad weather, and its own account of what it took and whether it said so."""

import time
from dataclasses import dataclass

from relay.model.message import TAG_QUEUE_ID
from relay.simulator import Account, Delay, Drop, Fail, Mailbox, Simulator
from relay.simulator.faults import Script

SENDS = {"SendRawEmail", "SendEmail"}
# Shares of all requests, and what happens to them.
BAD = (
    (0.04, Fail("InternalFailure", "Oops.", 500)),
    (0.03, Drop("before")),
    (0.03, Drop("after")),
    (0.12, Delay(0.1)),
    (0.08, Delay(0.6)),  # longer than a client waits for the verdict
)
WORSE = (*BAD, (0.04, Fail("Throttling", "Maximum sending rate exceeded.", 400)))


@dataclass(frozen=True)
class Taken:
    """One request that SES took."""

    at: float  # by the wall clock
    queue_id: str
    recipients: tuple
    dropped: bool  # the answer was cut off


class Weather(Script):
    """Faults without end, until it is fine."""

    def __init__(self, rng, shares):
        super().__init__()
        self._shares = shares
        self.fine = False
        self.last = None
        self._rng = rng

    def take(self, operation):
        self.last = None
        if operation in SENDS and not self.fine:
            chance = self._rng.random()
            for share, then in self._shares:
                chance -= share
                if chance < 0:
                    self.last = then
                    break
        return self.last


class Ledger(Mailbox):
    """Writes down who got what, and lets the octets go."""

    def __init__(self, weather):
        super().__init__()
        self.taken = []
        self._weather = weather

    def add(self, message):
        self.taken.append(
            Taken(
                at=time.time(),
                queue_id=dict(message.tags)[TAG_QUEUE_ID],
                recipients=message.destinations,
                dropped=isinstance(self._weather.last, Drop),
            )
        )


def bad_ses(rng, rate, shares):
    """Make a simulator of a slow account in bad weather; gives it with its ledger."""
    weather = Weather(rng, shares)
    ledger = Ledger(weather)
    simulator = Simulator(Account(max_send_rate=rate, max_24_hour_send=-1), mailbox=ledger)
    simulator.faults = weather
    return simulator, ledger
