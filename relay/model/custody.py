"""What a store says about the messages in its care, and what an operator asks of it.

Errors: none; what can fail in a store is a value of `relay.model.ports`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from relay.model.entry import Held, QueueEntry, RequestState
from relay.model.outcome import Scope
from relay.model.settings import AddressPattern, Lane


class EntryState(StrEnum):
    """Where an entry stands, as `queue list --state` and the metrics name it."""

    WAITING = "waiting"
    LEASED = "leased"  # claimed: an attempt is under way, or its claimant has died
    HELD = "held"
    CORRUPT = "corrupt"  # set aside: it cannot be read any more

    @classmethod
    def of(cls, entry: QueueEntry, now: datetime) -> Self:
        """Say where an entry stands; a lease or a hold that has ended counts no more."""
        if entry.lease_until is not None and entry.lease_until > now:
            return cls("leased")
        if entry.held is not None and (entry.held.until is None or entry.held.until > now):
            return cls("held")
        return cls("waiting")


def no_route(name: str) -> str:
    """Say why mail of a route that is not configured stays where it is."""
    return f"route {name} is not in the configuration"


def why(entry: QueueEntry, state: EntryState, routes: Collection[str]) -> str:
    """Say what an entry waits for: its hold, its route, what stopped it, or the last refusal.

    `routes`: those of the configuration.
    """
    if state is EntryState.HELD and entry.held is not None:
        return entry.held.reason
    if entry.message.route not in routes:
        return no_route(entry.message.route)
    last = next((str(one.reply) for one in entry.open_requests if one.reply is not None), "")
    if entry.waits_for is not None:
        return f"{entry.waits_for} was held: {last}" if last else f"{entry.waits_for} was held"
    unknown = any(one.state is RequestState.UNKNOWN for one in entry.open_requests)
    return last or ("an answer of SES was lost" if unknown else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which entries an operator means; every condition given must hold, none means all."""

    ids: frozenset[str] = frozenset()  # empty: any
    user: str | None = None
    route: str | None = None
    sender: AddressPattern | None = None  # `<>` fits the null reverse-path
    recipient: AddressPattern | None = None  # one fitting recipient is enough
    state: EntryState | None = None
    received_before: datetime | None = None
    due_after: datetime | None = None  # waiting, neither held nor leased, until later than this


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What an operator's word did. Leased entries are left alone: their attempt is under way."""

    ids: tuple[str, ...]
    leased: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueUsage:
    """How full the queue is, for admission."""

    messages: int
    octets: int
    corrupt: int = 0  # entries set aside since ever; they count in neither of the others


# Lower bounds, in seconds, of the age columns of `queue summary`.
AGE_BANDS = (0, 300, 3_600, 21_600, 86_400, 345_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCount:
    """One cell of `queue summary`: age by state by user."""

    user: str
    lane: Lane | None  # None: corrupt, so nobody can tell
    state: EntryState
    age: int  # seconds; one of AGE_BANDS
    messages: int
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeHold:
    """A whole scope stopped by an operator or by the reputation breaker."""

    scope: Scope
    held: Held
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEvent:
    """One event of a message's life, as it was noted."""

    event: str
    at: datetime
    facts: Mapping[str, object]
