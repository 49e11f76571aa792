"""An SES account as the scheduler meets it: a bucket in recipients, a quota, and a network.

Deliberately not the scheduler's own arithmetic: SES's bucket holds one second of MaxSendRate, and
a request is admitted while any credit is left (SES Developer Guide, manage-sending-quotas).
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from fakes import FakeClock

from relay.model.account import AccountState
from relay.model.outcome import Cause, Deferred, Outcome, Relayed, Scope, ScopeKind
from relay.model.ports import Granted, QueueKey
from relay.model.reply import Reply
from relay.model.settings import Lane, Route
from relay.scheduler import FairScheduler, Notice

ROUTE = Scope(ScopeKind.ROUTE, "default")
THROTTLED = Reply(451, "4.4.5", "Maximum sending rate exceeded")
TROUBLE = Reply(451, "4.3.0", "Trouble")


def key(user: str = "app", lane: Lane = Lane.TRANSACTIONAL, route: str = "default") -> QueueKey:
    return QueueKey(route, lane, user)


def scopes(key: QueueKey, *more: Scope) -> tuple[Scope, ...]:
    return (Scope(ScopeKind.ROUTE, key.route), Scope(ScopeKind.USER, key.user), *more)


def state(rate: float = 50.0, daily: float = -1, sent: float = 0, **more: object) -> AccountState:
    return AccountState(
        **{
            "max_send_rate": rate,
            "max_24_hour_send": daily,
            "sent_last_24_hours": sent,
            "sending_enabled": True,
            "enforcement": "HEALTHY",
            "sandbox": False,
            **more,
        }
    )


def deferred(cause: Cause, scope: Scope = ROUTE, reply: Reply = TROUBLE) -> Deferred:
    return Deferred(cause=cause, scope=scope, reply=reply)


def relayed() -> Relayed:
    return Relayed(ses_message_id="0100")


@dataclass
class SesAccount:
    """Admits requests as SES does, and remembers when."""

    clock: FakeClock
    rate: float = 50.0
    latency: Callable[[], float] = lambda: 0.05
    credit: float = field(init=False)
    counts: Counter = field(default_factory=Counter)
    sent: list[tuple[float, Granted]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.credit = self.rate
        self.at = self.clock.monotonic()

    def admit(self, granted: Granted) -> Outcome:
        now = self.clock.monotonic()
        self.credit = min(self.rate, self.credit + (now - self.at) * self.rate)
        self.at = now
        if self.credit <= 0:
            self.counts["throttled"] += 1
            return deferred(Cause.RATE, ROUTE, THROTTLED)
        self.credit -= granted.recipients
        self.counts["relayed"] += 1
        self.sent.append((now, granted))
        return relayed()

    async def send(self, granted: Granted) -> Outcome:
        await asyncio.sleep(self.latency() / 2)
        outcome = self.admit(granted)
        await asyncio.sleep(self.latency() / 2)
        return outcome


def scheduler(clock: FakeClock, notices: list[Notice] | None = None, **route: object):
    told = [] if notices is None else notices
    fair = FairScheduler(clock, told.append)
    fair.configure({"default": Route(region="eu-west-1", **route)}, in_flight=128)
    return fair
