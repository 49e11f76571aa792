"""Contents on their way into the database and back; large ones in pieces.

A large content is cut, so that neither side holds it a second time as one parameter, and so that
the event loop is never busy with it for long.

Errors: `Corrupt` for damaged octets, `StoreFault` where there is nothing to read.
"""

import asyncio
from collections.abc import Sequence

from relay.model.content import Content
from relay.model.ports import Corrupt, NewEntry, StoreFault
from relay.stores.contents import decode_content, encode_content
from relay.stores.postgresql.database import Connection, Database
from relay.stores.postgresql.leases import Leases
from relay.stores.postgresql.rows import NewRow

LARGE = 128 * 1024  # octets of a content; up to here it is a column of its row
PIECE = 512 * 1024


def is_large(one: NewEntry) -> bool:
    """Say if a message's content goes in pieces."""
    return one.content.size > LARGE


def small_row(one: NewEntry, leases: Leases) -> NewRow:
    """Encode a message that is not large."""
    left = leases.left(one.entry.id, one.entry.lease_until)
    return NewRow(entry=one.entry, lease_left=left, content=b"".join(encode_content(one.content)))


async def new_rows(new: Sequence[NewEntry], leases: Leases) -> list[NewRow]:
    """Encode messages of any size; checksums of large ones are made beside the event loop."""
    rows: list[NewRow] = []
    for one in new:
        if not is_large(one):
            rows.append(small_row(one, leases))
            continue
        pieces = await asyncio.to_thread(_cut, one.content)
        left = leases.left(one.entry.id, one.entry.lease_until)
        rows.append(NewRow(entry=one.entry, lease_left=left, content=None, pieces=pieces))
    return rows


def _cut(content: Content) -> list[bytes]:
    return [
        bytes(whole[start : start + PIECE])
        for part in encode_content(content)
        for whole in (memoryview(part),)
        for start in range(0, len(whole), PIECE)
    ]


async def fetch_content(database: Database, queue_id: str) -> Content | Corrupt | StoreFault:
    """Read and check a content; nothing is changed."""

    async def work(connection: Connection) -> list[bytes] | StoreFault | Corrupt:
        found = await connection.fetchrow(
            "SELECT e.seq, m.seq IS NOT NULL, m.content FROM ses_relay.entries e"
            " LEFT JOIN ses_relay.messages m USING (seq) WHERE e.id = $1",
            queue_id,
        )
        if found is None:
            return StoreFault(f"{queue_id} is not in the queue")
        seq, has_message, content = found
        if not has_message:
            return Corrupt(queue_id, "its message is missing")
        return [content] if content is not None else await _pieces(connection, seq)

    octets = await database.ask(work)
    if not isinstance(octets, list):
        return octets
    if not octets:
        return Corrupt(queue_id, "its content is missing")
    if len(octets) == 1:
        return decode_content(queue_id, octets[0])
    return await asyncio.to_thread(lambda: decode_content(queue_id, b"".join(octets)))


async def _pieces(connection: Connection, seq: int) -> list[bytes]:
    pieces: list[bytes] = []
    while True:
        found = await connection.fetchrow(
            "SELECT octets FROM ses_relay.pieces WHERE seq = $1 AND number = $2", seq, len(pieces)
        )
        if found is None:
            return pieces
        pieces.append(found[0])
