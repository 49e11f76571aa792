"""Service → stores: how relays that share a store share an account's rate and day.

A store keeps what the members say and knows the time by which leases end. What a member may have is
pure arithmetic (`relay.scheduler.shares`) that the store is handed and runs inside one transaction:
no two members are ever decided on from the same picture.

A member is one route of one relay, so that two routes to the same account share it as well.

Parts of the rate are shares of the whole, between zero and one. Ages and what is left of a lease
are seconds by the store's clock, so that members' clocks need not agree.

SES facts: rate and quota are per account and Region, and control calls are limited to one a second
for the whole account (SES Developer Guide, quotas).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from relay.model.account import AccountState
from relay.model.ports.keeping import StoreFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One member's part of an account's rate."""

    member: str
    bound: float  # the most it may be using while the lease runs
    floor: float  # the most it may be using after that, until it is heard of again
    want: float  # what it has use for
    counted: int  # recipients it has sent in its life
    left: float  # zero or less: the lease has ended


@dataclass(frozen=True, slots=True)
class Slowed:
    """SES refused the rate, and every member halved it."""

    peak: float  # share of the whole rate that was refused
    age: float


@dataclass(frozen=True, slots=True)
class Seen:
    """The last look at the account, whoever took it."""

    state: AccountState
    age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What a store knows of one account. Members unheard of for an hour are forgotten."""

    leases: tuple[Lease, ...] = ()
    day: int = 0  # recipients of all members in the last 24 hours
    slowed: Slowed | None = None
    seen: Seen | None = None

    def after(self, renewal: "Renewal") -> "Pool":
        """Give what is known once a member's renewal is written."""
        others = (lease for lease in self.leases if lease.member != renewal.lease.member)
        return replace(
            self,
            leases=(*others, renewal.lease),
            day=self.day + renewal.sent,
            slowed=renewal.slowed or self.slowed,
            seen=renewal.seen or self.seen,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What one member's renewal changes; None leaves what is there."""

    lease: Lease
    share: float  # of the rate, the member's from now on; never above the lease's bound
    floor: float  # the same for the time after the lease
    due: float  # what it is to have once the others have given it up
    sent: int = 0  # recipients to be added to the day
    slowed: Slowed | None = None
    seen: Seen | None = None


class Members(Protocol):
    """Those who share a store, as one relay meets them.

    A power cut ends them all, so that nothing of this needs to be on stable storage.
    """

    @property
    def name(self) -> str:
        """The relay's: the same after a crash, and nobody else's."""
        ...

    async def renew(
        self, accounts: Mapping[str, str], decide: Callable[[str, Pool], Renewal]
    ) -> Mapping[str, tuple[Pool, Renewal]] | StoreFault:
        """Renew each member's lease of its account, as `decide` says; all or none.

        Gives by member what was known of the account just before, and what was changed. `decide`
        must be pure: it may run in a thread, and again after a rollback. On a fault it is open
        whether the changes were made.
        """
        ...

    async def leave(self, members: Collection[str]) -> StoreFault | None:
        """Give the leases of these back; nothing more is sent under them."""
        ...
