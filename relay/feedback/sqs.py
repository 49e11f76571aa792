"""Reads events from an SQS queue, and deletes each only after the store has it.

A message that cannot be read is told of and left alone: the queue's redrive policy moves it to a
dead-letter queue, where an operator finds it. So is one that trips over a bug of ours.

SES facts (SNS Developer Guide, sns-large-payload-raw-message-delivery): through SNS an event comes
wrapped, or bare with raw delivery; either may be switched at any time.
Errors: none; a queue that cannot be read is told of when that changes, and asked again with growing
pauses.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from relay.aws.queues import QueueFault, Received
from relay.feedback.events import Unreadable, unwrap
from relay.model.clock import Clock
from relay.model.ports import StoreFault
from relay.telemetry import Telemetry

Learn = Callable[[str], Awaitable[Unreadable | StoreFault | None]]

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds
_MOST_TOLD = 1_000  # unreadable messages that are not told of again


class Source(Protocol):
    """Where messages come from; see `relay.aws.queues.EventQueue`."""

    async def receive(self) -> Sequence[Received] | QueueFault:
        """Wait for some messages."""
        ...

    async def delete(self, receipts: Sequence[str]) -> QueueFault | None:
        """Take messages out of the queue."""
        ...


@dataclass(slots=True, kw_only=True)
class SqsReader:
    """Reads one queue for ever."""

    source: Source
    url: str
    route: str
    learn: Learn
    telemetry: Telemetry
    clock: Clock
    _state: str = "reachable"
    _told: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Read until cancelled; what is cut off comes again and does nothing twice."""
        pause = _FIRST_PAUSE
        while True:
            if await self.read():
                pause = _FIRST_PAUSE
            else:
                await self.clock.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def read(self) -> bool:
        """Take in what one poll brings; False: better wait before the next."""
        received = await self.source.receive()
        if isinstance(received, QueueFault):
            self._tell(f"cannot be read: {received.reason}")
            return False
        self._tell("reachable")
        taken = await asyncio.gather(*(self._take_in(one) for one in received))
        done = [one.receipt for one, is_done in zip(received, taken, strict=True) if is_done]
        fault = await self.source.delete(done) if done else None
        if fault is not None:
            self._tell(f"cannot be emptied: {fault.reason}")
        return fault is None and len(done) == len(received)

    async def _take_in(self, one: Received) -> bool:
        inner = unwrap(one.body)
        try:
            answer = inner if isinstance(inner, Unreadable) else await self.learn(inner)
        except Exception as error:  # noqa: BLE001 - one event must not end the reading of all others
            self.telemetry.relay.fault("feedback", error)
            return False
        match answer:
            case None:
                return True
            case StoreFault(reason=reason):
                self.telemetry.store.fault("learn", reason)
                return False
            case Unreadable(reason=reason):
                self._tell_unreadable(one.id, reason)
                return False

    def _tell(self, state: str) -> None:
        if state != self._state:
            self.telemetry.account.changed(
                self.route,
                what=f"feedback queue {self.url}",
                old=self._state,
                new=state,
                alarm=state != "reachable",
            )
        self._state = state

    def _tell_unreadable(self, message: str, reason: str) -> None:
        if message in self._told:
            return
        if len(self._told) >= _MOST_TOLD:
            self._told.clear()
        self._told.add(message)
        self.telemetry.account.changed(
            self.route,
            what=f"feedback queue {self.url}",
            old=self._state,
            new=f"message {message} is no event of SES ({reason}); left to the dead-letter queue",
            alarm=True,
        )
