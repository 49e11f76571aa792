"""Where the contract runs: the simulator in a thread of its own, and opt-in a real account."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config
from served import served as serving

from relay.simulator import Account, Simulator
from relay.simulator.rates import Usage

NO_RETRIES = Config(retries={"total_max_attempts": 1})


class StandingClock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Served:
    """A simulator behind a URL, on an event loop in a thread: boto3 blocks."""

    simulator: Simulator
    clock: StandingClock
    url: str

    def client(self, service, *, access_key="simulator", secret="simulator", token=None):
        return boto3.client(
            service,
            region_name="eu-west-1",
            endpoint_url=self.url,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=NO_RETRIES,
        )


@pytest.fixture(scope="session")
def _server() -> Iterator[Served]:
    clock = StandingClock()
    simulator = Simulator(clock=clock)
    with serving(simulator) as url:
        yield Served(simulator, clock, url)


@pytest.fixture
def served(_server) -> Served:
    """The shared server with everything as at its start."""
    simulator = _server.simulator
    simulator.account = Account(max_send_rate=1_000_000)
    simulator.mailbox.clear()
    simulator.faults.clear()
    simulator.service.usage = Usage(simulator.account.max_send_rate, _server.clock())
    return _server


@dataclass(frozen=True)
class Target:
    """Something that claims to be SES."""

    ses: object
    sesv2: object
    sender: str
    wait: Callable[[float], None]

    def client(self, wire):
        return self.ses if wire == "v1" else self.sesv2


@pytest.fixture
def simulated(served) -> Target:
    """The simulator, for what no real account can be asked to do."""
    clients = [served.client(name) for name in ("ses", "sesv2")]
    return Target(*clients, "a@example.com", served.clock.advance)


@pytest.fixture(params=["simulator", pytest.param("real", marks=pytest.mark.real_ses)])
def target(request) -> Target:
    """Each test of the contract runs over each of these."""
    if request.param == "simulator":
        return request.getfixturevalue("simulated")
    region, sender = (os.environ.get(f"SES_RELAY_TEST_{name}") for name in ("REGION", "SENDER"))
    if not region or not sender:
        pytest.skip("set SES_RELAY_TEST_REGION and SES_RELAY_TEST_SENDER to test real SES")
    clients = [
        boto3.client(name, region_name=region, config=NO_RETRIES) for name in ("ses", "sesv2")
    ]
    return Target(*clients, sender, time.sleep)
