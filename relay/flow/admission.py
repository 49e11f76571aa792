"""Room for contents, reserved before a client is asked for its message.

Memory: a message needs its own size again while it is encoded for SES, so a reservation is charged
twice its octets. Queue and disk: while there is no room to keep another message, none is asked for.
Nobody ever waits for room while holding some: there is room now, or the client comes back later
(452), so that many clients slow down instead of the relay dying.

Room is for those who use it. Whoever announces 40 MB and drips would shut others out for hours, so
a content that comes too slowly yields its room as soon as another message needs it: what came of
it is dropped, the rest is read, and the client hears 452 at its end. While nobody else needs the
room, a slow line has all the time it wants.
Errors: none.
"""

from collections.abc import Callable

from relay.model import replies
from relay.model.clock import Clock
from relay.model.ports import Withdraw
from relay.model.reply import Reply

# What a message of unknown size is charged at first; more is asked for as it grows.
FIRST_OCTETS = 64 * 1024

# Share of the memory for contents that is the queue's alone, so that clients cannot starve it.
QUEUE_SHARE = 0.25

# A content is slow when it comes with less than a megabit a second, its first moment aside.
PACE = 128 * 1024  # octets a second
FIRST_MOMENT = 5.0  # seconds

# Whoever breaks off before half of what was announced has come is slow at once for this long, and
# takes nobody's room. Otherwise one could come again and again, each time for a first moment.
REMEMBERED = 300.0  # seconds

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

    def __init__(self, limit: int, clock: Clock, queue_full: Fullness = lambda: None) -> None:
        self.limit = limit
        self.taken = 0
        self._clock = clock
        self._queue_full = queue_full
        self._arriving: set[Reservation] = set()
        self._wasteful: dict[str, float] = {}  # who → until when, in monotonic seconds

    @property
    def full(self) -> str | None:
        """What the next message would be sent away for, in the operator's words; None: nothing."""
        lacking = self.taken + 2 * FIRST_OCTETS - self.limit
        if lacking > 0 and lacking > sum(slow.charge for slow in self._slow()):
            return "no memory for more messages (limits.octets_in_flight)"
        return self._queue_full()

    def reserve(self, octets: int, who: str, withdraw: Withdraw) -> "Reservation | Reply":
        """Take room for a message of that size, or say why there is none now.

        `who` is the user or client that asked; `withdraw` is called if the room must be given to
        others before the content has come.
        """
        if self._queue_full() is not None:
            return replies.NO_ROOM
        reservation = Reservation(self, who, withdraw, self._clock.monotonic())
        refused = reservation.grow(octets)
        if refused is None:
            self._arriving.add(reservation)
        return refused or reservation

    def take(self, more: int, asking: "Reservation") -> Reply | None:
        """Charge `more` octets, if need be out of the room of slow contents. None: done."""
        lacking = self.taken + more - self.limit
        if lacking > 0:
            yielding = [slow for slow in self._slow() if slow is not asking]
            room = sum(slow.charge for slow in yielding)
            if lacking > room or self._remembered(asking, self._clock.monotonic()):
                return replies.NO_ROOM
            for slow in sorted(yielding, key=lambda slow: slow.charge, reverse=True):
                if self.taken + more > self.limit:
                    slow.yield_room()
        self.taken += more
        return None

    def give_back(self, reservation: "Reservation") -> None:
        """Uncharge a reservation, and remember who made it in vain."""
        self.taken -= reservation.charge
        if reservation in self._arriving:
            self._arriving.discard(reservation)
            if reservation.wasted:
                now = self._clock.monotonic()
                kept = {who: until for who, until in self._wasteful.items() if until > now}
                self._wasteful = {**kept, reservation.who: now + REMEMBERED}

    def arrived(self, reservation: "Reservation") -> None:
        """Learn that a content has come in full: nobody can take its room any more."""
        self._arriving.discard(reservation)

    def _slow(self) -> "list[Reservation]":
        now = self._clock.monotonic()
        return [
            reservation
            for reservation in self._arriving
            if reservation.slow(now) or self._remembered(reservation, now)
        ]

    def _remembered(self, reservation: "Reservation", now: float) -> bool:
        return self._wasteful.get(reservation.who, now) > now


class Reservation:
    """The room of one message, until it is given back."""

    __slots__ = ("_admission", "_came", "_octets", "_since", "_withdraw", "who")

    def __init__(self, admission: Admission, who: str, withdraw: Withdraw, since: float) -> None:
        self.who = who
        self._admission = admission
        self._withdraw = withdraw
        self._since = since
        self._octets = 0
        self._came = 0

    @property
    def charge(self) -> int:
        """Octets of memory this stands for."""
        return 2 * self._octets

    @property
    def wasted(self) -> bool:
        """Whether less than half of what was asked for has come, of a message that is not small."""
        return self._octets > max(2 * self._came, FIRST_OCTETS)

    def slow(self, now: float) -> bool:
        """Say if the content comes slower than others can be asked to wait for."""
        return (now - self._since - FIRST_MOMENT) * PACE > self._came

    def grow(self, octets: int) -> Reply | None:
        """Make it room for `octets` in all; never shrinks. None: done."""
        if octets > self._octets:
            refused = self._admission.take(2 * (octets - self._octets), self)
            if refused is not None:
                return refused
            self._octets = octets
        return None

    def came(self, octets: int) -> Reply | None:
        """Note how much of the content has come, and make room for it. None: done."""
        self._came = octets
        return self.grow(octets)

    def arrived(self) -> None:
        """Note that the content has come in full."""
        self._admission.arrived(self)

    def yield_room(self) -> None:
        """Give the room to others, and what came of the content up."""
        self.release()
        self._withdraw(replies.ROOM_YIELDED)

    def release(self) -> None:
        """Give everything back; doing so again changes nothing."""
        self._admission.give_back(self)
        self._octets = 0
