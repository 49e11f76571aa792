"""Which process owns which part of a folder: slot N is `queue-N.db`, `bodies-N/`, `queue-N.lock`.

The lock is the kernel's, on an open file: it ends with the process, however that dies.

Errors: `StoreFault` when another process owns the slot or the folder cannot be used.
"""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from relay.model.ports import StoreFault
from relay.stores.sqlite.database import Guard, UnfitError
from relay.stores.sqlite.files import Files


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are in a store's folder."""

    folder: Path

    @property
    def state(self) -> Path:
        """Suppression, holds and verdicts, of all slots."""
        return self.folder / "state.db"

    @property
    def history(self) -> Path:
        """What was noted, of all slots."""
        return self.folder / "history.db"

    def queue(self, slot: int) -> Path:
        """The entries of a slot."""
        return self.folder / f"queue-{slot}.db"

    def bodies(self, slot: int) -> Path:
        """The large bodies of a slot."""
        return self.folder / f"bodies-{slot}"

    def lock(self, slot: int) -> Path:
        """The file whose lock is the ownership of a slot."""
        return self.folder / f"queue-{slot}.lock"

    def slots(self) -> list[int]:
        """The slots that have a queue. Raises OSError."""
        found = (path.stem.removeprefix("queue-") for path in self.folder.glob("queue-*.db"))
        return sorted(int(number) for number in found if number.isdecimal())


class Slot(Guard):
    """Ownership of one slot, as long as the lock's file is the one that the folder shows."""

    def __init__(self, places: Places, number: int, files: Files, descriptor: int) -> None:
        self.places = places
        self.number = number
        self._files = files
        self._lock = places.lock(number)
        self._descriptor = descriptor

    @classmethod
    def take(cls, places: Places, number: int, files: Files) -> "Slot | StoreFault":
        """Become the owner, in a folder that is there."""
        try:
            descriptor = _locked(places.lock(number))
        except BlockingIOError:
            return StoreFault(f"{places.folder}: slot {number} is in use by another process")
        except OSError as error:
            return StoreFault(f"{places.folder}: {error.strerror}")
        return cls(places, number, files, descriptor)

    def check(self) -> None:
        """Make sure of the ownership; after a remount the lock is taken again."""
        own = os.fstat(self._descriptor)
        if self._files.identity(self._lock) == (own.st_dev, own.st_ino):
            return
        try:
            descriptor = _locked(self._lock)
        except BlockingIOError:
            raise UnfitError(f"slot {self.number} is in use by another process now") from None
        os.close(self._descriptor)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the slot up."""
        os.close(self._descriptor)


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
