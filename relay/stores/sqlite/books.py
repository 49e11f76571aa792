"""What the owner of a slot remembers beside the file: how full it is, and the leases it gave.

All but `usage` and `prolong` belongs to the writer's thread. Nothing is booked before the commit it
belongs to.

Errors: none.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from relay.model.clock import Clock
from relay.model.custody import QueueUsage
from relay.model.entry import QueueEntry
from relay.model.ports import Corrupt, QueueKey
from relay.stores.sqlite import counts, rows
from relay.stores.sqlite.bodies import Bodies
from relay.stores.sqlite.rows import NewRow, Place


@dataclass(slots=True)
class Done:
    """What one piece of work has changed, to be booked once it is committed."""

    open_keys: Collection[QueueKey]  # those that the file is known to count
    messages: int = 0
    octets: int = 0
    corrupt: int = 0
    files: list[str] = field(default_factory=list)  # no row names them any more
    leases: dict[str, datetime | None] = field(default_factory=dict)  # None: there is none now
    opened: list[QueueKey] = field(default_factory=list)

    def insert(self, connection: sqlite3.Connection, new: list[NewRow]) -> None:
        """Add entries."""
        for row in new:
            if row.key not in self.open_keys and row.key not in self.opened:
                counts.open_key(connection, row.key)
                self.opened.append(row.key)
        rows.insert(connection, new)
        self.messages += len(new)
        self.octets += sum(row.entry.message.size for row in new)
        self.leases |= {row.entry.id: row.entry.lease_until for row in new if row.entry.lease_until}

    def replace(self, connection: sqlite3.Connection, before: int, entry: QueueEntry) -> bool:
        """Put another state in the place of version `before`, or take the entry out at its end.

        False: there is no such version.
        """
        if entry.open_requests:
            if not rows.rewrite(connection, before, entry):
                return False
            self.leases[entry.id] = entry.lease_until
            return True
        gone = rows.remove(connection, entry.id, before)
        if gone is None:
            return False
        self.messages -= 1
        self.octets -= gone.octets
        self.leases[entry.id] = None
        if gone.file is not None:
            self.files.append(gone.file)
        return True

    def set_aside(
        self, connection: sqlite3.Connection, place: Place, damage: Corrupt, now: datetime
    ) -> None:
        """Move a damaged entry to where nobody claims it."""
        size = rows.set_aside(connection, place, damage, now)
        self.messages -= 1
        self.octets -= size
        self.corrupt += 1
        self.leases[damage.id] = None


class Books:
    """The owner's memory of its slot."""

    def __init__(self, bodies: Bodies, clock: Clock) -> None:
        self.usage = QueueUsage(messages=0, octets=0)
        self._bodies = bodies
        self._clock = clock
        self._leases: dict[str, float] = {}  # id → end on the monotonic clock
        self._left_behind: list[str] = []  # files that could not be removed yet
        self._open_keys: set[QueueKey] = set()

    def begin(self) -> Done:
        """Open the account of one piece of work."""
        return Done(self._open_keys)

    def count(self, connection: sqlite3.Connection) -> None:
        """Take the counts from the file, where somebody else may have changed it."""
        messages, octets, corrupt = counts.usage(connection)
        self._open_keys.clear()
        self.usage = QueueUsage(messages=messages, octets=octets, corrupt=corrupt)

    def sweep(self, connection: sqlite3.Connection) -> None:
        """Remove the bodies that no row names. Raises OSError."""
        self._left_behind = self._bodies.discard(self._bodies.orphans(connection))

    def still_leased(self, queue_id: str) -> float:
        """Say how many seconds a lease given by this process still has; none: 0 or less."""
        return self._leases.get(queue_id, 0.0) - self._clock.monotonic()

    def prolong(self, queue_id: str, seconds: float) -> None:
        """Keep an entry from being claimed a while longer: what became of it is not recorded yet.

        However long the disk is full, an outcome that is known must not be lost to a new claim.
        """
        end = self._clock.monotonic() + seconds
        self._leases[queue_id] = max(self._leases.get(queue_id, end), end)

    def settle(self, done: Done) -> None:
        """Book what is committed now, and remove the files without a row."""
        usage = self.usage
        self.usage = QueueUsage(
            messages=usage.messages + done.messages,
            octets=usage.octets + done.octets,
            corrupt=usage.corrupt + done.corrupt,
        )
        self._open_keys.update(done.opened)
        for queue_id, until in done.leases.items():
            if until is None:
                self._leases.pop(queue_id, None)
            else:
                length = (until - self._clock.now()).total_seconds()
                self._leases[queue_id] = self._clock.monotonic() + length
        if done.files:
            self._left_behind = self._bodies.discard([*self._left_behind, *done.files])
