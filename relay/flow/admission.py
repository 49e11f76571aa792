"""Room for contents, reserved before a client is asked for its message.

Memory: a message needs its own size again while it is encoded for SES, so a reservation is charged
twice its octets. Queue and disk: while there is no room to keep another message, none is asked for.
Nobody ever waits for room while holding some: there is room now, or the client comes back later
(452), so that many clients slow down instead of the relay dying.
Errors: none.
"""

from collections.abc import Callable

from relay.model import replies
from relay.model.reply import Reply

# What a message of unknown size is charged at first; more is asked for as it grows.
FIRST_OCTETS = 64 * 1024

# Share of the memory for contents that is the queue's alone, so that clients cannot starve it.
QUEUE_SHARE = 0.25

# Says what of the queue is full, in the operator's words; None: there is room.
Fullness = Callable[[], str | None]


def for_clients(octets_in_flight: int) -> int:
    """Give the part of `limits.octets_in_flight` that clients may fill."""
    return octets_in_flight - int(octets_in_flight * QUEUE_SHARE)


def largest(octets_in_flight: int) -> int:
    """Give the octets of a message that finds room when nothing else is in work."""
    return for_clients(octets_in_flight) // 2


class Admission:
    """Counts the octets that are in work, and asks whether the queue has room."""

    def __init__(self, limit: int, queue_full: Fullness = lambda: None) -> None:
        self.limit = limit
        self.taken = 0
        self._queue_full = queue_full

    @property
    def full(self) -> str | None:
        """What the next message would be sent away for, in the operator's words; None: nothing."""
        if self.taken + 2 * FIRST_OCTETS > self.limit:
            return "no memory for more messages (limits.octets_in_flight)"
        return self._queue_full()

    def reserve(self, octets: int) -> "Reservation | Reply":
        """Take room for a message of that size, or say why there is none now."""
        if self._queue_full() is not None:
            return replies.NO_ROOM
        reservation = Reservation(self)
        return reservation.grow(octets) or reservation


class Reservation:
    """The room of one message, until it is given back."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._octets = 0

    def grow(self, octets: int) -> Reply | None:
        """Make it room for `octets` in all; never shrinks. None: done."""
        more = 2 * max(octets - self._octets, 0)
        if self._admission.taken + more > self._admission.limit:
            return replies.NO_ROOM
        self._admission.taken += more
        self._octets = max(octets, self._octets)
        return None

    def release(self) -> None:
        """Give everything back; doing so again changes nothing."""
        self._admission.taken -= 2 * self._octets
        self._octets = 0
