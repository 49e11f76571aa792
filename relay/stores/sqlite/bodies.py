"""Large bodies as files beside the database: a row of 5 MB costs ten times its file.

A file is complete and synced under its final name, and the name synced in its folder, before the
row that names it is committed; it is removed after the row is gone. What is left between the two by
a crash is an orphan, found at the next start.

Errors: `StoreFault` where the file system refuses.
"""

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from relay.model.ports import Corrupt, StoreFault
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.rows import names_file

# Octets of an encoded content; up to here it is a column of its row.
LARGE = 128 * 1024
_UNFINISHED = ".part"


@dataclass(frozen=True, slots=True)
class Bodies:
    """The body files of one slot."""

    folder: Path
    files: Files

    def prepare(self) -> None:
        """Make the folder, and its own name durable. Raises OSError."""
        self.files.make_folder(self.folder)
        self.files.sync_folder(self.folder.parent)

    def keep(self, queue_id: str, pieces: Sequence[bytes | memoryview]) -> str | StoreFault:
        """Write a body durably and give the name of its file."""
        # The chance in the name: an id used twice by a fault must not replace a kept body.
        name = f"{queue_id}-{secrets.token_hex(4)}"
        unfinished = self.folder / (name + _UNFINISHED)
        try:
            self._write(unfinished, pieces)
            self.files.rename(unfinished, self.folder / name)
            self.files.sync_folder(self.folder)
        except OSError as error:
            self.discard([name + _UNFINISHED, name])
            return StoreFault(f"{self.folder.name}/{name}: {error.strerror}")
        return name

    def _write(self, path: Path, pieces: Sequence[bytes | memoryview]) -> None:
        descriptor = self.files.create(path)
        try:
            self.files.write(descriptor, pieces)
            self.files.sync(descriptor)
        finally:
            self.files.close(descriptor)

    def read(self, queue_id: str, name: str) -> bytes | Corrupt | StoreFault:
        """Read a body; a file that is missing while its folder is there is damage."""
        try:
            return self.files.read(self.folder / name)
        except FileNotFoundError:
            if self.folder.is_dir():
                return Corrupt(queue_id, f"its body {self.folder.name}/{name} is missing")
            return StoreFault(f"{self.folder.name} is missing")
        except OSError as error:
            return StoreFault(f"{self.folder.name}/{name}: {error.strerror}")

    def discard(self, names: Sequence[str]) -> list[str]:
        """Remove files that no row names, and say which of them could not be removed."""
        stay = []
        for name in names:
            try:
                self.files.remove(self.folder / name)
            except OSError:  # told to the caller; at the latest the next start removes it
                stay.append(name)
        return stay

    def orphans(self, connection: sqlite3.Connection) -> list[str]:
        """Find the files that no row names. Raises OSError."""
        return [name for name in self.files.names(self.folder) if not names_file(connection, name)]
