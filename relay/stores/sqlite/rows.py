"""The rows of one queue database: what each of the queue's verbs does to them.

Every function here runs inside a transaction and changes nothing but the database, so that it can
be rolled back and run again.

Errors: `sqlite3.Error`; damaged rows are `Corrupt` values.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from relay.model.entry import Held, QueueEntry, RequestState
from relay.model.ports import Corrupt, QueueKey
from relay.stores.codec import (
    Columns,
    decode_entry,
    encode_message,
    encode_progress,
    to_number,
    to_time,
)
from relay.stores.sqlite.counts import NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """An entry on its way in, as octets."""

    entry: QueueEntry
    key: QueueKey
    message: bytes
    progress: bytes
    content: bytes | None  # None: it is in `file`
    file: str | None

    @classmethod
    def of(cls, entry: QueueEntry, content: bytes | None, file: str | None) -> "NewRow":
        """Encode an entry."""
        message = entry.message
        return cls(
            entry=entry,
            key=QueueKey(message.route, message.lane, message.user),
            message=encode_message(message),
            progress=encode_progress(entry),
            content=content,
            file=file,
        )


def ready_at(entry: QueueEntry) -> int:
    """Say when an entry can be claimed, whatever keeps it till then."""
    return max(
        to_number(entry.next_attempt_at),
        _number(entry.lease_until) or 0,
        _held_until(entry.held),
    )


def _held_until(held: Held | None) -> int:
    if held is None:
        return 0
    return NEVER if held.until is None else to_number(held.until)


def _number(time: datetime | None) -> int | None:
    return None if time is None else to_number(time)


def _busy(entry: QueueEntry) -> bool:
    return entry.lease_until is not None or any(
        request.state is RequestState.IN_FLIGHT for request in entry.requests
    )


def insert(connection: sqlite3.Connection, rows: Sequence[NewRow]) -> None:
    """Add entries under keys that are open. Raises IntegrityError for an id that is there already.

    So does an unknown key, which has no number.
    """
    for row in rows:
        entry, message, key = row.entry, row.entry.message, row.key
        seq = connection.execute(
            "INSERT INTO entries (id, key, version, ready_at, lease_until, held, busy,"
            " received_at, size, progress) VALUES (?,"
            " (SELECT key FROM keys WHERE route = ? AND lane = ? AND user = ?),"
            " ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.id,
                key.route,
                key.lane,
                key.user,
                entry.version,
                ready_at(entry),
                _number(entry.lease_until),
                entry.held is not None,
                _busy(entry),
                to_number(message.received_at),
                message.size,
                row.progress,
            ),
        ).lastrowid
        connection.execute(
            "INSERT INTO messages (seq, message, file, content) VALUES (?, ?, ?, ?)",
            (seq, row.message, row.file, row.content),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands in the tables."""

    seq: int
    version: int


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it was found, or the word that it is damaged."""

    place: Place
    entry: QueueEntry | Corrupt


_ENTRY = (
    "SELECT entries.seq, version, lease_until, id, message, progress"
    " FROM entries LEFT JOIN messages USING (seq)"
)


def place_of(connection: sqlite3.Connection, queue_id: str) -> Place | None:
    """Find an entry without reading it."""
    found = connection.execute(
        "SELECT seq, version FROM entries WHERE id = ?", (queue_id,)
    ).fetchone()
    return Place(*found) if found else None


def select(connection: sqlite3.Connection, where: str, values: Sequence[object]) -> list[Row]:
    """Read entries; `where` is a condition written in this package."""
    return [_row(row) for row in connection.execute(f"{_ENTRY} {where}", tuple(values)).fetchall()]


def due(connection: sqlite3.Connection, key: int, now: int, limit: int) -> list[Row]:
    """Read what can be claimed under a key, longest due first."""
    where = "WHERE key = ? AND ready_at <= ? ORDER BY ready_at, entries.seq LIMIT ?"
    return select(connection, where, (key, now, limit))


def content_of(
    connection: sqlite3.Connection, queue_id: str
) -> tuple[str | None, bytes | None] | None:
    """Find the file, or else the octets, of an entry's content; None: there is no such entry."""
    found: tuple[str | None, bytes | None] | None = connection.execute(
        "SELECT file, content FROM entries LEFT JOIN messages USING (seq) WHERE id = ?", (queue_id,)
    ).fetchone()
    return found


