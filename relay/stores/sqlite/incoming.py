"""From a message to the octets of its rows, large bodies written as files on the way.

Errors: `StoreFault` where a body cannot be written.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from relay.model.ports import NewEntry, StoreFault
from relay.stores.contents import encode_content
from relay.stores.sqlite.bodies import LARGE, Bodies
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database
from relay.stores.sqlite.rows import NewRow, names_file


def is_large(one: NewEntry) -> bool:
    """Say if a message's content becomes a file."""
    return one.content.size > LARGE


def small_rows(new: Sequence[NewEntry]) -> list[NewRow]:
    """Encode messages none of which is large."""
    return [_small_row(one) for one in new]


@dataclass(frozen=True, slots=True)
class Incoming:
    """The way in for large messages."""

    bodies: Bodies
    reading: Database
    crew: Crew

    async def rows(self, new: Sequence[NewEntry]) -> list[NewRow] | StoreFault:
        """Encode messages; their large bodies are durable when this returns."""
        ready: list[NewRow] = []
        for one in new:
            if not is_large(one):
                ready.append(_small_row(one))
                continue
            file = await self.crew.aside(partial(_keep, self.bodies, one))
            if isinstance(file, StoreFault):
                await self.forget(ready)
                return file
            ready.append(NewRow.of(one.entry, None, file))
        return ready

    async def forget(self, new: Sequence[NewRow]) -> None:
        """Remove the bodies of rows that were not committed, unless they were after all."""
        files = [row.file for row in new if row.file is not None]
        if not files:
            return

        def work(connection: sqlite3.Connection) -> list[str]:
            return [name for name in files if not names_file(connection, name)]

        orphans = await self.crew.reader.do(self.reading, work)
        if not isinstance(orphans, StoreFault):  # else they stay for the sweep at the next start
            await self.crew.aside(partial(self.bodies.discard, orphans))


def _small_row(one: NewEntry) -> NewRow:
    return NewRow.of(one.entry, b"".join(encode_content(one.content)), None)


def _keep(bodies: Bodies, one: NewEntry) -> str | StoreFault:
    return bodies.keep(one.entry.id, encode_content(one.content))
