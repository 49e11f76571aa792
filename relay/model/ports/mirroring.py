"""Feedback → SES and stores: the suppression lists of SES accounts, and what we know of each.

Every account has a list of its own in each Region. The store keeps a mirror of each: what it is
known to hold, since when, and what was taken off it here. A change is what differs from the mirror,
so that nothing we did ourselves comes back to us as news.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from relay.model.ports.keeping import StoreFault
from relay.model.ports.remembering import Suppressed
from relay.model.unanswered import Unanswered

# The reason of an entry that is on our list because it is on an account's.
FROM_ACCOUNT = "ses_account_list"

# For as long SES may show a list as it was before our own change of it.
SETTLES = timedelta(minutes=10)
# How far SES's clock and ours may differ: beyond it SES refuses our signatures.
SKEW = timedelta(minutes=5)
# A list that nobody has looked at for so long is not kept together with ours any more.
LOOKED_AT = timedelta(days=1)


class ListedReason(StrEnum):
    """Why an address is on an account's list; SES knows no other reasons."""

    BOUNCE = "BOUNCE"
    COMPLAINT = "COMPLAINT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One address on an account's list, as SES has it."""

    address: str
    reason: ListedReason
    updated: datetime  # by SES's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """A part of an account's list; `token` asks for the next one, None: there is none."""

    listed: tuple[Listed, ...]
    token: str | None


class AccountListAtSes(Protocol):
    """The list itself, one control call for each question; pacing is its own business."""

    async def name(self) -> str | Unanswered:
        """Say whose list it is: account and Region."""
        ...

    async def page(self, since: datetime | None, token: str | None) -> ListPage | Unanswered:
        """Read a part; with `since` only what was put there or changed from then on."""
        ...

    async def find(self, address: str) -> Listed | Unanswered | None:
        """Look one address up; None: it is not there."""
        ...

    async def in_sandbox(self) -> bool | Unanswered:
        """Say if the account is in the sandbox, where SES lets nobody put anything."""
        ...

    async def put(self, address: str, reason: ListedReason) -> Unanswered | None:
        """Put an address there; one already there gets the reason."""
        ...

    async def delete(self, address: str) -> Unanswered | None:
        """Take an address off; it need not be there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStanding:
    """How far one list is known."""

    read_at: datetime | None = None  # when the last reading that came to its end began
    whole_at: datetime | None = None  # likewise the last one of the whole list
    pages: int = 0  # of that one
    put_upto: int = 0  # all changes of our own list up to this number have been looked at

    def having_put(self, upto: int) -> "ListStanding":
        """Give it with changes looked at, but never fewer than before."""
        return replace(self, put_upto=max(self.put_upto, upto))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCounts:
    """What a mirror holds, and how much of it a reading of the whole list did not show."""

    known: int
    absent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Addresses of our own that a list lacks, found among our list's changes up to a number."""

    entries: tuple[Suppressed, ...]
    upto: int | None  # None: there were no changes to look at


class Mirrors(Protocol):
    """The mirrors of all lists. Addresses are in lower case.

    `Suppression.unsuppress` marks the address as taken off here, in every mirror, also where it has
    not been seen: SES may have it and show it late. Putting it on our list again, by whatever way,
    lifts the mark.
    """

    async def take_turn(
        self, name: str, now: datetime, until: datetime
    ) -> ListStanding | StoreFault | None:
        """Begin to work on a list, alone until `until`; None: somebody does, or just did."""
        ...

    async def keep_turn(self, name: str, until: datetime) -> ListStanding | StoreFault:
        """Keep the others off until then, whether or not the turn was taken."""
        ...

    async def stand(self, name: str, standing: ListStanding) -> StoreFault | None:
        """Write down how far the list is known."""
        ...

    async def take_over(
        self, name: str, listed: Sequence[Listed], begun: datetime
    ) -> Sequence[Suppressed] | StoreFault:
        """Mirror a part of the list that a reading begun then has shown.

        What the mirror did not have goes on our list, unless something stronger is there. What was
        taken off here stays off, unless the account's entry is newer by more than `SKEW`.

        Returns the entries that got mail until now.
        """
        ...

    async def counts(self, name: str, begun: datetime) -> ListCounts | StoreFault:
        """Count, after a whole reading begun then."""
        ...

    async def absent(
        self, name: str, begun: datetime, after: str, limit: int
    ) -> Sequence[str] | StoreFault:
        """List what a whole reading begun then did not show, by address from `after` on.

        What we put there less than `SETTLES` before is not among it.
        """
        ...

    async def drop(
        self, name: str, addresses: Sequence[str], begun: datetime, *, ours_too: bool
    ) -> Sequence[str] | StoreFault:
        """Mirror that addresses are off a list, and take off ours what was there for its sake.

        An entry that came from lists alone goes with the last of them. One of our own goes where
        `ours_too`, and is then taken off the other lists, too.

        Returns the addresses that get mail again.
        """
        ...

    async def forget(self, name: str, begun: datetime) -> StoreFault | None:
        """Let go what was taken off here and a whole reading begun then did not show any more."""
        ...

    async def to_put(self, name: str, after: int, limit: int) -> Owed | StoreFault:
        """Look at the next changes of our list, and give those that this list lacks.

        Entries for good that are our own: what came from an account's list goes to no other.
        """
        ...

    async def to_delete(self, name: str, limit: int) -> Sequence[str] | StoreFault:
        """List addresses that were taken off here and are still there, as far as we know."""
        ...

    async def written(
        self, name: str, address: str, reason: ListedReason | None, at: datetime
    ) -> StoreFault | None:
        """Mirror what we put there; `reason` None: what we took off."""
        ...

    async def holders(self, addresses: Sequence[str]) -> Sequence[tuple[str, str]] | StoreFault:
        """Give each address that is on lists, as far as we know, with each list's name."""
        ...
