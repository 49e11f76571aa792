"""How members of one store divide an account's rate: pure arithmetic over all their leases.

What the members may use never adds up to more than the whole. A new member starts with what the
others have given up, at first often nothing; who is to have less goes on counting with what it had
until it says that it has heard. Who has no use for its part leaves it to the others.

A small reserve is divided as floors, for members that cannot reach the store after their lease has
ended. All the floors of those who vanished together never take more of the others than the reserve.
A relay that was alone goes on alone: nobody else was there, and should somebody come meanwhile,
SES's own refusals slow both.

Errors: none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from relay.model.ports import Lease, Pool, Renewal, Seen, Slowed
from relay.scheduler.recovery import recovered

LEASE = 10.0  # seconds; a store that comes back sooner is not missed
MARGIN = 1.0  # seconds before its end at which a lease is used no more: requests are under way
RESERVE = 0.05  # of the whole rate
SETTLES = 2.0  # seconds in which further refusals are still the same one's


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a member says of itself when it renews its lease."""

    using: float  # the share it keeps to now
    floor: float  # the one it would keep to if its lease ended now
    want: float  # the share it has use for
    counted: int  # recipients it has sent in its life
    first: bool = False  # in its life: nothing is sent yet, and what is known is its last life's
    kin: frozenset[str] = frozenset()  # other members of the same relay
    refused: bool = False  # SES refused its rate since the last time
    seen: Seen | None = None  # the account, if it has looked since


def renew(me: str, claim: Claim, pool: Pool) -> Renewal:
    """Decide what a member may have from now on."""
    mine = [lease for lease in pool.leases if lease.member == me and not claim.first]
    others = [lease for lease in pool.leases if lease.member != me]
    living = [lease for lease in others if lease.left > 0]
    vanished = min(RESERVE, sum(lease.floor for lease in others if lease.left <= 0))
    floor = RESERVE / (1 + len(living))
    alone = all(lease.member in claim.kin for lease in others)
    wants = {lease.member: lease.want for lease in living} | {me: claim.want}
    due = divide(wants, 1 - vanished, floor)[me]
    free = 1 - vanished - sum(lease.bound for lease in living)
    share = max(0.0, min(due, free))
    floor = share if alone else min(floor, share)
    return Renewal(
        lease=Lease(
            member=me,
            bound=share if claim.first else max(share, claim.using),
            floor=floor if claim.first else max(floor, claim.floor),
            want=claim.want,
            counted=claim.counted,
            left=LEASE,
        ),
        share=share,
        floor=floor,
        due=due,
        # A route that was taken away and came back before anybody heard of it counts anew.
        sent=max(0, claim.counted - sum(lease.counted for lease in mine)),
        slowed=_slowed(pool.slowed) if claim.refused else None,
        seen=_newer(claim.seen, pool.seen),
    )


def divide(wants: Mapping[str, float], whole: float, floor: float) -> Mapping[str, float]:
    """Give each what it wants, or equal parts where that is too much; what is left over, equally.

    Nobody gets less than `floor`.
    """
    each = {member: max(want, floor) for member, want in wants.items()}
    shares: dict[str, float] = {}
    left = whole
    for member in sorted(each, key=lambda member: each[member]):
        shares[member] = min(each[member], left / (len(each) - len(shares)))
        left -= shares[member]
    return {member: share + left / len(shares) for member, share in shares.items()}


def _slowed(before: Slowed | None) -> Slowed | None:
    """Halve what all may send, once for all who were refused at the same time."""
    if before is None:
        return Slowed(peak=1.0, age=0.0)
    if before.age < SETTLES:
        return None
    return Slowed(peak=recovered(before.peak, before.age), age=0.0)


def _newer(ours: Seen | None, known: Seen | None) -> Seen | None:
    return None if ours is None or (known is not None and known.age <= ours.age) else ours
