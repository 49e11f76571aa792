"""Settings to check, and the findings on them by what they are about."""

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from fakes import FakeClock

from relay.model.settings import (
    AddressPattern,
    DkimSigner,
    Http,
    Listener,
    NoStore,
    Queue,
    Route,
    Settings,
    TcpBind,
    TlsMode,
    User,
)
from relay.service.check import Ground, check
from relay.simulator import Account, Simulator, running

GRAVITY = ("ok", "warning", "fault")
FREE = TcpBind("127.0.0.1", 0)


def user(*senders, **changes):
    patterns = tuple(AddressPattern(text) for text in senders)
    return User(**{"name": "app", "senders": patterns, **changes})


def settings(**changes):
    known = {
        "hostname": "relay.example.com",
        "listeners": (Listener(bind=FREE, tls=TlsMode.OFF),),
        "users": (user("*@example.com"),),
        "routes": {"default": Route(region="eu-west-1")},
        "queue": Queue(store=NoStore()),
        "http": Http(bind=FREE),
    }
    return Settings(**{**known, **changes})


async def collect(known, clock=None, published=lambda name: ()):
    """Give the findings by what they are about: of several, the gravest."""
    ground = Ground(clock=clock or FakeClock(datetime.now(UTC)), published=published)
    found = [finding async for finding in check(known, ground)]
    return {one.about: one for one in sorted(found, key=lambda one: GRAVITY.index(one.state))}


def faulty(finding, *words):
    return _is("fault", finding, words)


def warned(finding, *words):
    return _is("warning", finding, words)


def fine(finding, *words):
    return _is("ok", finding, words)


def _is(state, finding, words):
    assert finding.state == state, finding
    assert bool(finding.fix) == (state != "ok"), finding
    for word in words:
        assert word in f"{finding.says} | {finding.fix}", finding
    return True


@asynccontextmanager
async def account(**changes):
    """Serve an account, and give what checks a route over it."""
    clock = FakeClock(datetime.now(UTC))
    simulator = Simulator(Account(**changes), clock=clock.now)
    async with running(simulator) as url:

        async def checked(route=None, **more):
            chosen = {
                "region": "eu-west-1",
                "endpoint_url": url,
                "dkim": DkimSigner.SES,
                **(route or {}),
            }
            return await collect(settings(routes={"default": Route(**chosen)}, **more), clock)

        def change(**more):
            simulator.account = replace(simulator.account, **more)

        checked.simulator, checked.clock, checked.url = simulator, clock, url
        checked.change = change
        yield checked
