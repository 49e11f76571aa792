"""Holds and unheard verdicts in `state.db`, shared by all processes of a folder.

Errors: `StoreFault` values.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from relay.model.custody import ScopeHold
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import StoreFault
from relay.model.reply import Reply
from relay.stores.codec import decode_reply, encode_reply, to_number, to_time
from relay.stores.owed import OwedVerdicts
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.database import Database


class SqliteHolds:
    """Implements `relay.model.ports.Holds`."""

    def __init__(self, database: Database, reading: Database, crew: Crew) -> None:
        self._database = database
        self._reading = reading
        self._crew = crew

    async def holds(self, now: datetime) -> Sequence[ScopeHold] | StoreFault:
        """List what is held now; a hold that has run out is not."""

        def work(connection: sqlite3.Connection) -> list[ScopeHold]:
            found = connection.execute(
                "SELECT kind, name, route, reason, since, until FROM holds"
                " WHERE until IS NULL OR until > ? ORDER BY since, kind, name, route",
                (to_number(now),),
            )
            return [
                ScopeHold(
                    scope=Scope(ScopeKind(kind), name, route),
                    held=Held(reason=reason, until=None if until is None else to_time(until)),
                    since=to_time(since),
                )
                for kind, name, route, reason, since, until in found
            ]

        return await self._crew.reader.do(self._reading, work)

    async def hold(self, hold: ScopeHold) -> StoreFault | None:
        """Stop a scope; a hold already there is replaced."""
        scope, until = hold.scope, hold.held.until
        row = (
            scope.kind,
            scope.name,
            scope.route,
            hold.held.reason,
            to_number(hold.since),
            None if until is None else to_number(until),
        )

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO holds (kind, name, route, reason, since, until)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )

        return await self._crew.writer.do(self._database, work)

    async def release(self, scope: Scope) -> bool | StoreFault:
        """End a hold; False: there was none."""

        def work(connection: sqlite3.Connection) -> bool:
            return bool(
                connection.execute(
                    "DELETE FROM holds WHERE kind = ? AND name = ? AND route = ?",
                    (scope.kind, scope.name, scope.route),
                ).rowcount
            )

        return await self._crew.writer.do(self._database, work)


class SqliteVerdicts:
    """Implements `relay.model.ports.Verdicts`."""

    def __init__(self, database: Database, reading: Database, crew: Crew) -> None:
        self._database = database
        self._reading = reading
        self._crew = crew
        self._owed = OwedVerdicts(self._listed, crew.clock)

    async def keep(self, fingerprint: bytes, reply: Reply, until: datetime) -> StoreFault | None:
        """Remember a reply; those that nobody has asked for in time are forgotten."""
        octets, end, now = encode_reply(reply), to_number(until), to_number(self._crew.clock.now())

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM verdicts WHERE until <= ?", (now,))
            connection.execute(
                "INSERT OR REPLACE INTO verdicts (print, reply, until) VALUES (?, ?, ?)",
                (fingerprint, octets, end),
            )

        self._owed.add(fingerprint)  # first: who asks meanwhile stands in line behind this
        return await self._crew.writer.do(self._database, work)

    def surely_none(self, fingerprint: bytes) -> bool:
        """Say from memory that nothing is owed."""
        return self._owed.surely_without(fingerprint)

    async def take(self, fingerprint: bytes, now: datetime) -> Reply | StoreFault | None:
        """Give the reply out, once."""
        owed = await self._owed.may_have(fingerprint)
        if not owed or isinstance(owed, StoreFault):
            return owed or None

        def work(connection: sqlite3.Connection) -> Reply | None:
            found = connection.execute(
                "DELETE FROM verdicts WHERE print = ? RETURNING reply, until", (fingerprint,)
            ).fetchall()
            if not found or found[0][1] <= to_number(now):
                return None
            return decode_reply(found[0][0])

        return await self._crew.writer.do(self._database, work)

    async def _listed(self) -> list[bytes] | StoreFault:
        def work(connection: sqlite3.Connection) -> list[bytes]:
            return [row[0] for row in connection.execute("SELECT print FROM verdicts")]

        return await self._crew.reader.do(self._reading, work)
