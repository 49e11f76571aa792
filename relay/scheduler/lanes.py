"""Who waits for a turn on one route, and who of them is next.

Transactional mail goes before bulk mail, which still gets a tenth of what both get. Within a lane
the users take turns by recipients, not by requests: each key has a virtual time that its
recipients move on, and the key that is behind goes next (start-time fair queueing). A user who
comes new is behind nobody and goes next, however much another one has waiting. Within a key the
order is that of coming.

Errors: none.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace

from relay.model.outcome import Deferred, Scope
from relay.model.ports import Granted, QueueKey
from relay.model.settings import Lane

BULK_PER_URGENT = 1 / 9  # recipients of bulk mail per recipient of transactional mail


@dataclass(slots=True, eq=False, kw_only=True)
class Waiter:
    """One request that waits. `deadline` None: it is kept mail and does not give up."""

    key: QueueKey
    scopes: tuple[Scope, ...]
    recipients: int
    deadline: float | None
    answer: asyncio.Future[Granted | Deferred]
    waiting: bool = True  # False: served or sent away


@dataclass(slots=True)
class Line:
    """The waiters of one key, in the order of coming."""

    waiters: OrderedDict[Waiter, None] = field(default_factory=OrderedDict)
    recipients: int = 0  # the sum over the waiters
    served: float = 0.0  # virtual time: recipients that had their turn
    queued: bool = False  # has a place in the lane's heap

    def first(self) -> Waiter:
        """Give the oldest waiter of a line that has one."""
        return next(iter(self.waiters))


class Users:
    """The waiting users of one lane."""

    def __init__(self) -> None:
        self._lines: dict[QueueKey, Line] = {}
        self._heap: list[tuple[float, int, Line]] = []
        self._now = 0.0  # virtual time of the line that was served last
        self._number = 0  # breaks ties in the order of coming
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def all(self) -> Iterator[Waiter]:
        """Give everybody who waits, key by key."""
        for line in self._lines.values():
            yield from line.waiters

    def line(self, key: QueueKey) -> Line | None:
        """Give the line of a key if anybody waits there."""
        return self._lines.get(key)

    def add(self, waiter: Waiter) -> None:
        """Put a waiter at the end of its key's line."""
        line = self._lines.get(waiter.key)
        if line is None:
            line = self._lines[waiter.key] = Line()
        line.waiters[waiter] = None
        line.recipients += waiter.recipients
        self._count += 1
        if not line.queued:
            line.served = max(line.served, self._now)
            self._queue(line)

    def remove(self, waiter: Waiter) -> None:
        """Take a waiter out, wherever it stands; nothing is charged."""
        line = self._lines[waiter.key]
        del line.waiters[waiter]
        waiter.waiting = False
        line.recipients -= waiter.recipients
        self._count -= 1
        if not self._count:
            # Nobody is left to be fair to. This also bounds what is remembered of past users.
            self._lines.clear()
            self._heap.clear()
            self._now = 0.0

    def next(self) -> Waiter | None:
        """Give the waiter whose turn it is."""
        while self._heap:
            line = self._heap[0][2]
            if line.waiters:
                return line.first()
            heappop(self._heap)
            line.queued = False
        return None

    def serve(self, waiter: Waiter) -> None:
        """Take out what `next` gave, and charge its key for it."""
        line = self._heap[0][2]
        self._now = line.served
        line.served += waiter.recipients
        self._number += 1
        heapreplace(self._heap, (line.served, self._number, line))
        self.remove(waiter)

    def _queue(self, line: Line) -> None:
        line.queued = True
        self._number += 1
        heappush(self._heap, (line.served, self._number, line))


class Lanes:
    """Everybody who waits on one route."""

    def __init__(self) -> None:
        self._users = {Lane.TRANSACTIONAL: Users(), Lane.BULK: Users()}
        self._owed = 0.0  # recipients of bulk mail that stood back for transactional mail

    def __len__(self) -> int:
        return sum(map(len, self._users.values()))

    def waiting(self) -> Mapping[Lane, int]:
        """Count the requests that wait."""
        return {lane: len(users) for lane, users in self._users.items()}

    def all(self) -> Iterator[Waiter]:
        """Give everybody who waits, key by key."""
        for users in self._users.values():
            yield from users.all()

    def line(self, key: QueueKey) -> Line | None:
        """Give the line of a key if anybody waits there."""
        return self._users[key.lane].line(key)

    def add(self, waiter: Waiter) -> None:
        """Put a waiter at the end of its key's line."""
        self._users[waiter.key.lane].add(waiter)

    def remove(self, waiter: Waiter) -> None:
        """Take a waiter out, wherever it stands; nothing is charged."""
        self._users[waiter.key.lane].remove(waiter)

    def next(self) -> Waiter | None:
        """Give the waiter whose turn it is."""
        urgent = self._users[Lane.TRANSACTIONAL].next()
        bulk = self._users[Lane.BULK].next()
        if urgent is None or bulk is None:
            self._owed = 0.0
            return urgent or bulk
        return bulk if self._owed >= bulk.recipients else urgent

    def serve(self, waiter: Waiter) -> None:
        """Take out what `next` gave, and charge its lane and key for it."""
        if waiter.key.lane is Lane.BULK:
            self._owed = max(0.0, self._owed - waiter.recipients)
        elif self._users[Lane.BULK]:
            self._owed += waiter.recipients * BULK_PER_URGENT
        self._users[waiter.key.lane].serve(waiter)
