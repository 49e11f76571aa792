"""The counts of one subject by the time that mail was sent, and the sums that are asked for often.

A month has 4,320 slots. The metrics ask for every user's newest mail at each scrape, so that these
sums are kept as the counts come, and not made anew.

Errors: none.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator
from datetime import datetime, timedelta

from relay.model.ports import TALLIES_KEPT
from relay.model.reputation import Count

# How much mail a ratio looks back on: enough for 0.1 % to be ten complaints.
REPRESENTATIVE = 10_000  # recipients
DAY = timedelta(days=1)


class _Newest:
    """The sum of the newest slots; it only ever lets go of the oldest."""

    __slots__ = ("_gone", "bounced", "complained", "first", "messages", "relayed", "simulated")

    def __init__(self) -> None:
        self.first = 0  # place of the oldest slot in the sum
        self.relayed = self.bounced = self.complained = self.messages = self.simulated = 0
        self._gone: datetime | None = None  # the newest slot that was let go

    def insert(self, slot: datetime) -> None:
        """Learn of a slot that is new."""
        if not self._holds(slot):
            self.first += 1

    def add(self, slot: datetime, count: Count) -> None:
        """Add what came to a slot, if it is in the sum."""
        if self._holds(slot):
            self.relayed += count.relayed
            self.bounced += count.bounced
            self.complained += count.complained
            self.messages += count.messages
            self.simulated += count.simulated

    def let_go(self, slot: datetime, count: Count) -> None:
        """Take the oldest slot out."""
        self.relayed -= count.relayed
        self.bounced -= count.bounced
        self.complained -= count.complained
        self.messages -= count.messages
        self.simulated -= count.simulated
        self.first += 1
        self._gone = slot

    def count(self) -> Count:
        """Give the sum."""
        return Count(self.relayed, self.bounced, self.complained, self.messages, self.simulated)

    def _holds(self, slot: datetime) -> bool:
        return self._gone is None or slot > self._gone


class Slots:
    """All that is counted for one subject."""

    def __init__(self) -> None:
        self._counts: dict[datetime, Count] = {}
        self._order: list[datetime] = []
        self._recent, self._day = _Newest(), _Newest()

    @property
    def newest(self) -> datetime | None:
        """The newest slot."""
        return self._order[-1] if self._order else None

    @property
    def since(self) -> datetime | None:
        """The slot that the representative mail begins with."""
        return self._order[self._recent.first] if self._order else None

    def add(self, slot: datetime, count: Count) -> None:
        """Add to a slot, and let go of slots that are too old."""
        known = self._counts.get(slot)
        self._counts[slot] = count if known is None else known + count
        if known is None:
            insort(self._order, slot)
        for window in (self._recent, self._day):
            if known is None:
                window.insert(slot)
            window.add(slot, count)
        recent = self._recent
        while recent.relayed - self._oldest_of(recent)[1].relayed >= REPRESENTATIVE:
            recent.let_go(*self._oldest_of(recent))
        if known is None:
            self._forget(self._order[-1] - TALLIES_KEPT)

    def recent(self, after: datetime | None = None) -> Count:
        """Sum up the newest representative mail, of slots beyond `after` alone."""
        if after is None:
            return self._recent.count()
        total = Count()
        for slot in self._order[max(self._recent.first, bisect_right(self._order, after)) :]:
            total += self._counts[slot]
        return total

    def day(self, now: datetime) -> Count:
        """Sum up the last 24 hours, by whole slots."""
        day = self._day
        while day.first < len(self._order) and self._order[day.first] <= now - DAY:
            day.let_go(*self._oldest_of(day))
        return day.count()

    def all(self) -> Iterator[tuple[datetime, Count]]:
        """Give every slot, the oldest first."""
        return ((slot, self._counts[slot]) for slot in self._order)

    def _oldest_of(self, window: _Newest) -> tuple[datetime, Count]:
        slot = self._order[window.first]
        return slot, self._counts[slot]

    def _forget(self, before: datetime) -> None:
        while (oldest := self._order[0]) < before:
            for window in (self._recent, self._day):
                if window.first == 0:
                    window.let_go(oldest, self._counts[oldest])
                window.first -= 1
            del self._counts[self._order.pop(0)]
