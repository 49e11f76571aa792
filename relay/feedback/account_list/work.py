"""What the parts of a pass share: the list, its mirror, what was done so far, and why it ended.

Errors: none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from relay.model.clock import Clock
from relay.model.ports import AccountListAtSes, Mirrors, StoreFault, Suppressed
from relay.model.unanswered import Unanswered, Why


@dataclass(slots=True, kw_only=True)
class Counts:
    """What was done, in addresses."""

    read: int = 0  # on the account's list, or changed there
    added: int = 0  # to ours, because they are on the account's
    removed: int = 0  # from ours, because they are not any more
    put: int = 0
    deleted: int = 0
    refused: int = 0  # by SES, as no addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why not all of it was done."""

    says: str
    fix: str

    def __str__(self) -> str:
        """Write it in one line."""
        return f"{self.says}; {self.fix}"


class Enough(Enum):
    """There is more to do than one pass does."""

    FOR_NOW = "enough for now"


Halt = StoreFault | Trouble | Enough


class Told(Protocol):
    """Hears of each change of our list."""

    def added(self, entry: Suppressed) -> None:
        """Hear of an address that gets no mail any more."""
        ...

    def removed(self, address: str) -> None:
        """Hear of an address that gets mail again."""
        ...


@dataclass(slots=True, kw_only=True)
class Work:
    """One pass over one list."""

    name: str  # whose list
    there: AccountListAtSes
    mirrors: Mirrors
    told: Told
    clock: Clock
    shown: Callable[[Counts], None]  # hears how far it is
    most: float  # addresses that are written or asked after
    counts: Counts = field(default_factory=Counts)
    _asked_after: int = 0

    def one_more(self) -> Enough | None:
        """Count one address that is written or asked after, unless that is enough for now."""
        if self._asked_after >= self.most:
            return Enough.FOR_NOW
        self._asked_after += 1
        self.shown(self.counts)
        return None


_FIXES = {
    Why.CREDENTIALS: "give the route credentials that AWS takes",
    Why.THROTTLED: "others of the account ask SES too much; it is asked again by itself",
}


def trouble_with(operation: str, said: Unanswered) -> Trouble:
    """Say what AWS did not answer, and what to do."""
    action = f"{'sts' if operation == 'GetCallerIdentity' else 'ses'}:{operation}"
    fix = f"allow {action}" if said.why is Why.DENIED else _FIXES.get(said.why)
    return Trouble(says=f"{operation}: {said.detail}", fix=fix or "it is asked again by itself")
