"""Holds the user whose mail endangers the account, and warns before.

A user above the threshold is held for a day, or until an operator lets go. Mail up to then is no
reason to hold the same user again.

SES facts (SES Developer Guide, faqs-enforcement): only hard bounces count; a rate is taken over a
representative volume of mail, not over a time; an account is reviewed at 5 % bounces or 0.1 %
complaints and may be paused at 10 % or 0.5 %.
Errors: a store that cannot be written is told once until it can be again; what was counted stays in
memory meanwhile.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from relay.feedback.ledger import Count, Kind, Ledger
from relay.feedback.origin import Origin
from relay.model.clock import Clock
from relay.model.custody import ScopeHold
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import (
    TALLIES_KEPT,
    Holds,
    StoreFault,
    Subject,
    Tallies,
    Tally,
    slot_of,
)
from relay.model.settings import Off
from relay.model.settings import Reputation as Rules
from relay.telemetry import Standing, Telemetry

HOLD = timedelta(days=1)
SAVE = 10.0  # seconds between two times that counts are saved


@dataclass(slots=True, kw_only=True)
class Reputation:
    """Judges users; implements `relay.feedback.learn.Score`."""

    ledger: Ledger
    store: Tallies
    holds: Holds
    rules: Callable[[], Rules]
    telemetry: Telemetry
    clock: Clock
    _warned: set[tuple[str, Kind]] = field(default_factory=set)
    _fault: StoreFault | None = None
    _judging: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def load(self) -> StoreFault | None:
        """Take up what was counted before the last stop."""
        found = await self.store.tallied(slot_of(self.clock.now() - TALLIES_KEPT))
        if isinstance(found, StoreFault):
            return found
        for tally in found:
            self.ledger.add(tally)
        return None

    async def run(self) -> None:
        """Save and judge for ever."""
        while True:
            await self.clock.sleep(SAVE)
            await self.save()
            for user in self.ledger.names(Subject.USER):
                await self._judge(user)

    async def save(self) -> None:
        """Write down what was sent since the last time."""
        unsaved = self.ledger.unsaved()
        fault = await self.store.add(unsaved) if unsaved else None
        if fault is not None:
            for tally in unsaved:
                self.ledger.keep(tally)
        self._tell(fault)

    def tallies(
        self, origin: Origin, sent_at: datetime, *, bounced: int = 0, complained: int = 0
    ) -> Sequence[Tally]:
        """Say what the store shall add to its counts."""
        return self.ledger.spread(origin, sent_at, Count(bounced=bounced, complained=complained))

    async def count(self, tallies: Sequence[Tally]) -> None:
        """Take in counts that are in the store, and judge whom they are about."""
        for tally in tallies:
            self.ledger.add(tally)
        for tally in tallies:
            if tally.subject is Subject.USER:
                await self._judge(tally.name)

    def ratios(self, kind: Kind) -> Mapping[tuple[str, ...], float]:
        """Give each user's ratio, for the metrics."""
        users = self.ledger.names(Subject.USER)
        return {(user,): self.ledger.recent(Subject.USER, user).ratio(kind) for user in users}

    async def _judge(self, user: str) -> None:
        rules = self.rules()
        async with self._judging:
            for kind, warn, hold in (
                (Kind.BOUNCE, rules.bounce.warn, rules.bounce.hold),
                (Kind.COMPLAINT, rules.complaint.warn, rules.complaint.hold),
            ):
                self._warn(user, kind, warn)
                held_at = self.ledger.newest(Subject.HELD, user)
                since = self.ledger.recent(Subject.USER, user, after=held_at)
                if not isinstance(hold, Off) and self._above(since, kind, hold):
                    await self._hold(user, kind, since, hold)

    def _above(self, count: Count, kind: Kind, threshold: float) -> bool:
        rules = self.rules()
        least = rules.minimum_complaints if kind is Kind.COMPLAINT else 0
        return (
            count.relayed >= rules.minimum_volume
            and count.came_back(kind) >= least
            and count.ratio(kind) >= threshold
        )

    def _warn(self, user: str, kind: Kind, warn: float | Off) -> None:
        """Warn once each time that the ratio passes the threshold."""
        count = self.ledger.recent(Subject.USER, user)
        if isinstance(warn, Off) or not self._above(count, kind, warn):
            self._warned.discard((user, kind))
        elif (user, kind) not in self._warned:
            self._warned.add((user, kind))
            self.telemetry.reputation.warned(_standing(user, kind, count, warn))

    async def _hold(self, user: str, kind: Kind, count: Count, threshold: float) -> None:
        now, scope = self.clock.now(), Scope(ScopeKind.USER, user)
        standing = await self.holds.holds(now)
        if isinstance(standing, StoreFault):
            self._tell(standing)
            return
        if any(hold.scope == scope for hold in standing):
            return
        reason = (
            f"{kind} ratio {count.ratio(kind):.2%} over {count.relayed} recipients, "
            f"reputation.{kind}.hold is {threshold:.2%}"
        )
        held = Held(reason=reason, until=now + HOLD)
        page = Tally(subject=Subject.HELD, name=user, slot=slot_of(now))
        fault = await self.holds.hold(ScopeHold(scope=scope, held=held, since=now))
        self._tell(fault)
        if fault is None:
            self.ledger.add(page)
            self.ledger.keep(page)
            self.telemetry.reputation.held(_standing(user, kind, count, threshold))

    def _tell(self, fault: StoreFault | None) -> None:
        if fault is not None and fault != self._fault:
            self.telemetry.store.fault("reputation", fault.reason)
        self._fault = fault


def _standing(user: str, kind: Kind, count: Count, threshold: float) -> Standing:
    return Standing(
        user=user,
        kind=kind.value,
        ratio=count.ratio(kind),
        threshold=threshold,
        messages=count.relayed,
    )
