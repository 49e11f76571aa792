"""Reads events from an SQS queue, and deletes each only after the store has it.

A message that cannot be read is told of and left alone: the queue's redrive policy moves it to a
dead-letter queue, where an operator finds it. So is one that trips over a bug of ours. Neither
slows the others down.

One poll waits at a queue that is nearly empty. While polls come back full, several are made at a
time, because each event waits for two round trips to SQS; what is in memory is bounded by them.

SES facts (SNS Developer Guide, sns-large-payload-raw-message-delivery): through SNS an event comes
wrapped, or bare with raw delivery; either may be switched at any time.
Errors: none; a queue that cannot be read is told of when that changes, and asked again with growing
pauses.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, assert_never

from relay.aws.queues import A_TIME, QueueFault, Received
from relay.feedback.events import Unreadable, unwrap
from relay.model.clock import Clock
from relay.model.ports import StoreFault
from relay.telemetry import Telemetry

Learn = Callable[[str], Awaitable[Unreadable | StoreFault | None]]

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds
RECEIVERS = 8  # polls at a time of a full queue
_FULL = A_TIME // 2  # SQS may give fewer than there are
_MOST_TOLD = 1_000  # unreadable messages that are not told of again


class Poll(Enum):
    """What one poll came to."""

    FULL = "full"  # there may well be more
    DONE = "done"
    ILL = "ill"  # the queue or the store is: better wait before the next


class _Taken(Enum):
    """What became of one message."""

    IN = "in"
    LEFT = "left"  # to the dead-letter queue
    NOT = "not"  # the store is ill: it comes again


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
            polls = [await self.read()]
            if polls == [Poll.FULL]:
                async with asyncio.TaskGroup() as receivers:
                    emptying = [receivers.create_task(self._empty()) for _ in range(RECEIVERS)]
                polls = [one.result() for one in emptying]
            if Poll.ILL in polls:
                await self.clock.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                pause = _FIRST_PAUSE

    async def _empty(self) -> Poll:
        while (poll := await self.read()) is Poll.FULL:
            pass
        return poll

    async def read(self) -> Poll:
        """Take in what one poll brings."""
        received = await self.source.receive()
        if isinstance(received, QueueFault):
            self._tell(f"cannot be read: {received.reason}")
            return Poll.ILL
        self._tell("reachable")
        taken = await asyncio.gather(*(self._take_in(one) for one in received))
        done = [one.receipt for one, how in zip(received, taken, strict=True) if how is _Taken.IN]
        fault = await self.source.delete(done) if done else None
        if fault is not None:
            self._tell(f"cannot be emptied: {fault.reason}")
        if fault is not None or _Taken.NOT in taken:
            return Poll.ILL
        return Poll.FULL if len(received) >= _FULL else Poll.DONE

    async def _take_in(self, one: Received) -> _Taken:
        inner = unwrap(one.body)
        try:
            answer = inner if isinstance(inner, Unreadable) else await self.learn(inner)
        except Exception as error:  # noqa: BLE001 - one event must not end the reading of all others
            self.telemetry.relay.fault("feedback", error)
            return _Taken.LEFT
        match answer:
            case None:
                return _Taken.IN
            case StoreFault(reason=reason):
                self.telemetry.store.fault("learn", reason)
                return _Taken.NOT
            case Unreadable(reason=reason):
                self._tell_unreadable(one.id, reason)
                return _Taken.LEFT
            case _:
                assert_never(answer)

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
