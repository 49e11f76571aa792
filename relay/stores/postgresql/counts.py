"""How much is kept under each key, from counts that the database keeps as entries change.

Errors: those of the connection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.model.custody import QueueUsage
from relay.model.ports import KeyBacklog, QueueKey
from relay.model.settings import Lane
from relay.stores.codec import to_number, to_time
from relay.stores.postgresql.database import Connection
from relay.stores.postgresql.rows import NEVER

_FOLDING = 0x53455346  # advisory lock: adding the ledger to the counts
_LONG = 1_000  # rows of the ledger; more are added up

_BOTH = (
    "(SELECT key, waiting, leased, held, octets FROM ses_relay.counts"
    " UNION ALL SELECT key, waiting, leased, held, octets FROM ses_relay.ledger) AS both_of_them"
)
_USAGE = (
    "SELECT coalesce(sum(waiting + leased + held), 0)::bigint,"  # noqa: S608 - words of ours alone
    " coalesce(sum(octets), 0)::bigint,"
    " (SELECT count(*) FROM ses_relay.corrupt), (SELECT count(*) FROM ses_relay.ledger)"
    f" FROM {_BOTH}"
)
# Ended leases and holds are looked up, a thousand at most: more than a window need not be known.
_BACKLOG = f"""SELECT k.route, k.lane, k."user", s.waiting, s.leased, s.held,
    (SELECT min(due_at) FROM ses_relay.entries WHERE key = s.key AND lease_until IS NULL),
    (SELECT min(lease_until) FROM ses_relay.entries
        WHERE key = s.key AND lease_until IS NOT NULL) - ses_relay.clock(),
    (SELECT count(*) FROM (SELECT 1 FROM ses_relay.entries
        WHERE key = s.key AND lease_until <= ses_relay.clock() LIMIT 1000) AS ended),
    (SELECT count(*) FROM (SELECT 1 FROM ses_relay.entries WHERE key = s.key AND held
        AND lease_until IS NULL AND due_at <= $1 LIMIT 1000) AS ended)
FROM (SELECT key, sum(waiting)::bigint AS waiting, sum(leased)::bigint AS leased,
        sum(held)::bigint AS held FROM {_BOTH} GROUP BY key) AS s
    JOIN ses_relay.keys k USING (key)
WHERE s.waiting + s.leased + s.held > 0
"""  # noqa: S608 - likewise
_FOLD = """
WITH gone AS (DELETE FROM ses_relay.ledger RETURNING *)
INSERT INTO ses_relay.counts AS c (key, waiting, leased, held, octets)
SELECT key, sum(waiting), sum(leased), sum(held), sum(octets) FROM gone GROUP BY key
ON CONFLICT (key) DO UPDATE SET waiting = c.waiting + excluded.waiting,
    leased = c.leased + excluded.leased, held = c.held + excluded.held,
    octets = c.octets + excluded.octets
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """How full the queue is, and whether the ledger has become long."""

    usage: QueueUsage
    fold: bool


async def usage(connection: Connection) -> Usage:
    """Sum up what is kept."""
    found = await connection.fetchrow(_USAGE)
    messages, octets, corrupt, ledger = found or (0, 0, 0, 0)
    return Usage(QueueUsage(messages=messages, octets=octets, corrupt=corrupt), ledger > _LONG)


async def backlog(connection: Connection, now: datetime) -> list[KeyBacklog]:
    """Count by key; an ended lease or hold counts as waiting."""
    return [_of(row, now) for row in await connection.fetch(_BACKLOG, to_number(now))]


async def fold(connection: Connection) -> None:
    """Add the ledger to the counts, unless somebody else does; within a transaction."""
    lock = await connection.fetchrow(f"SELECT pg_try_advisory_xact_lock({_FOLDING})")
    if lock is not None and lock[0]:
        await connection.execute(_FOLD)


def _of(row: Sequence[object], now: datetime) -> KeyBacklog:
    route, lane, user = (str(word) for word in row[:3])
    waiting, leased, held, free_at, lease_left, ended, over = (
        number if isinstance(number, int) else None for number in row[3:]
    )
    ended, over = ended or 0, over or 0
    times = [] if free_at is None or free_at >= NEVER else [to_time(free_at)]
    if lease_left is not None:
        times.append(now + timedelta(microseconds=lease_left))
    return KeyBacklog(
        key=QueueKey(route, Lane(lane), user),
        waiting=(waiting or 0) + ended + over,
        leased=(leased or 0) - ended,
        held=(held or 0) - over,
        next_attempt_at=min(times, default=None),
    )
