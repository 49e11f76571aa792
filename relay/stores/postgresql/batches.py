"""Questions that come at the same time, asked together: one round trip and one commit for many.

What comes while a batch is under way makes the next one, so the slower the database, the larger
the batches, and an idle one keeps nobody waiting.

Errors: whatever the asking raises reaches those it concerns: a batch that fails is asked again one
by one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

_SIZE = 64  # questions asked together
_ABREAST = 2  # batches under way


@dataclass(frozen=True, slots=True)
class _Asked(Generic[Q, A]):
    question: Q
    answer: asyncio.Future[A]


class Batches(Generic[Q, A]):
    """Asks in batches; two questions about the same thing never stand in one batch.

    `ask` answers all of its questions, in their order, or raises and has done nothing.
    """

    def __init__(
        self, ask: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], about: Callable[[Q], Hashable]
    ) -> None:
        self._ask = ask
        self._about = about
        self._line: deque[_Asked[Q, A]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._called = False

    async def ask(self, question: Q) -> A:
        """Ask; the question is asked even if the caller gives up meanwhile."""
        loop = asyncio.get_running_loop()
        asked: _Asked[Q, A] = _Asked(question, loop.create_future())
        self._line.append(asked)
        if not self._called:  # whoever else asks in this turn of the loop comes along
            self._called = True
            loop.call_soon(self._go)
        return await asyncio.shield(asked.answer)

    async def idle(self) -> None:
        """Wait until everything is answered."""
        while self._line or self._under_way:
            if self._under_way:
                await asyncio.wait(self._under_way)
            await asyncio.sleep(0)

    def _go(self) -> None:
        self._called = False
        while self._line and len(self._under_way) < _ABREAST:
            task = asyncio.get_running_loop().create_task(self._answer(self._next()))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._go()

    def _next(self) -> list[_Asked[Q, A]]:
        batch: dict[Hashable, _Asked[Q, A]] = {}
        later: list[_Asked[Q, A]] = []
        while self._line and len(batch) < _SIZE:
            asked = self._line.popleft()
            about = self._about(asked.question)
            if about in batch:
                later.append(asked)
            else:
                batch[about] = asked
        self._line.extendleft(reversed(later))
        return list(batch.values())

    async def _answer(self, batch: Sequence[_Asked[Q, A]]) -> None:
        try:
            answers = await self._ask([asked.question for asked in batch])
        except Exception as error:  # noqa: BLE001 - it goes to whoever asked
            if len(batch) == 1:
                _fail(batch[0].answer, error)
                return
            for asked in batch:
                await self._answer([asked])
            return
        for asked, answer in zip(batch, answers, strict=True):
            if not asked.answer.done():
                asked.answer.set_result(answer)


def _fail(answer: "asyncio.Future[A]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
