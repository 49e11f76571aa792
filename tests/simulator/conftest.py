"""A simulator in process, on a clock that the test moves, and a way to send to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from relay.simulator import Account, Caller, Message, Refusal, Simulator, Submission

CALLER = Caller(
    arn="arn:aws:iam::123456789012:user/simulator",
    account_id="123456789012",
    user_id="simulator",
    region="eu-west-1",
)


class StandingClock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self):
        return self.now

    def advance(self, **step):
        self.now += timedelta(**step)


class Sender:
    """Sends straight to the service, past signatures and wires."""

    def __init__(self, simulator):
        self.simulator = simulator

    def __call__(self, raw=b"From: a@example.com\r\n\r\nHello\r\n", **asked):
        asked.setdefault("api", "v1")
        asked.setdefault("destinations", ("to@elsewhere.example",))
        return self.simulator.service.send(Submission(raw=raw, **asked), CALLER)

    def accepted(self, *given, **asked) -> Message:
        outcome = self(*given, **asked)
        assert isinstance(outcome, Message), outcome
        return outcome

    def refused(self, *given, **asked) -> str:
        outcome = self(*given, **asked)
        assert isinstance(outcome, Refusal), outcome
        return f"{outcome.query_code}/{outcome.rest_code}: {outcome.message}"

    def account(self, **changes):
        self.simulator.account = replace(self.simulator.account, **changes)


@pytest.fixture
def clock():
    return StandingClock()


@pytest.fixture
def simulator(clock):
    return Simulator(Account(max_send_rate=1_000.0), clock=clock)


@pytest.fixture
def send(simulator):
    return Sender(simulator)
