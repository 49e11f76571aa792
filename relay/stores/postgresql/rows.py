"""The rows of entries: what each of the queue's verbs does to them.

Each function is one or a few statements; those that must stand or fall together are one statement,
so that most verbs are one round trip and one commit.

Errors: those of the connection; damaged rows are `Corrupt` values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.model.entry import Held, QueueEntry
from relay.model.ports import Corrupt, QueueKey, Stale
from relay.stores.codec import Columns, decode_entry, encode_message, encode_progress, to_number
from relay.stores.postgresql.database import Connection, keepable

NEVER = 2**62  # a time that does not come: held until somebody releases it


def due_at(entry: QueueEntry) -> int:
    """Say when an entry can be claimed, as far as nodes say so: backoff and hold."""
    return max(to_number(entry.next_attempt_at), _held_until(entry.held))


def _held_until(held: Held | None) -> int:
    if held is None:
        return 0
    return NEVER if held.until is None else to_number(held.until)


# --- In ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """An entry on its way in, as octets."""

    entry: QueueEntry
    lease_left: int | None  # microseconds
    content: bytes | None  # None: it is in `pieces`
    pieces: Sequence[bytes] = ()

    @property
    def key(self) -> QueueKey:
        """Whose turn it waits for."""
        message = self.entry.message
        return QueueKey(message.route, message.lane, message.user)


_INSERT = """
WITH said AS (
    SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[],
        $6::bool[], $7::bigint[], $8::bigint[], $9::bytea[], $10::bytea[], $11::bytea[])
    WITH ORDINALITY AS s(id, key, version, due_at, lease_left, held, received_at, size, progress,
        message, content, place)
), kept AS (
    INSERT INTO ses_relay.entries (id, key, version, due_at, lease_until, lease_node, held,
        received_at, size, progress)
    SELECT id, key, version, due_at, ses_relay.clock() + lease_left,
        CASE WHEN lease_left IS NOT NULL THEN $12::text END, held, received_at, size, progress
    FROM said ORDER BY place
    RETURNING seq, id
), messages AS (
    INSERT INTO ses_relay.messages (seq, message, content)
    SELECT seq, message, content FROM kept JOIN said USING (id)
)
SELECT seq, id FROM kept
"""


async def insert(
    connection: Connection, new: Sequence[NewRow], keys: Mapping[QueueKey, int], node: str
) -> None:
    """Add entries. Raises UniqueViolationError for an id that is there already."""
    entries = [row.entry for row in new]
    found = await connection.fetch(
        _INSERT,
        [entry.id for entry in entries],
        [keys[row.key] for row in new],
        [entry.version for entry in entries],
        [due_at(entry) for entry in entries],
        [row.lease_left for row in new],
        [entry.held is not None for entry in entries],
        [to_number(entry.message.received_at) for entry in entries],
        [entry.message.size for entry in entries],
        [encode_progress(entry) for entry in entries],
        [encode_message(entry.message) for entry in entries],
        [row.content for row in new],
        node,
    )
    places = {queue_id: seq for seq, queue_id in found}
    for row in new:
        for number, octets in enumerate(row.pieces):  # one at a time: all at once stops the loop
            await connection.execute(
                "INSERT INTO ses_relay.pieces (seq, number, octets) VALUES ($1, $2, $3)",
                places[row.entry.id],
                number,
                octets,
            )


# --- Out -----------------------------------------------------------------------------------------

# What is leased stands in an index of its own, so that a claim never steps over it. Ended leases
# come first: they have waited longest. The array and the inner SELECT at the end leave the planner
# no way but the primary keys, however little it knows of the tables.
_CLAIM = """
WITH wanted AS (
    SELECT * FROM unnest($1::int[], $2::int[]) AS w(key, n)
), ended AS MATERIALIZED (
    SELECT w.key, e.seq FROM wanted w CROSS JOIN LATERAL (
        SELECT seq FROM ses_relay.entries
        WHERE key = w.key AND lease_until <= ses_relay.clock() AND due_at <= $3
        ORDER BY lease_until LIMIT w.n FOR UPDATE SKIP LOCKED
    ) e
), free AS MATERIALIZED (
    SELECT w.key, e.seq FROM wanted w CROSS JOIN LATERAL (
        SELECT seq FROM ses_relay.entries
        WHERE key = w.key AND lease_until IS NULL AND due_at <= $3
        ORDER BY due_at, seq
        LIMIT greatest(0, w.n - (SELECT count(*) FROM ended WHERE ended.key = w.key))
        FOR UPDATE SKIP LOCKED
    ) e
), leased AS (
    UPDATE ses_relay.entries e SET version = version + 1, lease_until = ses_relay.clock() + $4,
        lease_node = $5, lease_claim = $6
    WHERE e.seq = ANY (ARRAY(SELECT seq FROM ended UNION ALL SELECT seq FROM free))
    RETURNING e.seq, e.id, e.version, e.due_at, e.progress
)
SELECT l.id, l.version, l.progress,
    (SELECT message FROM ses_relay.messages m WHERE m.seq = l.seq)
FROM leased l ORDER BY l.due_at, l.seq
"""


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims, and which of its claims this is."""

    node: str
    number: int


async def claim(
    connection: Connection,
    wanted: Mapping[int, int],
    times: tuple[datetime, datetime],
    claimant: Claimant,
) -> list[QueueEntry | Corrupt]:
    """Lease up to n due entries of each key (by number); `times`: now, and the lease's end."""
    now, until = times
    found = await connection.fetch(
        _CLAIM,
        list(wanted),
        list(wanted.values()),
        to_number(now),
        to_number(until) - to_number(now),
        claimant.node,
        claimant.number,
    )
    return [
        _entry(Columns(id=queue_id, version=version, lease_until=until), message, progress)
        for queue_id, version, progress, message in found
    ]


