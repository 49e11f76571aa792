"""What an operator's word does, whether it came by a form of the dashboard or by the API.

What was done to a message is noted in the history, so that `trace` tells of it.

Errors: `Refused` where the word makes no sense, `StoreFault` where it could not be done.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum

from relay.model.address import Address, AddressFault
from relay.model.custody import Changed, ScopeHold, Selection
from relay.model.entry import Held
from relay.model.outcome import Scope, ScopeKind
from relay.model.ports import StoreFault, Suppressed
from relay.web.sources import Sources
from relay.web.store import Store

_HELD = "held on the dashboard"
_REASON = "manual"

_Change = Callable[[Selection, datetime], Awaitable[Changed | StoreFault]]


class Refused(StrEnum):
    """Why nothing was done."""

    ADDRESS = "not changed: that is not a mail address"
    SCOPE = "not changed: the configuration has no user or route of that name"
    IDS = "not changed: no message was named"


class Operator:
    """Changes the queue, the holds and the suppression list."""

    def __init__(self, sources: Sources, store: Store) -> None:
        self._sources = sources
        self._store = store
        control = store.control
        # What is done, and the event that tells of it with its reason.
        self._changes: Mapping[str, tuple[_Change, str, str]] = {
            "retry": (control.retry, "", ""),
            "hold": (
                lambda chosen, now: control.hold(chosen, Held(reason=_HELD), now),
                "message.held",
                _HELD,
            ),
            "release": (control.release, "message.released", "released on the dashboard"),
            "drop": (control.drop, "message.discarded", "dropped on the dashboard"),
        }

    def knows(self, word: str) -> bool:
        """Say if this is something that can be done to messages."""
        return word in self._changes

    async def change(self, word: str, ids: frozenset[str]) -> Changed | Refused | StoreFault:
        """Retry, hold, release or drop the messages with these ids."""
        if not ids:  # a selection without ids means everything
            return Refused.IDS
        change, event, reason = self._changes[word]
        changed = await change(Selection(ids=ids), self._sources.clock.now())
        if isinstance(changed, Changed) and event:
            for queue_id in changed.ids:
                self._note(event, {"queue_id": queue_id, "reason": reason})
        return changed

    async def hold(self, kind: str, name: str, reason: str) -> ScopeHold | Refused | StoreFault:
        """Hold a whole user, route or identity."""
        scope = self._scope(kind, name)
        if scope is None:
            return Refused.SCOPE
        now = self._sources.clock.now()
        hold = ScopeHold(scope=scope, held=Held(reason=reason or _HELD), since=now)
        return await self._store.holds.hold(hold) or hold

    async def release(self, kind: str, name: str, route: str) -> bool | Refused | StoreFault:
        """Let a held scope go on; False: it was not held."""
        if kind not in ScopeKind.__members__.values():
            return Refused.SCOPE
        return await self._store.holds.release(Scope(ScopeKind(kind), name, route))

    async def suppress(self, address: str, note: str) -> Suppressed | Refused | StoreFault:
        """Put an address on the suppression list."""
        parsed = Address.parse(address)
        if isinstance(parsed, AddressFault):
            return Refused.ADDRESS
        entry = Suppressed(
            address=str(parsed), reason=_REASON, since=self._sources.clock.now(), note=note
        )
        fault = await self._store.suppression.suppress([entry])
        if fault is not None:
            return fault
        facts = {"recipients": [entry.address], "reason": _REASON, "by": "operator"}
        self._note("suppression.added", {**facts, "note": note})
        return entry

    async def unsuppress(self, address: str) -> bool | StoreFault:
        """Take an address from the list; False: it was not there."""
        gone = await self._store.suppression.unsuppress([address])
        if isinstance(gone, StoreFault):
            return gone
        if gone:
            self._note("suppression.removed", {"recipients": list(gone), "by": "operator"})
        return bool(gone)

    def _note(self, event: str, facts: Mapping[str, object]) -> None:
        now = self._sources.clock.now()
        for history in (self._store.history, self._sources.recent):
            history.note(event, now, facts)

    def _scope(self, kind: str, name: str) -> Scope | None:
        """Read a scope; users and routes must be in the configuration, or nothing would be held."""
        match kind:
            case "user" | "route" if name in self._sources.known(ScopeKind(kind)):
                return Scope(ScopeKind(kind), name)
            case "identity":
                found = Address.parse(name if "@" in name else f"postmaster@{name}")
                if isinstance(found, AddressFault):
                    return None
                return Scope(ScopeKind.IDENTITY, found.key if "@" in name else found.domain.lower())
            case _:
                return None
