"""Whether the queue may grow: messages, octets, and the disk it is on.

Errors: none; a folder that cannot be asked about counts as having room, because the store itself
says what is wrong with it as soon as it is used.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from relay.model.clock import Clock
from relay.model.custody import QueueUsage
from relay.model.settings import Settings

LOOK_EACH = 1.0  # seconds between two looks at the disk


class QueueRoom:
    """Watches the limits of the queue."""

    def __init__(
        self,
        usage: Callable[[], QueueUsage],
        folder: Path | None,
        settings: Callable[[], Settings],
        clock: Clock,
    ) -> None:
        self._usage = usage
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._looked_at = float("-inf")
        self._free: int | None = None

    def full(self) -> str | None:
        """Say what is full; None: there is room for another message."""
        queue, usage = self._settings().queue, self._usage()
        if usage.messages >= queue.max_messages:
            return f"the queue has {usage.messages} messages (queue.max_messages)"
        if usage.octets >= queue.max_size:
            return f"the queue has {usage.octets} octets (queue.max_size)"
        # What is in memory may still have to be written.
        needed = self._settings().limits.octets_in_flight
        free = None if self._folder is None else self._free_octets(self._folder)
        if free is not None and free < needed:
            return f"less than {needed} octets are free where the queue is (queue.store)"
        return None

    def _free_octets(self, folder: Path) -> int | None:
        now = self._clock.monotonic()
        if now - self._looked_at >= LOOK_EACH:
            self._looked_at = now
            with suppress(OSError):
                found = os.statvfs(folder)
                self._free = found.f_bavail * found.f_frsize
        return self._free
