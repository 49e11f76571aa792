"""Going through the entries of a slot as an operator means them, a piece at a time.

Errors: `sqlite3.Error`; damaged rows are `Corrupt` values.
"""

import json
import sqlite3
from datetime import datetime

from relay.model.custody import AGE_BANDS, EntryState, Selection
from relay.model.ports import Corrupt
from relay.stores.chosen import fits, only_sound, words_within
from relay.stores.codec import to_number
from relay.stores.frame import OCTETS
from relay.stores.sqlite.rows import Row, select

PIECE = 500  # entries in one transaction, so that the relay's own are never kept waiting long
_LOOKED_AT = 5_000  # likewise, where the database itself looks for words in them
# What the columns know of a state: all that are in it, and some whose lease or hold has ended.
_STATES = {
    EntryState.LEASED: "lease_until IS NOT NULL",
    EntryState.HELD: "held",
    EntryState.CORRUPT: "false",  # those are set aside
}
# The frame ends with a checksum, which may be any octets.
_WORD = f"instr(lower(CAST(substr(message, {OCTETS + 1}) AS TEXT)), ?) > 0"


def _condition(chosen: Selection, after: int) -> tuple[str, list[object]]:
    """Put what the columns can tell into SQL."""
    words: list[str] = ["entries.seq > ?"]
    found: list[object] = [after]
    if chosen.ids:
        words.append("id IN (SELECT value FROM json_each(?))")
        found.append(json.dumps(sorted(chosen.ids)))
    if chosen.user is not None:
        words.append("key IN (SELECT key FROM keys WHERE user = ?)")
        found.append(chosen.user)
    if chosen.route is not None:
        words.append("key IN (SELECT key FROM keys WHERE route = ?)")
        found.append(chosen.route)
    if chosen.received_before is not None:
        words.append("received_at < ?")
        found.append(to_number(chosen.received_before))
    if chosen.due_after is not None:
        # The index has the answer, however many are kept.
        words.append(
            "NOT held AND lease_until IS NULL AND entries.seq IN (SELECT seq FROM entries"
            " WHERE key IN (SELECT key FROM keys) AND ready_at > ?)"
        )
        found.append(to_number(chosen.due_after))
    if chosen.state in _STATES:
        words.append(_STATES[chosen.state])
    for word in words_within(chosen):
        words.append(_WORD)
        found.append(word)
    return f"WHERE {' AND '.join(words)}", found


def piece_of(
    chosen: Selection,
    now: datetime,
    after: int,
    connection: sqlite3.Connection,
    most: int = PIECE,
) -> tuple[list[Row], int | None]:
    """Read the next entries meant, `most` at a time, and say where the next piece begins."""
    where, values = _condition(chosen, after)
    end = _end_of_look(connection, after) if chosen.state or words_within(chosen) else None
    if end is not None:
        where += f" AND entries.seq <= {end}"
    found = select(connection, f"{where} ORDER BY entries.seq LIMIT {most}", values)
    last = found[-1].place.seq if len(found) == most else end
    return [row for row in found if fits(chosen, row.entry, now)], last


def _end_of_look(connection: sqlite3.Connection, after: int) -> int | None:
    """Say how far one transaction may look; None: to the end."""
    found = connection.execute(
        "SELECT seq FROM entries WHERE seq > ? ORDER BY seq LIMIT 1 OFFSET ?",
        (after, _LOOKED_AT - 1),
    ).fetchone()
    return found[0] if found else None


def set_aside_among(chosen: Selection, limit: int, connection: sqlite3.Connection) -> list[Corrupt]:
    """List what was set aside; of a damaged entry nothing but its id is sure."""
    if only_sound(chosen):
        return []
    return [one for one in corrupt_all(connection) if not chosen.ids or one.id in chosen.ids][
        :limit
    ]


def corrupt_all(connection: sqlite3.Connection) -> list[Corrupt]:
    """List what was set aside, in the order it was found."""
    found = connection.execute("SELECT id, reason FROM corrupt ORDER BY seq")
    return [Corrupt(queue_id, reason) for queue_id, reason in found]


def corrupt_one(connection: sqlite3.Connection, queue_id: str) -> Corrupt | None:
    """Find an entry among those set aside."""
    found = connection.execute(
        "SELECT reason FROM corrupt WHERE id = ? ORDER BY seq DESC LIMIT 1", (queue_id,)
    ).fetchone()
    return Corrupt(queue_id, found[0]) if found else None


def drop_corrupt(
    ids: frozenset[str], connection: sqlite3.Connection
) -> list[tuple[str, str | None]]:
    """Throw away what was set aside under these ids; give each with the file it leaves."""
    return [
        found
        for queue_id in sorted(ids)
        for found in connection.execute(
            "DELETE FROM corrupt WHERE id = ? RETURNING id, file", (queue_id,)
        ).fetchall()
    ]


def oldest(connection: sqlite3.Connection) -> int | None:
    """Say when the entry that came first was received."""
    found = connection.execute("SELECT received_at FROM entries ORDER BY seq LIMIT 1").fetchone()
    return found[0] if found else None


def census(
    now: int, connection: sqlite3.Connection
) -> list[tuple[str, str | None, str, int, int, int]]:
    """Count by user, lane, state and age band (its number): messages and octets."""
    bands = " + ".join(f"(received_at <= {now - age * 1_000_000})" for age in AGE_BANDS[1:])
    return connection.execute(
        "SELECT user, lane,"  # noqa: S608 - the bands are numbers
        " CASE WHEN lease_until > ?1 THEN 'leased'"
        " WHEN entries.held AND ready_at > ?1 THEN 'held' ELSE 'waiting' END AS state,"
        f" {bands} AS age, count(*), sum(size)"
        " FROM entries JOIN keys USING (key) GROUP BY 1, 2, 3, 4"
        " UNION ALL SELECT '', NULL, 'corrupt', 0, count(*), 0 FROM corrupt HAVING count(*) > 0",
        (now,),
    ).fetchall()