async def give_back(connection: Connection, node: str, claims: Sequence[int]) -> None:
    """End the leases of claims whose answer was lost, so that nobody knows of them."""
    await connection.execute(
        "UPDATE ses_relay.entries SET version = version + 1, lease_until = NULL,"
        " lease_node = NULL, lease_claim = NULL"
        " WHERE lease_until IS NOT NULL AND lease_node = $1 AND lease_claim = ANY($2::bigint[])",
        node,
        list(claims),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it was found, or the word that it is damaged."""

    seq: int
    entry: QueueEntry | Corrupt


ENTRIES = (
    "SELECT e.seq, e.id, e.version, e.lease_until - ses_relay.clock(), e.progress, m.message"
    " FROM ses_relay.entries e LEFT JOIN ses_relay.messages m USING (seq)"
)


def row_of(row: Sequence[object], now: datetime) -> Row:
    """Read a row of `ENTRIES`; its lease ends as far from `now` as from the server's time."""
    seq, queue_id, version, lease_left, progress, message = row
    assert isinstance(seq, int)
    assert isinstance(queue_id, str)
    assert isinstance(version, int)
    assert isinstance(progress, bytes)
    assert message is None or isinstance(message, bytes)
    lease = now + timedelta(microseconds=lease_left) if isinstance(lease_left, int) else None
    columns = Columns(id=queue_id, version=version, lease_until=lease)
    return Row(seq, _entry(columns, message, progress))


def _entry(columns: Columns, message: bytes | None, progress: bytes) -> QueueEntry | Corrupt:
    if message is None:
        return Corrupt(columns.id, "its message is missing")
    return decode_entry(columns, message, progress)


# --- Changes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """The next state of an entry, whose `version` is the one it must have until then."""

    entry: QueueEntry
    lease_left: int | None  # microseconds


_UPDATE = """
UPDATE ses_relay.entries e SET version = e.version + 1, due_at = s.due_at, held = s.held,
    progress = s.progress, lease_until = ses_relay.clock() + s.lease_left,
    lease_node = CASE WHEN s.lease_left IS NOT NULL THEN $7::text END, lease_claim = NULL
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bool[], $6::bytea[])
    AS s(id, version, due_at, lease_left, held, progress)
WHERE e.id = s.id AND e.version = s.version
RETURNING e.id
"""
_REMOVE = """
WITH gone AS (
    DELETE FROM ses_relay.entries e USING unnest($1::text[], $2::bigint[]) AS s(id, version)
    WHERE e.id = s.id AND e.version = s.version RETURNING e.seq, e.id
), messages AS (
    DELETE FROM ses_relay.messages m USING gone WHERE m.seq = gone.seq
), pieces AS (
    DELETE FROM ses_relay.pieces p USING gone WHERE p.seq = gone.seq
)
SELECT id FROM gone
"""


async def update(connection: Connection, changes: Sequence[Change], node: str) -> set[str]:
    """Put new states in the place of those with the right version; say which those were."""
    entries = [change.entry for change in changes]
    found = await connection.fetch(
        _UPDATE,
        [entry.id for entry in entries],
        [entry.version for entry in entries],
        [due_at(entry) for entry in entries],
        [change.lease_left for change in changes],
        [entry.held is not None for entry in entries],
        [encode_progress(entry) for entry in entries],
        node,
    )
    return {row[0] for row in found}


async def remove(connection: Connection, entries: Sequence[QueueEntry]) -> set[str]:
    """Take out entries with the right version, content and all; say which those were."""
    found = await connection.fetch(
        _REMOVE, [entry.id for entry in entries], [entry.version for entry in entries]
    )
    return {row[0] for row in found}


async def why_not(connection: Connection, change: Change, node: str) -> Stale | None:
    """Say why a change was not made. None: it was, before a fault hid the answer.

    Whoever asks again must not take its own record for somebody else's.
    """
    entry = change.entry
    found = await connection.fetchrow(
        "SELECT version, progress, lease_node FROM ses_relay.entries WHERE id = $1", entry.id
    )
    if found is None:
        return Stale(0)
    version, progress, owner = found
    made = entry.version + 1, encode_progress(entry), None if change.lease_left is None else node
    return None if (version, progress, owner) == made else Stale(version)


_SET_ASIDE = """
WITH gone AS (
    DELETE FROM ses_relay.entries WHERE id = $1 RETURNING seq, id, progress, size
), message AS (
    DELETE FROM ses_relay.messages m USING gone WHERE m.seq = gone.seq
    RETURNING m.seq, m.message, m.content
), aside AS (
    INSERT INTO ses_relay.corrupt (seq, id, reason, found_at, progress, message, content)
    SELECT gone.seq, gone.id, $2, $3, gone.progress, message.message, message.content
    FROM gone LEFT JOIN message USING (seq)
)
SELECT size FROM gone
"""


async def set_aside(connection: Connection, damage: Corrupt, now: datetime) -> int | None:
    """Move a damaged entry, as it is, to where nobody claims it; its pieces stay where they are.

    Gives the octets it counted for. None: it was not there any more.
    """
    found = await connection.fetchrow(
        _SET_ASIDE, damage.id, keepable(damage.reason), to_number(now)
    )
    return None if found is None else found[0]
