"""File systems that fail, file systems that forget, and one that never makes a test wait."""

import errno
import os
import shutil
import sqlite3

from relay.stores.sqlite.files import Files

# Syncing is the store's daily bread: on a busy disk its tests would take minutes, in memory they
# take seconds, and what they show is the order of the calls. None: the usual place.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

_CALLS = tuple(name for name in vars(Files) if not name.startswith("_"))


class FailingFiles(Files):
    """Fails call number `fails_at` (counted from 1), and every later one while `for_good`."""

    def __init__(self, fails_at=0, *, for_good=False):
        self.fails_at = fails_at
        self.for_good = for_good
        self.calls = 0
        self.failed = None

    def _count(self, name):
        self.calls += 1
        due = self.calls >= self.fails_at if self.for_good else self.calls == self.fails_at
        if not self.fails_at or not due:
            return
        self.failed = name
        if name in ("connect", "commit"):
            raise sqlite3.OperationalError("disk I/O error")
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def _counted(name):
    real = getattr(Files, name)

    def call(self, *args, **kwargs):
        self._count(name)
        return real(self, *args, **kwargs)

    return call


for _name in _CALLS:
    setattr(FailingFiles, _name, _counted(_name))


class ForgetfulFiles(FailingFiles):
    """Knows what was synced; a copy made by `crash` has nothing else.

    SQLite's own files are copied as they are: that it syncs them is SQLite's part.
    """

    def __init__(self, fails_at=0, *, for_good=False):
        super().__init__(fails_at, for_good=for_good)
        self._open = {}
        self._unsynced = set()
        self._unnamed = set()

    def create(self, path):
        descriptor = super().create(path)
        self._open[descriptor] = path
        self._unsynced.add(path)
        self._unnamed.add(path)
        return descriptor

    def sync(self, descriptor):
        super().sync(descriptor)
        self._unsynced.discard(self._open[descriptor])

    def close(self, descriptor):
        super().close(descriptor)
        del self._open[descriptor]

    def rename(self, old, new):
        super().rename(old, new)
        self._unnamed.discard(old)
        self._unnamed.add(new)
        if old in self._unsynced:
            self._unsynced.discard(old)
            self._unsynced.add(new)

    def sync_folder(self, folder):
        super().sync_folder(folder)
        self._unnamed = {path for path in self._unnamed if path.parent != folder}

    def crash(self, folder, copy):
        """Copy a folder as a power cut would leave it."""
        shutil.copytree(folder, copy)
        for path in self._unsynced:
            there = copy / path.relative_to(folder)
            if there.exists():
                there.write_bytes(b"")
        for path in self._unnamed:
            (copy / path.relative_to(folder)).unlink(missing_ok=True)
