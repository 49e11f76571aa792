"""Every call to the file system on which durability rests, each one on its own.

One object, so that a test can make call n fail, or remember what was synced and forget the rest.

Errors: `OSError` and `sqlite3.Error`, as the system gives them.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path


class Files:
    """The real file system."""

    def create(self, path: Path) -> int:
        """Open a file that is not there yet, for writing, readable by its owner alone."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, descriptor: int, pieces: Sequence[bytes | memoryview]) -> None:
        """Write all octets."""
        for piece in pieces:
            left = memoryview(piece)
            while left:
                left = left[os.write(descriptor, left) :]

    def sync(self, descriptor: int) -> None:
        """Wait until the file's octets are on stable storage."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close."""
        os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its final name, in the same folder."""
        old.rename(new)

    def sync_folder(self, folder: Path) -> None:
        """Wait until the folder's names are on stable storage."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self, path: Path) -> bytes:
        """Read a whole file."""
        return path.read_bytes()

    def remove(self, path: Path) -> None:
        """Remove a file; one that is gone already is as good."""
        path.unlink(missing_ok=True)

    def names(self, folder: Path) -> list[str]:
        """List a folder."""
        return [path.name for path in folder.iterdir()]

    def make_folder(self, folder: Path) -> None:
        """Make a folder, and what leads to it, closed to others; keep one that is there."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def identity(self, path: Path) -> tuple[int, int]:
        """Say which file a path leads to now: device and inode."""
        found = os.stat(path)  # noqa: PTH116 - Path.stat costs three times as much
        return found.st_dev, found.st_ino

    def connect(self, path: Path, *, create: bool, patience: float) -> sqlite3.Connection:
        """Open a database; wait `patience` seconds where another process has locked it."""
        mode = "rwc" if create else "rw"
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=patience,
            isolation_level=None,  # transactions are ours to begin
            check_same_thread=False,  # one thread at a time, but a close may come from another
            cached_statements=64,
        )

    def commit(self, connection: sqlite3.Connection) -> None:
        """End a transaction; with synchronous=FULL it is on stable storage afterwards."""
        connection.execute("COMMIT")
