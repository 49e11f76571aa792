"""A queue as Amazon SQS has them: at least once, in no promised order, hidden while in work.

AWS facts (SQS Developer Guide): a message that is received is hidden for its visibility time and
comes again unless it is deleted; deleting works with any receipt.

Errors: none.
"""

import heapq
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

_DISORDER = 100  # how far a message may be overtaken


@dataclass(slots=True)
class _Kept:
    body: str
    received: int = 0
    visible_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A message given out."""

    id: str
    receipt: str
    body: str
    count: int
    """How often it was given out, this time included."""


class Queue:
    """Messages up to a number; beyond, the oldest is dropped and counted."""

    def __init__(self, most: int = 200_000) -> None:
        self.shuffled = False
        self.dropped = 0
        self._most = most
        self._kept: dict[str, _Kept] = {}
        self._hidden: list[tuple[datetime, str]] = []
        self._visible: deque[str] = deque()
        self._chance = random.Random(1)  # noqa: S311 - disorder that every run repeats

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, body: str, now: datetime, visible_at: datetime) -> str:
        """Add a message; gives its id."""
        message_id = str(uuid4())
        self._kept[message_id] = _Kept(body)
        if visible_at <= now:
            self._visible.append(message_id)
        else:
            self._hide(message_id, visible_at)
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
            self.dropped += 1
        return message_id

    def receive(self, most: int, visibility_s: float, now: datetime) -> Sequence[Received]:
        """Give out messages and hide them."""
        while self._hidden and self._hidden[0][0] <= now:
            visible_at, message_id = heapq.heappop(self._hidden)
            kept = self._kept.get(message_id)
            if kept is not None and kept.visible_at == visible_at:
                self._visible.append(message_id)
        found: list[Received] = []
        while self._visible and len(found) < most:
            if self.shuffled:
                self._visible.rotate(-self._chance.randrange(min(len(self._visible), _DISORDER)))
            message_id = self._visible.popleft()
            kept = self._kept.get(message_id)
            if kept is None:
                continue
            kept.received += 1
            self._hide(message_id, now + timedelta(seconds=visibility_s))
            receipt = f"{message_id}#{kept.received}"
            found.append(Received(message_id, receipt, kept.body, kept.received))
        return found

    def delete(self, receipt: str) -> bool:
        """Remove a message; False: this is no receipt."""
        message_id, mark, _ = receipt.partition("#")
        self._kept.pop(message_id, None)
        return bool(mark)

    def show_at(self, receipt: str, at: datetime) -> bool:
        """Let a message that is in work come again at this time; False: there is none such."""
        message_id = receipt.partition("#")[0]
        if message_id not in self._kept:
            return False
        self._hide(message_id, at)
        return True

    def clear(self) -> None:
        """Throw all messages away."""
        self._kept.clear()
        self._hidden.clear()
        self._visible.clear()
        self.dropped = 0

    def _hide(self, message_id: str, until: datetime) -> None:
        self._kept[message_id].visible_at = until
        heapq.heappush(self._hidden, (until, message_id))
