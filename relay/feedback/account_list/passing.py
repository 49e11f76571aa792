"""One pass over the suppression list of an SES account: what changed on either side, on the other.

First the list is read: the whole of it, or what changed since the last time. Then what changed here
is written there, where the operator wants both ways; last comes what the list has lost. What is cut
off goes on with the next pass, and nothing is done twice by that: the mirror in the store knows
what is there (`relay.model.ports.Mirrors`).

Errors: `StoreFault`; what SES refuses is a `Trouble` of the pass.
"""

import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from relay.feedback.account_list.losing import lose
from relay.feedback.account_list.patient import PatientList
from relay.feedback.account_list.reading import read
from relay.feedback.account_list.work import Counts, Enough, Halt, Told, Trouble, Work
from relay.feedback.account_list.writing import delete, put
from relay.model.clock import Clock
from relay.model.ports import AccountListAtSes, ListStanding, Mirrors, StoreFault
from relay.model.settings import AccountList

LEASE = timedelta(seconds=180)  # how long the others keep off without hearing from us
MOST = 300  # addresses that a pass of a relay writes or asks after: about ten minutes

# Reading all of a list takes a call for each page: with this pause a sixtieth of what is allowed.
_EACH_PAGE = timedelta(minutes=1)
_OVERLAP = timedelta(hours=1)  # SES may show a change late


class Extent(Enum):
    """How far a pass goes."""

    DUE = "due"  # what is due, a while long
    WHOLE = "whole"  # the whole list and all of ours
    EMPTIED = "emptied"  # likewise, however much the list has lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What passes over all lists share."""

    mirrors: Mirrors
    told: Told
    clock: Clock
    shown: Callable[[Counts], None] = lambda _: None  # hears how far a pass is
    chance: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What became of a pass."""

    counts: Counts
    troubles: tuple[Trouble, ...] = ()
    more: bool = False  # there was more to do than one pass does


@dataclass(slots=True, kw_only=True)
class ListPass:
    """Over the list of that name, in one of both ways (read, sync)."""

    name: str
    there: AccountListAtSes
    mode: AccountList
    extent: Extent
    around: Around
    _kept_at: float = field(default=float("-inf"))

    async def run(self, standing: ListStanding) -> Passed | StoreFault:
        """Do what is to do."""
        work = self._work()
        begun = work.clock.now()
        whole = self._is_whole(standing, begun)
        since = None if whole or standing.read_at is None else standing.read_at - _OVERLAP
        pages = await read(work, since, begun, first=standing.whole_at is None)
        match pages:
            case StoreFault():
                return pages
            case int():
                standing = replace(standing, read_at=begun)
                if whole:
                    standing = replace(standing, whole_at=begun, pages=pages)
            case _:
                return _passed(work, [pages])
        halts: list[Halt] = []
        for part in self._parts(work, standing, begun if whole else None):
            match await part():
                case StoreFault() as fault:
                    return fault
                case Trouble() | Enough() as halt:
                    halts.append(halt)
        return _passed(work, halts)

    def _parts(
        self, work: Work, standing: ListStanding, whole_at: datetime | None
    ) -> Iterator[Callable[[], Awaitable[Halt | None]]]:
        """Give what follows the reading; each part is done though SES refused another."""
        sync, due = self.mode is AccountList.SYNC, self.extent is Extent.DUE
        yield lambda: work.mirrors.stand(work.name, standing)
        if sync:
            yield lambda: delete(work)
            yield lambda: put(work, standing, standing.put_upto if due else 0)
        if whole_at is not None:
            emptied = self.extent is Extent.EMPTIED
            yield lambda: lose(work, whole_at, ours_too=sync, emptied=emptied)

    def _is_whole(self, standing: ListStanding, now: datetime) -> bool:
        if self.extent is not Extent.DUE or standing.whole_at is None:
            return True
        return now >= standing.whole_at + max(standing.pages, 1) * _EACH_PAGE

    def _work(self) -> Work:
        around = self.around
        return Work(
            name=self.name,
            there=PatientList(
                there=self.there,
                before=self._keep_turn,
                clock=around.clock,
                chance=around.chance,
            ),
            mirrors=around.mirrors,
            told=around.told,
            clock=around.clock,
            shown=around.shown,
            most=MOST if self.extent is Extent.DUE else float("inf"),
        )

    async def _keep_turn(self) -> None:
        """Keep the others off the list, while we ask."""
        now = self.around.clock.monotonic()
        if now - self._kept_at > LEASE.total_seconds() / 6:
            self._kept_at = now
            # A fault tells itself with the next change; at worst another relay begins, too.
            await self.around.mirrors.keep_turn(self.name, self.around.clock.now() + LEASE)


def _passed(work: Work, halts: list[Halt]) -> Passed:
    return Passed(
        counts=work.counts,
        troubles=tuple(halt for halt in halts if isinstance(halt, Trouble)),
        more=any(isinstance(halt, Enough) for halt in halts),
    )
