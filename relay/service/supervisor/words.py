"""What the supervisor and its workers say to each other.

Both are of one program and one start of it: these are Python values on a socket that nobody else
has, and no protocol between versions.

Errors: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from relay.delivery.account import Look
from relay.model.content import Content
from relay.model.ports import NewEntry
from relay.model.settings import Settings
from relay.service.seat import Seat
from relay.service.supervisor.counted import Counted
from relay.telemetry import Report
from relay.web import Readiness

NOTHING = Counted()

# --- The supervisor's ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Be this worker; the sockets of each bind are handed over after the word."""

    seat: Seat
    settings: Settings
    sockets: Mapping[str, int]  # bind → how many
    looks: Mapping[str, Look]  # what is known of the routes' accounts
    adopt: Sequence[int]  # slots whose worker does not start


@dataclass(frozen=True, slots=True)
class Looked:
    """This is what the account of a route may do."""

    route: str
    look: Look


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another worker has counted this."""

    counted: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Accept from these sockets of another worker too, in the place of those named before."""

    number: int
    sockets: Mapping[str, int]  # bind → how many, handed over after the word; none: it is back


@dataclass(frozen=True, slots=True)
class Drain:
    """Take no more, finish what is under way, end."""


@dataclass(frozen=True, slots=True)
class Hurry:
    """End now; what was accepted is in the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver:
    """Go on with these settings. The answer is None, or why that cannot be."""

    settings: Settings
    sockets: Mapping[str, int]  # those of binds that are new


@dataclass(frozen=True, slots=True)
class Adopt:
    """Drain the slot of a worker that does not start. The answer is None, or why not."""

    slot: int


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Let its worker have a slot again. The answer is whether it can."""

    slot: int


@dataclass(frozen=True, slots=True)
class Keep:
    """Put these into the queue. The answer is that of `relay.model.ports.Custody.put`."""

    new: Sequence[NewEntry]

    @classmethod
    def of(cls, new: Sequence[NewEntry]) -> Self:
        """Take new entries; a body that is a view on other octets becomes octets of its own."""
        return cls([_portable(one) for one in new])


Question = TakeOver | Adopt | GiveBack | Keep


@dataclass(frozen=True, slots=True)
class Asked:
    """A word that wants an answer of the same number."""

    number: int
    word: Question


# --- The workers' ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answered:
    """What was asked under this number."""

    number: int
    answer: object


@dataclass(frozen=True, slots=True)
class Up:
    """Its listeners are open."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """It cannot start with these settings."""

    reason: str


Happened = tuple[str, datetime, Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How it stands, and what has happened since the last time."""

    accepts: bool  # connections
    report: Report
    readiness: Readiness
    happened: Sequence[Happened]
    counted: Counted = NOTHING


def _portable(one: NewEntry) -> NewEntry:
    message = replace(one.entry.message, content=_whole(one.entry.message.content))
    return NewEntry(entry=replace(one.entry, message=message), content=_whole(one.content))


def _whole(content: Content) -> Content:
    return Content(content.fields, bytes(content.body))


Order = Begin | Looked | Elsewhere | Cover | Drain | Hurry | Asked
Word = Answered | Up | Unfit | Told
