"""One claimed entry in work: attempts its due requests and records every step.

Order of each request: turn → the attempt is recorded, and the content fetched with it → SES → the
outcome is recorded. A crash before the record costs nothing, one after it leaves the outcome
Unknown.

Errors: what the store cannot do is a value; an outcome that cannot be recorded is kept in memory
and tried again, because forgetting it would send the message twice.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from relay.model import replies
from relay.model.clock import Clock
from relay.model.entry import EntryRequest, Held, QueueEntry, RequestState
from relay.model.message import Message, Request
from relay.model.outcome import Cause, Deferred, Outcome, Relayed, Scope, ScopeKind
from relay.model.ports import (
    Attempting,
    Begun,
    Corrupt,
    NewEntry,
    Queue,
    Reports,
    Stale,
    StoreFault,
)
from relay.model.progress import Progress, Times, after, expired, interrupted
from relay.queue.age import Ages
from relay.queue.recording import record_surely, tell_interrupted
from relay.queue.reserve import Reserve
from relay.telemetry import Telemetry

# Requests of one entry under way at a time; the store sees them one after the other.
ABREAST = 8
# A lease outlasts the wait for a turn and the request, and is renewed with every record.
LEASE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What all cases share."""

    queue: Queue
    attempts: Attempting
    reports: Reports
    reserve: Reserve
    telemetry: Telemetry
    clock: Clock
    ages: Ages
    times: Callable[[QueueEntry], Times]  # when to try an entry again, from now


