"""Fetching a content from its row or from its file, for the queue and for an operator.

A row is read where the database is, a large body's file in a thread of its own.

Errors: `Corrupt` for damaged octets, `StoreFault` where there is nothing to read.
"""

import sqlite3
from dataclasses import dataclass
from functools import partial

from relay.model.content import Content
from relay.model.ports import Corrupt, StoreFault
from relay.stores.contents import decode_content
from relay.stores.sqlite.bodies import Bodies
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database
from relay.stores.sqlite.rows import content_of


@dataclass(frozen=True, slots=True)
class InFile:
    """A content that stands in a file of its own."""

    queue_id: str
    name: str


async def fetch_content(
    crew: Crew, database: Database, bodies: Bodies, queue_id: str
) -> Content | Corrupt | StoreFault:
    """Read and check a content; nothing is changed."""
    found = await crew.reader.do(database, partial(content_in, queue_id))
    return await from_file(crew, bodies, found) if isinstance(found, InFile) else found


def content_in(
    queue_id: str, connection: sqlite3.Connection
) -> Content | Corrupt | StoreFault | InFile:
    """Read and check a content that stands in its row, or say which file it is in."""
    found = content_of(connection, queue_id)
    if found is None:
        return StoreFault(f"{queue_id} is not in the queue")
    file, octets = found
    if file is not None:
        return InFile(queue_id, file)
    if octets is None:
        return Corrupt(queue_id, "its content is missing")
    return decode_content(queue_id, octets)


async def from_file(crew: Crew, bodies: Bodies, where: InFile) -> Content | Corrupt | StoreFault:
    """Read and check a content that stands in a file."""
    return await crew.aside(partial(_read, bodies, where.queue_id, where.name))


def _read(bodies: Bodies, queue_id: str, file: str) -> Content | Corrupt | StoreFault:
    octets = bodies.read(queue_id, file)
    return decode_content(queue_id, octets) if isinstance(octets, bytes) else octets
