"""Fetching a content from its row or from its file, for the queue and for an operator.

Errors: `Corrupt` for damaged octets, `StoreFault` where there is nothing to read.
"""

import sqlite3
from functools import partial

from relay.model.content import Content
from relay.model.ports import Corrupt, StoreFault
from relay.stores.contents import decode_content
from relay.stores.sqlite.bodies import Bodies
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database
from relay.stores.sqlite.rows import content_of


async def fetch_content(
    crew: Crew, database: Database, bodies: Bodies, queue_id: str
) -> Content | Corrupt | StoreFault:
    """Read and check a content; nothing is changed."""

    def work(connection: sqlite3.Connection) -> Content | Corrupt | StoreFault | str:
        found = content_of(connection, queue_id)
        if found is None:
            return StoreFault(f"{queue_id} is not in the queue")
        file, octets = found
        if file is not None:
            return file
        if octets is None:
            return Corrupt(queue_id, "its content is missing")
        return decode_content(queue_id, octets)

    answer = await crew.reader.do(database, work)
    if isinstance(answer, str):
        return await crew.aside(partial(_read, bodies, queue_id, answer))
    return answer


def _read(bodies: Bodies, queue_id: str, file: str) -> Content | Corrupt | StoreFault:
    octets = bodies.read(queue_id, file)
    return decode_content(queue_id, octets) if isinstance(octets, bytes) else octets
