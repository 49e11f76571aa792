"""Holds the user whose mail endangers the account, and warns before.

A user above the threshold is held for a day, or until an operator lets go. Mail up to then is no
reason to hold the same user again. Before anybody is held, the store is asked for what other relays
sent, the events of whose mail may all have come here, and for whom they have held.

SES facts (SES Developer Guide, faqs-enforcement): only hard bounces count; a rate is taken over a
representative volume of mail, not over a time; an account is reviewed at 5 % bounces or 0.1 %
complaints and may be paused at 10 % or 0.5 %.
Errors: a store that cannot be written is told once until it can be again; what was counted stays in
memory meanwhile.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from relay.feedback.ledger import Ledger
from relay.feedback.origin import Origin
from relay.model.clock import Clock
from relay.model.custody import ScopeHold
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import (
    TALLIES_KEPT,
    TALLY_SLOT,
    Holds,
    StoreFault,
    Subject,
    Tallies,
    Tally,
    slot_of,
)
from relay.model.reputation import Count, Day, Grade, Kind, Record, Share
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
        return {(user,): self.ledger.of(Subject.USER, user).recent().ratio(kind) for user in users}

    def records(self) -> Sequence[Record]:
        """Give what is known of each user, for the dashboard."""
        return [self.record(user) for user in self.ledger.names(Subject.USER)]

    def record(self, user: str) -> Record:
        """Give what is known of one user; nothing, where nothing is."""
        slots = self.ledger.of(Subject.USER, user)
        judged = slots.recent()
        return Record(
            user=user,
            day=slots.day(self.clock.now()),
            judged=judged,
            since=slots.since,
            shares=tuple(share_of(kind, judged, self.rules()) for kind in Kind),
        )

    def days(self, user: str) -> Sequence[Day]:
        """Give a user's mail day by day, the oldest first; days without mail are left out."""
        days: dict[date, Count] = {}
        for slot, count in self.ledger.of(Subject.USER, user).all():
            days[slot.date()] = days.get(slot.date(), Count()) + count
        return [Day(day, count) for day, count in days.items()]

    async def _judge(self, user: str) -> None:
        rules = self.rules()
        slots = self.ledger.of(Subject.USER, user)
        async with self._judging:
            recent = slots.recent()
            last_held = self.ledger.of(Subject.HELD, user).newest
            since = slots.recent(after=last_held)
            for kind in Kind:
                self._warn(user, share_of(kind, recent, rules))
                if share_of(kind, since, rules).grade is Grade.HOLD:
                    begin = slots.since or slot_of(self.clock.now())
                    if last_held is not None:
                        begin = max(begin, last_held + TALLY_SLOT)
                    await self._hold(user, kind, begin)

    def _warn(self, user: str, share: Share) -> None:
        """Warn once each time that the ratio passes the threshold."""
        warned = (user, share.kind)
        above = share.grade in (Grade.WARN, Grade.HOLD)
        if share.warn is None or share.ratio < share.warn or not above:
            self._warned.discard(warned)
        elif warned not in self._warned:
            self._warned.add(warned)
            self.telemetry.reputation.warned(_standing(user, share, share.warn))

    async def _hold(self, user: str, kind: Kind, begin: datetime) -> None:
        """Hold a user, if all relays of the store together have seen too much since then."""
        now, scope = self.clock.now(), Scope(ScopeKind.USER, user)
        standing = await self.holds.holds(now)
        if isinstance(standing, StoreFault):
            self._tell(standing)
            return
        if any(hold.scope == scope for hold in standing):
            return
        share = await self._share_of_all(user, kind, begin)
        if share is None or share.grade is not Grade.HOLD or share.hold is None:
            return
        threshold = share.hold
        reason = (
            f"{share.kind} ratio {share.ratio:.2%} over {share.relayed} recipients, "
            f"reputation.{share.kind}.hold is {threshold:.2%}"
        )
        held = Held(reason=reason, until=now + HOLD)
        page = Tally(subject=Subject.HELD, name=user, slot=slot_of(now))
        fault = await self.holds.hold(ScopeHold(scope=scope, held=held, since=now))
        self._tell(fault)
        if fault is None:
            self.ledger.add(page)
            self.ledger.keep(page)
            self.telemetry.reputation.held(_standing(user, share, threshold))

    async def _share_of_all(self, user: str, kind: Kind, begin: datetime) -> Share | None:
        """Ask the store, which has what other relays sent; None: it cannot say."""
        await self.save()
        while held := await self._sum_of_all(Subject.HELD, user, begin):
            if isinstance(held, StoreFault):
                return None
            begin = held.slot + TALLY_SLOT
        sent = await self._sum_of_all(Subject.USER, user, begin)
        if isinstance(sent, StoreFault) or sent is None:
            return None
        count = Count(sent.relayed, sent.bounced, sent.complained)
        return share_of(kind, count, self.rules())

    async def _sum_of_all(
        self, subject: Subject, name: str, begin: datetime
    ) -> Tally | StoreFault | None:
        found = await self.store.summed(subject, begin)
        if isinstance(found, StoreFault):
            self._tell(found)
            return found
        return next((one for one in found if one.name == name), None)

    def _tell(self, fault: StoreFault | None) -> None:
        if fault is not None and fault != self._fault:
            self.telemetry.store.fault("reputation", fault.reason)
        self._fault = fault


def share_of(kind: Kind, count: Count, rules: Rules) -> Share:
    """Hold what came back against the thresholds; too little mail means nothing."""
    thresholds = rules.bounce if kind is Kind.BOUNCE else rules.complaint
    warn, hold = _limit(thresholds.warn), _limit(thresholds.hold)
    least = rules.minimum_complaints if kind is Kind.COMPLAINT else 0
    ratio, came_back = count.ratio(kind), count.came_back(kind)
    if hold is not None and ratio >= hold:
        grade = Grade.HOLD
    elif warn is not None and ratio >= warn:
        grade = Grade.WARN
    else:
        grade = Grade.GOOD
    if count.relayed < rules.minimum_volume or (grade is not Grade.GOOD and came_back < least):
        grade = Grade.UNKNOWN
    return Share(
        kind=kind, came_back=came_back, relayed=count.relayed, warn=warn, hold=hold, grade=grade
    )


def _limit(threshold: float | Off) -> float | None:
    return None if isinstance(threshold, Off) else threshold


def _standing(user: str, share: Share, threshold: float) -> Standing:
    return Standing(
        user=user,
        kind=share.kind.value,
        ratio=share.ratio,
        threshold=threshold,
        messages=share.relayed,
    )
