"""The folder of the queue: there, ours to write, and on a disk with room.

Errors: none; findings.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from relay.model.settings import NoStore, Settings, SqliteStore
from relay.service.check.finding import Finding, fault, ok, warning

_MIB = 1024 * 1024


def check_store(settings: Settings) -> Iterator[Finding]:
    """Look at the store, as the user who runs the check."""
    match settings.queue.store:
        case NoStore():
            yield ok("queue.store", "none: a message is SES's or stays with its client")
        case SqliteStore(folder=folder):
            refused = _unwritable(folder)
            if refused is not None:
                yield refused
            else:
                yield from _room(folder, settings)
        case _:  # a database is asked when the relay opens it
            return


def _unwritable(folder: Path) -> Finding | None:
    about = f"queue.store {folder}"
    place = _nearest(folder)
    try:
        # Permission bits do not tell of read-only mounts, quotas and full disks; writing does.
        with tempfile.NamedTemporaryFile(dir=place, prefix=".ses-relay-check-") as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        return fault(
            about,
            f"{place} cannot be written: {error.strerror}",
            f"make it for the relay's user, `install -d -o USER -m 0700 {folder}`, and run this "
            "check as that user",
        )
    return None


def _room(folder: Path, settings: Settings) -> Iterator[Finding]:
    about = f"queue.store {folder}"
    disk = os.statvfs(_nearest(folder))
    free = disk.f_bavail * disk.f_frsize
    in_flight, most = settings.limits.octets_in_flight, settings.queue.max_size
    if free < in_flight:
        yield fault(
            about,
            f"{free // _MIB} MiB are free, less than limits.octets_in_flight "
            f"({in_flight // _MIB} MiB): clients would hear 452",
            "make room on that disk",
        )
    elif free < most:
        yield warning(
            about,
            f"{free // _MIB} MiB are free, and the queue may grow to {most // _MIB} MiB",
            "make room on that disk, or lower queue.max_size",
        )
    elif disk.f_files and disk.f_favail < settings.queue.max_messages:
        yield warning(
            about,
            f"{disk.f_favail} inodes are free for {settings.queue.max_messages} messages, of which "
            "each large one is a file",
            "make room on that disk, or lower queue.max_messages",
        )
    else:
        yield ok(about, f"can be written, {free // _MIB} MiB are free")


def _nearest(folder: Path) -> Path:
    """Give the folder, or what of its path exists, where it would be made."""
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
