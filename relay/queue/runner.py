"""Keeps the backlog moving: looks what is due, claims what may go, and wakes up when it should.

What is claimed is what the scheduler finds eligible, n per key, never by due time alone. The
window of entries in work is bounded; the backlog behind it is not.

Errors: a store that cannot be asked is logged and asked again; nothing is lost by waiting.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from relay.model import replies
from relay.model.entry import QueueEntry
from relay.model.ports import Corrupt, KeyBacklog, QueueKey, Scheduler, StoreFault
from relay.model.progress import interrupted
from relay.queue.case import LEASE, Case, Tools
from relay.queue.recording import tell_interrupted

# Entries in work at a time. Each is a few kilobytes until its turn comes.
WINDOW = 500
# At least this often the backlog is looked at, whatever was or was not announced.
LONGEST_PAUSE = timedelta(seconds=30)
# After a store fault, and after a claim that found less than was announced.
SHORT_PAUSE = timedelta(seconds=1)


class Runner:
    """Claims and works until the service stops it."""

    def __init__(self, scheduler: Scheduler, tools: Tools) -> None:
        self._scheduler = scheduler
        self._tools = tools
        self._awake = asyncio.Event()
        self._in_work: Counter[QueueKey] = Counter()
        self._coming: Counter[QueueKey] = Counter()  # on their way into the store
        self._known: set[QueueKey] = set()
        self._cases: dict[asyncio.Task[None], Case] = {}
        self._low_water = 0  # entries in work at which the next are claimed, a batch at a time
        self.backlog: Sequence[KeyBacklog] = ()  # as last looked at
        self._stopping = False

    def expect(self, keys: Sequence[QueueKey]) -> None:
        """Know of messages that are about to be kept, before the store is asked."""
        for key in keys:
            self._coming[key] += 1
            self._scheduler.kept(key)

    def arrived(self, keys: Sequence[QueueKey]) -> None:
        """Know that the store has answered for them, whatever it said."""
        self._coming.subtract(keys)
        self._known.update(keys)
        self.wake()

    def wake(self) -> None:
        """Look at the backlog soon: something was kept, released, or a gate opened."""
        self._awake.set()

    async def recover(self) -> int | StoreFault:
        """Take up what the last owner of this queue left behind, before anything is claimed."""
        found: dict[str, tuple[QueueEntry, QueueEntry]] = {}  # by id: it may be amended twice

        def taken_up(entry: QueueEntry) -> QueueEntry:
            free = interrupted(entry, self._tools.times(entry), replies.ANSWER_LOST)
            found[entry.id] = entry, free
            return free

        recovered = await self._tools.queue.recover(taken_up)
        if not isinstance(recovered, StoreFault):
            for entry, free in found.values():
                tell_interrupted(entry, free, self._tools.telemetry)
        return recovered

    async def watch(self) -> None:
        """Wake up when another process (an operator, another node) changed the queue."""
        while True:
            await self._tools.queue.changed()
            self.wake()

    async def run(self) -> None:
        """Work until `stop`."""
        while not self._stopping:
            self._awake.clear()
            pause = await self._look()
            try:
                async with asyncio.timeout(max(pause.total_seconds(), 0)):
                    await self._awake.wait()
            except TimeoutError:
                pass

    async def stop(self, grace: float) -> int:
        """Claim no more, wait for requests under way, cut off the rest; gives how many were cut.

        What only waits for its turn is let go at once, and free for an operator's commands.
        """
        self._stopping = True
        self.wake()
        waiting = {task: case for task, case in self._cases.items() if not case.under_way}
        await self._cancel(list(waiting))
        await asyncio.gather(*[case.let_go() for case in waiting.values()])
        if self._cases:
            await asyncio.wait(self._cases, timeout=grace)
        return await self._cancel(list(self._cases))

    async def _cancel(self, tasks: list[asyncio.Task[None]]) -> int:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        return len(tasks)

    async def _look(self) -> timedelta:
        """Claim what may go now; gives how long nothing more is to be expected."""
        backlog = await self._tools.queue.backlog()
        if isinstance(backlog, StoreFault):
            self._tools.telemetry.store.fault("backlog", backlog.reason)
            return SHORT_PAUSE
        self.backlog = backlog
        now = self._tools.clock.now()
        self._announce(backlog, now)
        wanted = self._scheduler.eligible(self._in_work, WINDOW - len(self._cases))
        if wanted:
            claimed = await self._claim(wanted, now)
            self._low_water = len(self._cases) // 2
            if claimed < sum(wanted.values()):
                return SHORT_PAUSE
            return timedelta()
        return self._until_next(backlog, now)

    def _announce(self, backlog: Sequence[KeyBacklog], now: datetime) -> None:
        """Tell the scheduler what is due under which key."""
        seen: set[QueueKey] = set()
        for line in backlog:
            due = line.next_attempt_at is not None and line.next_attempt_at <= now
            busy = self._in_work[line.key] + self._coming[line.key]
            self._scheduler.backlog(line.key, (line.waiting if due else 0) + busy)
            seen.add(line.key)
        for key in self._known - seen:
            self._scheduler.backlog(key, self._in_work[key] + self._coming[key])
        self._known = seen | set(+self._in_work) | set(+self._coming)

    async def _claim(self, wanted: Mapping[QueueKey, int], now: datetime) -> int:
        claimed = await self._tools.queue.claim(wanted, now, now + LEASE)
        if isinstance(claimed, StoreFault):
            self._tools.telemetry.store.fault("claim", claimed.reason)
            return 0
        for entry in claimed:
            if isinstance(entry, Corrupt):
                self._tools.telemetry.store.fault("claim", entry.reason, queue_id=entry.id)
            else:
                self._begin(entry)
        return len(claimed)

    def _begin(self, entry: QueueEntry) -> None:
        message = entry.message
        key = QueueKey(message.route, message.lane, message.user)
        self._in_work[key] += 1
        case = Case(entry, self._tools)
        task = asyncio.get_running_loop().create_task(case.work(), name=f"entry {entry.id}")
        self._cases[task] = case

        def done(ended: asyncio.Task[None]) -> None:
            del self._cases[ended]
            self._in_work[key] -= 1
            if len(self._cases) <= self._low_water:
                self.wake()
            if not ended.cancelled() and (error := ended.exception()) is not None:
                # The entry stays leased; it is taken up again when the lease ends.
                self._tools.telemetry.relay.fault("queue", error, queue_id=entry.id)

        task.add_done_callback(done)

    def _until_next(self, backlog: Sequence[KeyBacklog], now: datetime) -> timedelta:
        times = [*self._due_times(backlog, now), now + LONGEST_PAUSE]
        return min(times) - now

    def _due_times(self, backlog: Sequence[KeyBacklog], now: datetime) -> Iterator[datetime]:
        for line in backlog:
            if line.next_attempt_at is not None and line.next_attempt_at > now:
                yield line.next_attempt_at
        for refusal in self._scheduler.closed().values():
            if refusal.not_before is not None:
                yield max(refusal.not_before, now + SHORT_PAUSE)
