"""How much is kept under each key: counted by triggers of the file as it changes, never by a scan.

An entry falls under one of three counts: leased, or else held, or else waiting.

Errors: `sqlite3.Error`.
"""

import sqlite3
from dataclasses import dataclass, replace

from relay.model.ports import QueueKey
from relay.model.settings import Lane

NEVER = 2**62  # a time that does not come: held until somebody releases it
_ENDED = 1_000


def open_key(connection: sqlite3.Connection, key: QueueKey) -> None:
    """Make sure that a key is counted."""
    connection.execute(
        "INSERT INTO keys (route, lane, user, waiting, leased, held, octets)"
        " VALUES (?, ?, ?, 0, 0, 0, 0) ON CONFLICT DO NOTHING",
        (key.route, key.lane, key.user),
    )


def usage(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Sum up messages, octets, and the entries set aside."""
    messages, octets = connection.execute(
        "SELECT coalesce(sum(waiting + leased + held), 0), coalesce(sum(octets), 0) FROM keys"
    ).fetchone()
    corrupt = connection.execute("SELECT count(*) FROM corrupt").fetchone()[0]
    return messages, octets, corrupt


@dataclass(frozen=True, slots=True)
class KeyCounts:
    """What is kept under one key."""

    number: int
    key: QueueKey
    waiting: int
    leased: int
    held: int
    next_at: int | None  # when the next can be claimed; None: all held for good


def backlog(now: int, connection: sqlite3.Connection) -> list[KeyCounts]:
    """Give the counts of each key that has entries; an ended lease or hold counts as waiting."""
    found = connection.execute(
        "SELECT key, route, lane, user, waiting, leased, held,"
        " (SELECT min(ready_at) FROM entries WHERE entries.key = keys.key)"
        " FROM keys WHERE waiting + leased + held > 0"
    ).fetchall()
    counts = [
        KeyCounts(
            number=number,
            key=QueueKey(route, Lane(lane), user),
            waiting=waiting,
            leased=leased,
            held=held,
            next_at=None if at == NEVER else at,
        )
        for number, route, lane, user, waiting, leased, held, at in found
    ]
    return [
        _with_ended(connection, count, now)
        if not count.waiting and count.next_at is not None and count.next_at <= now
        else count
        for count in counts
    ]


def _with_ended(connection: sqlite3.Connection, count: KeyCounts, now: int) -> KeyCounts:
    """Look where nothing seems to wait and yet something is due; `_ENDED` are enough to know."""
    leased, held = connection.execute(
        "SELECT coalesce(sum(lease_until IS NOT NULL), 0), coalesce(sum(lease_until IS NULL), 0)"
        " FROM (SELECT lease_until FROM entries WHERE key = ? AND ready_at <= ? LIMIT ?)",
        (count.number, now, _ENDED),
    ).fetchone()
    return replace(
        count, waiting=leased + held, leased=count.leased - leased, held=count.held - held
    )


def key_number(connection: sqlite3.Connection, key: QueueKey) -> int | None:
    """Find a key's number; None: nothing was ever kept under it."""
    found = connection.execute(
        "SELECT key FROM keys WHERE route = ? AND lane = ? AND user = ?",
        (key.route, key.lane, key.user),
    ).fetchone()
    return found[0] if found else None