class Case:
    """Works on one entry until nothing of it is due."""

    def __init__(self, entry: QueueEntry, tools: Tools) -> None:
        self._entry = entry
        self._tools = tools
        self._lost = False  # somebody else has recorded it meanwhile: hands off
        self.under_way = 0  # requests that SES may have heard of and whose outcome is not recorded
        self._recording = asyncio.Lock()

    async def work(self) -> None:
        """Make the due requests, then give the entry back."""
        now = self._tools.clock.now()
        self._take_up()
        due = list(self._entry.due_requests(now))
        if self._entry.held is None:
            while due and not self._lost:
                together, due = due[:ABREAST], due[ABREAST:]
                await self._make_all(together)
        if not self._lost:
            await self._give_back()

    def _take_up(self) -> None:
        """Begin where a claimant stopped whose lease ended: what it had in flight is Unknown."""
        found = self._entry
        taken_up = interrupted(found, self._times(), replies.ANSWER_LOST)
        tell_interrupted(found, taken_up, self._tools.telemetry)
        self._entry = replace(taken_up, lease_until=found.lease_until)

    async def _make_all(self, requests: Sequence[EntryRequest]) -> None:
        """Make requests side by side; a bug that ends one of them waits for the others to end."""
        made = await asyncio.gather(*map(self._make, requests), return_exceptions=True)
        for error in made:
            if error is not None:
                raise error

    async def _make(self, request: EntryRequest) -> None:
        message, reserved = self._entry.message, 0

        async def prepare() -> Message | Deferred:
            nonlocal reserved
            if not self._tools.reserve.take(message.size):
                return self._put_off("no room in memory", timedelta(seconds=1))
            reserved = message.size
            self.under_way += 1
            return await self._prepared(request)

        try:
            outcome = await self._tools.attempts.attempt(
                message,
                Request(
                    number=request.number,
                    recipients=request.recipients,
                    unknowns=request.unknowns,
                ),
                number=self._entry.attempts + 1,
                deadline=None,
                prepare=prepare,
            )
            if not self._lost:
                await self._record_outcome(request, outcome)
        finally:
            self._tools.reserve.give_back(reserved)
            self.under_way -= bool(reserved)

    async def _prepared(self, request: EntryRequest) -> Message | Deferred:
        """Record the attempt and fetch the content (invariant: recorded before it is made)."""
        async with self._recording:
            marked = replace(request, state=RequestState.IN_FLIGHT)
            requests = tuple(
                marked if known.number == request.number else known
                for known in self._entry.requests
            )
            leased = replace(
                self._entry,
                requests=requests,
                lease_until=self._tools.clock.now() + LEASE,
            )
            begun = await self._tools.queue.begin(leased)
            match begun:
                case Stale():
                    self._lost = True
                    return self._put_off("recorded by somebody else", timedelta())
                case StoreFault(reason=reason):
                    self._tools.telemetry.store.fault("record", reason, queue_id=self._entry.id)
                    return self._put_off(reason, timedelta(seconds=5))
                case Begun(entry=entry, content=content):
                    self._entry = entry
                case _:
                    assert_never(begun)
        match content:
            case StoreFault(reason=reason):
                self._tools.telemetry.store.fault("content", reason, queue_id=self._entry.id)
                return self._put_off(reason, timedelta(seconds=5))
            case Corrupt(reason=reason):
                self._tools.telemetry.store.fault("content", reason, queue_id=self._entry.id)
                return replace(self._put_off(reason, timedelta()), cause=Cause.UNCLASSIFIED)
            case _:
                return replace(self._entry.message, content=content)

    def _put_off(self, reason: str, pause: timedelta) -> Deferred:
        return Deferred(
            cause=Cause.WAITING,
            scope=Scope(ScopeKind.MESSAGE, self._entry.id),
            reply=replies.STORE_FAULT,
            not_before=self._tools.clock.now() + pause,
            detail=reason,
        )

    async def _record_outcome(self, request: EntryRequest, outcome: Outcome) -> None:
        async with self._recording:
            progress = after(self._entry, request.number, outcome, self._times())
            if not isinstance(outcome, Relayed) and progress.refused is None:
                now = self._tools.ages.now(self._entry.message.received_at)
                progress = expired(progress.entry, now, replies.EXPIRED)
                if progress.refused is not None:
                    self._tools.telemetry.message.expired(
                        progress.entry.message, progress.refused.recipients, replies.EXPIRED
                    )
            self._tell_held(progress.entry.held)
            spawn = await self._reports_on(request, outcome, progress)
            await self._record(progress.entry, spawn)

    async def _reports_on(
        self, request: EntryRequest, outcome: Outcome, progress: Progress
    ) -> Sequence[NewEntry]:
        message = self._entry.message
        if progress.refused is not None:
            return await self._tools.reports.failed(message, progress.refused)
        if isinstance(outcome, Relayed):
            return await self._tools.reports.relayed(message, request.recipients)
        return ()

    def _tell_held(self, held: Held | None) -> None:
        if held is not None and self._entry.held is None:
            self._tools.telemetry.message.held(self._entry.message, held.reason)

    async def _give_back(self) -> None:
        if self._entry.open_requests and self._entry.lease_until is not None:
            await self._record(replace(self._entry, lease_until=None), ())

    async def let_go(self) -> None:
        """Give the entry back when its work was cut off; asked once, a stop waits for no disk.

        Where it fails, the lease ends at the next start.
        """
        if self._lost or not self._entry.open_requests:
            return
        given_back = await self._tools.queue.record(replace(self._entry, lease_until=None))
        if isinstance(given_back, StoreFault):
            self._tools.telemetry.store.fault("record", given_back.reason, queue_id=self._entry.id)

    async def _record(self, entry: QueueEntry, spawn: Sequence[NewEntry]) -> None:
        """Record until it is recorded, unless somebody else has been at it."""
        if not entry.open_requests:
            entry = replace(entry, lease_until=None)
        tools = self._tools
        recorded = await record_surely(tools.queue, entry, spawn, tools.telemetry, tools.clock)
        if isinstance(recorded, Stale):
            self._lost = True
            reason = f"version {recorded.version} was recorded meanwhile"
            tools.telemetry.store.fault("record", reason, queue_id=entry.id)
        else:
            self._entry = recorded

    def _times(self) -> Times:
        return self._tools.times(self._entry)
