"""How much is kept under each key: counted as it changes, never by a scan.

Errors: `sqlite3.Error`.
"""

import sqlite3
from dataclasses import dataclass, replace
from enum import Enum

from relay.model.ports import QueueKey
from relay.model.settings import Lane

NEVER = 2**62  # a time that does not come: held until somebody releases it
_ENDED = 1_000


class Standing(Enum):
    """Under which of the kept counts an entry falls."""

    WAITING = "waiting"
    LEASED = "leased"
    HELD = "held"

    @classmethod
    def of(cls, lease_until: object, held: object) -> "Standing":
        """Tell from the columns; a lease comes before a hold."""
        if lease_until is not None:
            return cls.LEASED
        return cls.HELD if held else cls.WAITING


_CHANGE = {
    standing: f"UPDATE keys SET {standing.value} = {standing.value} + ?, octets = octets + ?"  # noqa: S608 - the column is one of three words of ours
    " WHERE key = ?"
    for standing in Standing
}


def count_in(connection: sqlite3.Connection, key: QueueKey, standing: Standing, octets: int) -> int:
    """Count a new entry, and give its key's number."""
    found: tuple[int] = connection.execute(
        "INSERT INTO keys (route, lane, user, waiting, leased, held, octets)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " waiting = waiting + excluded.waiting, leased = leased + excluded.leased,"
        " held = held + excluded.held, octets = octets + excluded.octets RETURNING key",
        (
            key.route,
            key.lane,
            key.user,
            standing is Standing.WAITING,
            standing is Standing.LEASED,
            standing is Standing.HELD,
            octets,
        ),
    ).fetchone()
    return found[0]


def count_out(connection: sqlite3.Connection, key: int, standing: Standing, octets: int) -> None:
    """Count an entry no more."""
    connection.execute(_CHANGE[standing], (-1, -octets, key))


def move(
    connection: sqlite3.Connection, key: int, way: tuple[Standing, Standing], count: int = 1
) -> None:
    """Count entries under another standing: from, to."""
    was, becomes = way
    if was is not becomes:
        connection.execute(_CHANGE[was], (-count, 0, key))
        connection.execute(_CHANGE[becomes], (count, 0, key))


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
