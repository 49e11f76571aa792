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
from relay.model import replies
from relay.model.entry import QueueEntry, RequestState
from relay.model.message import Message
from relay.model.outcome import Cause, Deferred, Failed, Outcome, Relayed, Unknown
from relay.model.ports import Custody, NewEntry, NoCustody, Reports, Stale, StoreFault
from relay.model.progress import Progress, Times, after
from relay.model.reply import Reply
from relay.telemetry import Telemetry

# Longer than any request to SES may take: nobody else touches an entry that is in flight.
IN_FLIGHT_LEASE = timedelta(minutes=15)


def verdict(outcome: Outcome) -> Reply:
    """Say to a client that still waits what became of its message, when nobody keeps it."""
    match outcome:
        case Relayed(ses_message_id=ses_id):
            return replies.relayed(ses_id)
        case Deferred(cause=Cause.UNNAMED_RECIPIENT, reply=reply):
            # The same message would be refused again for ever, and nobody got it.
            return replies.RECIPIENT_SYNTAX.saying(reply.text)
        case Failed(reply=reply) | Deferred(reply=reply) | Unknown(reply=reply):
            return reply
        case _:
            assert_never(outcome)


class Keeper:
    """Puts messages into the queue."""

    def __init__(
        self,
        custody: Custody,
        reports: Reports,
        owner: Owner,
        telemetry: Telemetry,
        times: Callable[[QueueEntry], Times],
    ) -> None:
        self._custody = custody
        self._reports = reports
        self._owner = owner
        self._telemetry = telemetry
        self._times = times

    async def keep(self, batch: Sequence[Outgoing], unkept: Reply) -> Reply:
        """Keep messages nobody has tried to send; without a store the client hears `unkept`."""
        return await self._put(
            [
                NewEntry(entry=one.entry(one.message.received_at), content=one.message.content)
                for one in batch
            ],
            unkept,
        )

    async def keep_after(self, outgoing: Outgoing, outcome: Outcome) -> Reply:
        """Keep a message whose first attempt, made while the client waits, did not end it."""
        progress = self._after(outgoing.entry(outgoing.message.received_at), outcome)
        new = NewEntry(entry=progress.entry, content=outgoing.message.content)
        spawn = await self._reports_on(outgoing.message, progress)
        reply = await self._put([new, *spawn], verdict(outcome))
        if reply.positive:  # else it stays the client's
            self._tell_held(progress.entry)
        return reply

    async def keep_in_flight(self, outgoing: Outgoing, sending: asyncio.Task[Outcome]) -> Reply:
        """Keep a message whose request is under way longer than the client should wait.

        The reply is decided here, once: if the message is durable before the outcome is known,
        the outcome is recorded against the entry and the client hears no more of it.
        """
        fresh = outgoing.entry(outgoing.message.received_at)
        in_flight = replace(
            fresh,
            requests=tuple(
                replace(request, state=RequestState.IN_FLIGHT) for request in fresh.requests
            ),
            lease_until=self._times(fresh).now + IN_FLIGHT_LEASE,
        )
        new = NewEntry(entry=in_flight, content=outgoing.message.content)
        fault = await self._custody.put([new])
        if fault is None:
            self._owner.start(
                f"record {outgoing.message.id}", self._record(in_flight, outgoing, sending)
            )
            return replies.queued(outgoing.message.id)
        self._log(fault)
        # Nobody keeps it, so the client waits on for SES's verdict.
        return verdict(await asyncio.shield(sending))

    async def _record(
        self, entry: QueueEntry, outgoing: Outgoing, sending: asyncio.Task[Outcome]
    ) -> None:
        progress = self._after(entry, await asyncio.shield(sending))
        spawn = await self._reports_on(outgoing.message, progress)
        recorded = await self._custody.record(replace(progress.entry, lease_until=None), spawn)
        if isinstance(recorded, Stale):
            reason = f"version {recorded.version} was recorded meanwhile"
            self._telemetry.store.fault("record", reason, queue_id=entry.id)
        else:
            self._tell_held(progress.entry)

    def _tell_held(self, entry: QueueEntry) -> None:
        """Say that the first attempt already left it to an operator."""
        if entry.held is not None:
            self._telemetry.message.held(entry.message, entry.held.reason)

    def _after(self, entry: QueueEntry, outcome: Outcome) -> Progress:
        return after(entry, entry.requests[0].number, outcome, self._times(entry))

    async def _reports_on(self, message: Message, progress: Progress) -> Sequence[NewEntry]:
        if progress.refused is None:
            return ()
        return await self._reports.failed(message, progress.refused)

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
