"""Room for contents in memory, reserved before a client is asked for its message.

A message needs its own size again while it is encoded for SES, so a reservation is charged twice
its octets. Nobody ever waits for room while holding some: there is room now, or the client comes
back later (452), so that many clients slow down instead of the relay dying.
Errors: none.
"""

from relay.model import replies
from relay.model.reply import Reply

# What a message of unknown size is charged at first; more is asked for as it grows.
FIRST_OCTETS = 64 * 1024


class Admission:
    """Counts the octets that are in work."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    @property
    def full(self) -> bool:
        """Whether the next message would be sent away."""
        return self.taken + 2 * FIRST_OCTETS > self.limit

    def reserve(self, octets: int) -> "Reservation | Reply":
        """Take room for a message of that size, or say why there is none now."""
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