def names_file(connection: sqlite3.Connection, file: str) -> bool:
    """Say if a row, set aside or not, names a body file."""
    found = connection.execute(
        "SELECT 1 FROM messages WHERE file = ?1"
        " UNION ALL SELECT 1 FROM corrupt WHERE file = ?1 LIMIT 1",
        (file,),
    ).fetchone()
    return found is not None


def _row(row: tuple[int, int, int | None, str, bytes | None, bytes]) -> Row:
    seq, version, lease_until, queue_id, message, progress = row
    place = Place(seq, version)
    if message is None:
        return Row(place, Corrupt(queue_id, "its message is missing"))
    try:
        lease = None if lease_until is None else to_time(lease_until)
    except OverflowError:
        return Row(place, Corrupt(queue_id, "its lease ends beyond all time"))
    kept = Columns(id=queue_id, version=version, lease_until=lease)
    return Row(place, decode_entry(kept, message, progress))


def rewrite(connection: sqlite3.Connection, before: int, entry: QueueEntry) -> bool:
    """Put another state of an entry in the place of version `before`; False: there is none."""
    changed = connection.execute(
        "UPDATE entries SET version = ?, ready_at = ?, lease_until = ?, held = ?,"
        " busy = ?, progress = ? WHERE id = ? AND version = ?",
        (
            entry.version,
            ready_at(entry),
            _number(entry.lease_until),
            entry.held is not None,
            _busy(entry),
            encode_progress(entry),
            entry.id,
            before,
        ),
    )
    return changed.rowcount == 1


def is_recorded(connection: sqlite3.Connection, place: Place, entry: QueueEntry) -> bool:
    """Say if exactly this state of an entry is there already."""
    found = connection.execute(
        "SELECT 1 FROM entries WHERE seq = ? AND version = ? AND progress = ? AND lease_until IS ?",
        (place.seq, entry.version, encode_progress(entry), _number(entry.lease_until)),
    ).fetchone()
    return found is not None


def lease(
    connection: sqlite3.Connection, rows: Sequence[tuple[Place, QueueEntry]], until: int
) -> None:
    """Lease entries that are waiting or whose lease or hold has ended."""
    connection.executemany(
        "UPDATE entries SET version = ?, lease_until = ?, ready_at = ?, busy = 1 WHERE seq = ?",
        [(entry.version, until, max(until, ready_at(entry)), place.seq) for place, entry in rows],
    )


def postpone(connection: sqlite3.Connection, place: Place, until: int) -> None:
    """Keep a leased entry from being claimed till then."""
    connection.execute("UPDATE entries SET ready_at = ? WHERE seq = ?", (until, place.seq))


@dataclass(frozen=True, slots=True)
class Gone:
    """What an entry that was taken out leaves behind."""

    octets: int  # that it counted for
    file: str | None  # that no row names any more


def remove(connection: sqlite3.Connection, queue_id: str, version: int) -> Gone | None:
    """Take this version of an entry out; None: there is no such version."""
    found = connection.execute(
        "DELETE FROM entries WHERE id = ? AND version = ? RETURNING seq, size", (queue_id, version)
    ).fetchall()
    if not found:
        return None
    seq, size = found[0]
    files = connection.execute(
        "DELETE FROM messages WHERE seq = ? RETURNING file", (seq,)
    ).fetchall()
    return Gone(size, files[0][0] if files else None)


def set_aside(connection: sqlite3.Connection, place: Place, damage: Corrupt, now: datetime) -> int:
    """Move a damaged entry, as it is, to where nobody claims it; its body file stays.

    Gives the octets it counted for.
    """
    connection.execute(
        "INSERT INTO corrupt (id, reason, found_at, progress, message, file, content)"
        " SELECT ?, ?, ?, progress, message, file, content FROM entries"
        " LEFT JOIN messages USING (seq) WHERE entries.seq = ?",
        (damage.id, damage.reason, to_number(now), place.seq),
    )
    gone = remove(connection, damage.id, place.version)
    assert gone is not None, "it was found in this transaction"
    return gone.octets
