"""Take responsibility for a message by making it durable: only then does the client hear 250.

Standards: RFC 5321 §6.1 (after 250 the message is ours), RFC 1047 (the window that stays).
Errors: none; a store that cannot keep a message leaves it with the client (451).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from relay.flow.outgoing import Outgoing
from relay.flow.owner import Owner
from relay.model import backoff, replies
from relay.model.clock import Clock
from relay.model.entry import QueueEntry, RequestState
from relay.model.outcome import Deferred, Failed, Outcome, Relayed, Unknown
from relay.model.ports import Custody, NewEntry, NoCustody, Stale, StoreFault
from relay.model.progress import Progress, after
from relay.model.reply import Reply
from relay.model.settings import Queue as QueueSettings
from relay.telemetry import Telemetry

# Longer than any request to SES may take: nobody else touches an entry that is in flight.
IN_FLIGHT_LEASE = timedelta(minutes=15)


def verdict(outcome: Outcome) -> Reply:
    """Say to a client that still waits what became of its message, when nobody keeps it."""
    match outcome:
        case Relayed(ses_message_id=ses_id):
            return replies.relayed(ses_id)
        case Failed(reply=reply) | Deferred(reply=reply) | Unknown(reply=reply):
            return reply
        case _:
            assert_never(outcome)


class Keeper:
    """Puts messages into the queue."""

    def __init__(
        self,
        custody: Custody,
        owner: Owner,
        telemetry: Telemetry,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._custody = custody
        self._owner = owner
        self._telemetry = telemetry
        self._clock = clock
        self._chance = chance

    async def keep(self, batch: Sequence[Outgoing], unkept: Reply) -> Reply:
        """Keep messages nobody has tried to send; without a store the client hears `unkept`."""
        now = self._clock.now()
        return await self._put(
            [NewEntry(entry=one.entry(now), content=one.message.content) for one in batch], unkept
        )

    async def keep_after(
        self, outgoing: Outgoing, outcome: Outcome, settings: QueueSettings
    ) -> Reply:
        """Keep a message whose first attempt, made while the client waits, did not end it."""
        progress = self._after(outgoing.entry(self._clock.now()), outcome, settings)
        new = NewEntry(entry=progress.entry, content=outgoing.message.content)
        return await self._put([new], verdict(outcome))

    async def keep_in_flight(
        self, outgoing: Outgoing, sending: asyncio.Task[Outcome], settings: QueueSettings
    ) -> Reply:
        """Keep a message whose request is under way longer than the client should wait.

        The reply is decided here, once: if the message is durable before the outcome is known,
        the outcome is recorded against the entry and the client hears no more of it.
        """
        now = self._clock.now()
        fresh = outgoing.entry(now)
        in_flight = replace(
            fresh,
            requests=tuple(
                replace(request, state=RequestState.IN_FLIGHT) for request in fresh.requests
            ),
            lease_until=now + IN_FLIGHT_LEASE,
        )
        new = NewEntry(entry=in_flight, content=outgoing.message.content)
        fault = await self._custody.put([new])
        if fault is None:
            self._owner.start(
                f"record {outgoing.message.id}", self._record(in_flight, sending, settings)
            )
            return replies.queued(outgoing.message.id)
        self._log(fault)
        # Nobody keeps it, so the client waits on for SES's verdict.
        return verdict(await asyncio.shield(sending))

    async def _record(
        self, entry: QueueEntry, sending: asyncio.Task[Outcome], settings: QueueSettings
    ) -> None:
        outcome = await asyncio.shield(sending)
        progress = self._after(entry, outcome, settings)
        recorded = await self._custody.record(replace(progress.entry, lease_until=None))
        if isinstance(recorded, StoreFault):
            # The entry stays in flight until its lease ends, and is Unknown then.
            self._telemetry.store.fault("record", recorded.reason, queue_id=entry.id)
        elif isinstance(recorded, Stale):
            self._telemetry.store.fault(
                "record", f"version {recorded.version} was recorded meanwhile", queue_id=entry.id
            )

    def _after(self, entry: QueueEntry, outcome: Outcome, settings: QueueSettings) -> Progress:
        times = backoff.times(settings, entry.attempts, self._clock.now(), self._chance())
        return after(entry, entry.requests[0].number, outcome, times)

    async def _put(self, new: Sequence[NewEntry], unkept: Reply) -> Reply:
        fault = await self._custody.put(new)
        match fault:
            case None:
                return replies.queued(new[0].entry.id)
            case NoCustody():
                return unkept
            case StoreFault():
                self._log(fault)
                return replies.STORE_FAULT
            case _:
                assert_never(fault)

    def _log(self, fault: NoCustody | StoreFault) -> None:
        if isinstance(fault, StoreFault):
            self._telemetry.store.fault("put", fault.reason)
