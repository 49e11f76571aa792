"""Going through the entries as an operator means them.

Errors: those of the connection; damaged rows are `Corrupt` values.
"""

from collections.abc import Sequence
from datetime import datetime

from relay.model.custody import AGE_BANDS, EntryState, QueueCount, Selection
from relay.model.entry import QueueEntry
from relay.model.ports import Corrupt
from relay.model.settings import Lane
from relay.stores.chosen import fits, only_sound, words_within
from relay.stores.codec import to_number
from relay.stores.frame import OCTETS
from relay.stores.postgresql import rows
from relay.stores.postgresql.database import Connection, keepable
from relay.stores.postgresql.rows import Row

# What the columns know of a state: all that are in it, and some whose lease or hold has ended.
_STATES = {
    EntryState.LEASED: "e.lease_until IS NOT NULL",
    EntryState.HELD: "e.held",
    EntryState.CORRUPT: "false",  # those are set aside
}
# Behind the frame, whose checksum may be any octets; written so that no octets can be a fault.
_TEXT = f"lower(encode(substring(m.message FROM {OCTETS + 1}), 'escape'))"
_PIECE = 500  # entries in one transaction, so that the relays' own are never kept waiting long


def _condition(chosen: Selection) -> tuple[str, list[object]]:
    """Put what the columns can tell into SQL."""
    words: list[str] = ["true"]
    found: list[object] = []
    if chosen.ids:
        found.append([keepable(queue_id) for queue_id in sorted(chosen.ids)])
        words.append(f"e.id = ANY(${len(found)}::text[])")
    if chosen.user is not None:
        found.append(keepable(chosen.user))
        words.append(
            f'e.key IN (SELECT key FROM ses_relay.keys WHERE "user" = ${len(found)}::text)'  # noqa: S608 - a number
        )
    if chosen.route is not None:
        found.append(keepable(chosen.route))
        words.append(
            f"e.key IN (SELECT key FROM ses_relay.keys WHERE route = ${len(found)}::text)"  # noqa: S608 - a number
        )
    if chosen.received_before is not None:
        found.append(to_number(chosen.received_before))
        words.append(f"e.received_at < ${len(found)}::bigint")
    if chosen.due_after is not None:
        found.append(to_number(chosen.due_after))
        # All that the index begins with, so that it has the answer however many are kept.
        words.append("e.lease_until IS NULL AND e.key IN (SELECT key FROM ses_relay.keys)")
        words.append(f"NOT e.held AND e.due_at > ${len(found)}::bigint")
    if chosen.state in _STATES:
        words.append(_STATES[chosen.state])
    for word in words_within(chosen):
        found.append(word)
        words.append(f"position(${len(found)}::text IN {_TEXT}) > 0")
    return f"WHERE {' AND '.join(words)}", found


async def oldest_first(
    connection: Connection, chosen: Selection, now: datetime, limit: int
) -> list[QueueEntry | Corrupt]:
    """List entries, however few of many fit; within a transaction."""
    where, values = _condition(chosen)
    fitting: list[QueueEntry | Corrupt] = []
    # The message's own time stands in a column with an index; read by a cursor, as far as it takes.
    query = f"{rows.ENTRIES} {where} ORDER BY e.received_at, e.seq"
    if chosen.state is None and chosen.sender is None and chosen.recipient is None:
        # All of them fit: told so, the server reads no more than the page from the index.
        query += f" LIMIT {limit}"
    async for found in connection.cursor(query, *values, prefetch=min(limit, _PIECE)):
        entry = rows.row_of(found, now).entry
        if fits(chosen, entry, now):
            fitting.append(entry)
            if len(fitting) == limit:
                break
    return fitting


async def piece_to_change(
    connection: Connection, chosen: Selection, now: datetime, after: int
) -> tuple[list[Row], int]:
    """Read and lock the next entries meant, and say where the next piece begins; 0: no more."""
    where, values = _condition(chosen)
    found = await connection.fetch(
        f"{rows.ENTRIES} {where} AND e.seq > ${len(values) + 1}"
        f" ORDER BY e.seq LIMIT {_PIECE} FOR UPDATE OF e",
        *values,
        after,
    )
    last = found[-1][0] if len(found) == _PIECE else 0
    read = [rows.row_of(row, now) for row in found]
    return [row for row in read if fits(chosen, row.entry, now)], last


async def set_aside_among(
    connection: Connection, chosen: Selection, limit: int
) -> list[QueueEntry | Corrupt]:
    """List what was set aside; of a damaged entry nothing but its id is sure."""
    if only_sound(chosen):
        return []
    found = await connection.fetch(
        "SELECT id, reason FROM ses_relay.corrupt"
        " WHERE cardinality($1::text[]) = 0 OR id = ANY($1) ORDER BY seq LIMIT $2",
        [keepable(queue_id) for queue_id in sorted(chosen.ids)],
        limit,
    )
    return [Corrupt(queue_id, reason) for queue_id, reason in found]


async def drop_corrupt(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Throw away what was set aside under these ids; say which there were."""
    found = await connection.fetch(
        "WITH gone AS (DELETE FROM ses_relay.corrupt WHERE id = ANY($1::text[]) RETURNING seq, id),"
        " pieces AS (DELETE FROM ses_relay.pieces p USING gone WHERE p.seq = gone.seq)"
        " SELECT id FROM gone ORDER BY id",
        [keepable(queue_id) for queue_id in ids],
    )
    return [row[0] for row in found]


async def census(connection: Connection, now: datetime) -> list[QueueCount]:
    """Count by user, lane, state and age, in one scan."""
    at = to_number(now)
    bands = " + ".join(f"(e.received_at <= {at - age * 1_000_000})::int" for age in AGE_BANDS[1:])
    found = await connection.fetch(
        "SELECT k.\"user\", k.lane, CASE WHEN e.lease_until > ses_relay.clock() THEN 'leased'"  # noqa: S608 - the bands are numbers
        " WHEN e.held AND e.due_at > $1 THEN 'held' ELSE 'waiting' END,"
        f" {bands}, count(*), sum(e.size)::bigint"
        " FROM ses_relay.entries e JOIN ses_relay.keys k USING (key) GROUP BY 1, 2, 3, 4"
        " UNION ALL SELECT '', NULL, 'corrupt', 0, count(*), 0 FROM ses_relay.corrupt"
        " HAVING count(*) > 0",
        at,
    )
    return [
        QueueCount(
            user=user,
            lane=None if lane is None else Lane(lane),
            state=EntryState(state),
            age=AGE_BANDS[age],
            messages=messages,
            octets=octets,
        )
        for user, lane, state, age, messages, octets in found
    ]
