"""Holds and unheard verdicts, shared by all nodes.

Errors: `StoreFault` values.
"""

from collections.abc import Sequence
from datetime import datetime

from relay.model.clock import Clock
from relay.model.custody import ScopeHold
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import StoreFault
from relay.model.reply import Reply
from relay.stores.codec import decode_reply, encode_reply, to_number, to_time
from relay.stores.owed import OwedVerdicts
from relay.stores.postgresql.database import Connection, Database, keepable


class PostgresHolds:
    """Implements `relay.model.ports.Holds`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def holds(self, now: datetime) -> Sequence[ScopeHold] | StoreFault:
        """List what is held now; a hold that has run out is not."""

        async def work(connection: Connection) -> list[ScopeHold]:
            found = await connection.fetch(
                "SELECT kind, name, route, reason, since, until FROM ses_relay.holds"
                " WHERE until IS NULL OR until > $1 ORDER BY since, kind, name, route",
                to_number(now),
            )
            return [
                ScopeHold(
                    scope=Scope(ScopeKind(kind), name, route),
                    held=Held(reason=reason, until=None if until is None else to_time(until)),
                    since=to_time(since),
                )
                for kind, name, route, reason, since, until in found
            ]

        return await self._database.ask(work)

    async def hold(self, hold: ScopeHold) -> StoreFault | None:
        """Stop a scope; a hold already there is replaced."""
        until = hold.held.until

        async def work(connection: Connection) -> None:
            await connection.execute(
                "INSERT INTO ses_relay.holds (kind, name, route, reason, since, until)"
                " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, name, route) DO UPDATE SET"
                " reason = excluded.reason, since = excluded.since, until = excluded.until",
                *_names(hold.scope),
                keepable(hold.held.reason),
                to_number(hold.since),
                None if until is None else to_number(until),
            )

        return await self._database.ask(work)

    async def release(self, scope: Scope) -> bool | StoreFault:
        """End a hold; False: there was none."""

        async def work(connection: Connection) -> bool:
            gone = await connection.fetch(
                "DELETE FROM ses_relay.holds WHERE kind = $1 AND name = $2 AND route = $3"
                " RETURNING kind",
                *_names(scope),
            )
            return bool(gone)

        return await self._database.ask(work)


def _names(scope: Scope) -> tuple[str, str, str]:
    return scope.kind.value, keepable(scope.name), keepable(scope.route)


class PostgresVerdicts:
    """Implements `relay.model.ports.Verdicts`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._owed = OwedVerdicts(self._listed, clock)

    async def keep(self, fingerprint: bytes, reply: Reply, until: datetime) -> StoreFault | None:
        """Remember a reply; those that nobody has asked for in time are forgotten."""
        octets, end, now = encode_reply(reply), to_number(until), to_number(self._clock.now())

        async def work(connection: Connection) -> None:
            await connection.execute("DELETE FROM ses_relay.verdicts WHERE until <= $1", now)
            await connection.execute(
                "INSERT INTO ses_relay.verdicts (print, reply, until) VALUES ($1, $2, $3)"
                " ON CONFLICT (print) DO UPDATE SET reply = excluded.reply, until = excluded.until",
                fingerprint,
                octets,
                end,
            )

        self._owed.add(fingerprint)
        return await self._database.ask(work)

    def surely_none(self, fingerprint: bytes) -> bool:
        """Say from memory that nothing is owed."""
        return self._owed.surely_without(fingerprint)

    async def take(self, fingerprint: bytes, now: datetime) -> Reply | StoreFault | None:
        """Give the reply out, once."""
        owed = await self._owed.may_have(fingerprint)
        if not owed or isinstance(owed, StoreFault):
            return owed or None

        async def work(connection: Connection) -> Reply | None:
            found = await connection.fetchrow(
                "DELETE FROM ses_relay.verdicts WHERE print = $1 RETURNING reply, until",
                fingerprint,
            )
            if found is None or found[1] <= to_number(now):
                return None
            return decode_reply(found[0])

        return await self._database.ask(work)

    async def _listed(self) -> list[bytes] | StoreFault:
        async def work(connection: Connection) -> list[bytes]:
            found = await connection.fetch("SELECT print FROM ses_relay.verdicts")
            return [bytes(row[0]) for row in found]

        return await self._database.ask(work)
