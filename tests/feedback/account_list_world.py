"""An account's list at SES as a fake, and relays, each with a store of its own, that keep it."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from fakes import FakeClock

from relay.feedback.account_list.passing import Around, Extent, ListPass
from relay.model.address import Address
from relay.model.ports import (
    Lesson,
    Listed,
    ListedReason,
    ListPage,
    StoreFault,
    Suppressed,
)
from relay.model.settings import AccountList
from relay.model.unanswered import Unanswered, Why
from relay.stores.sqlite.crew import Crew
from relay.stores.sqlite.files import Files
from relay.stores.sqlite.opening import open_sqlite

READ, SYNC = AccountList.READ, AccountList.SYNC
NAME = "123456789012/eu-west-1"


class FakeList:
    """An account's list. `lag`: how old in seconds is what it shows; `refusing`: by operation."""

    def __init__(self, clock, name=NAME, page_size=1_000):
        self.clock = clock
        self.whose = name
        self.page_size = page_size
        self.lag = 0.0
        self.sandbox = False
        self.refusing = {}
        self.calls = []
        self.entries = {}
        self._past = [(clock.now(), {})]

    def holds(self, *addresses, reason=ListedReason.BOUNCE):
        """SES, or somebody else, puts addresses there."""
        for address in addresses:
            self.entries[address] = Listed(address=address, reason=reason, updated=self.clock.now())
        self._changed()

    def loses(self, *addresses):
        """Somebody takes addresses off."""
        for address in addresses:
            self.entries.pop(address, None)
        self._changed()

    def _changed(self):
        self._past.append((self.clock.now(), dict(self.entries)))

    def _shown(self):
        until = self.clock.now() - timedelta(seconds=self.lag)
        return next((entries for at, entries in reversed(self._past) if at <= until), {})

    def _call(self, operation):
        self.calls.append(operation)
        refusals = self.refusing.get(operation, [])
        if callable(refusals):
            return refusals()
        return refusals.pop(0) if refusals else None

    async def name(self):
        return self._call("name") or self.whose

    async def page(self, since, token):
        if no := self._call("whole" if since is None else "since"):
            return no
        shown = [
            one
            for address, one in sorted(self._shown().items())
            if address > (token or "") and (since is None or one.updated >= since)
        ]
        part = tuple(shown[: self.page_size])
        more = len(shown) > len(part)
        return ListPage(listed=part, token=part[-1].address if more else None)

    async def find(self, address):
        return self._call("find") or self._shown().get(address)

    async def in_sandbox(self):
        return self._call("sandbox") or self.sandbox

    async def put(self, address, reason):
        if no := self._call("put"):
            return no
        self.holds(address, reason=reason)
        return None

    async def delete(self, address):
        if no := self._call("delete"):
            return no
        self.loses(address)
        return None

    @property
    def writes(self):
        return [call for call in self.calls if call in {"put", "delete"}]


def no(why, detail="SES's words"):
    return Unanswered(why=why, detail=detail)


DENIED, THROTTLED, REFUSED = (no(why) for why in (Why.DENIED, Why.THROTTLED, Why.REFUSED))


@dataclass
class Keeper:
    """A relay as far as its suppression list goes."""

    shared: object
    clock: FakeClock
    told: list = field(default_factory=list)
    _events: int = 0

    def added(self, entry):
        self.told.append(("added", entry.address))

    def removed(self, address):
        self.told.append(("removed", address))

    async def passes(self, there, mode=SYNC, extent=Extent.DUE, shown=lambda _: None):
        """Make one pass, and give what became of it."""
        around = Around(
            mirrors=self.shared.mirrors,
            told=self,
            clock=self.clock,
            shown=shown,
            chance=lambda: 0.5,
        )
        standing = await self.shared.mirrors.keep_turn(there.whose, self.clock.now())
        one = ListPass(name=there.whose, there=there, mode=mode, extent=extent, around=around)
        passed = await one.run(standing)
        assert not isinstance(passed, StoreFault), passed.reason
        return passed

    async def suppress(self, *addresses, reason="manual", until=None):
        now = self.clock.now()
        entries = [
            Suppressed(address=address, reason=reason, since=now, until=until)
            for address in addresses
        ]
        assert await self.shared.suppression.suppress(entries) is None

    async def learn(self, address, reason="bounce"):
        """Learn of a hard bounce, or a complaint."""
        self._events += 1
        now = self.clock.now()
        entry = Suppressed(address=address, reason=reason, since=now)
        lesson = Lesson(key=f"event {self._events}", at=now, suppress=(entry,))
        await self.shared.lessons.learn(lesson)

    async def unsuppress(self, *addresses):
        return await self.shared.suppression.unsuppress(addresses)

    async def listed(self):
        return {one.address: one.reason for one in await self.shared.suppression.listed("", 10_000)}

    async def refuses(self, address):
        found = await self.shared.suppression.suppressed(Address.parse(address), self.clock.now())
        return found is not None


@asynccontextmanager
async def keeping(folder, clock):
    """Open a relay's store."""
    stores = await open_sqlite(folder, 0, Crew.inline(Files(), clock), 86_400.0)
    assert not isinstance(stores, StoreFault), stores.reason
    try:
        yield Keeper(stores.shared, clock)
    finally:
        await stores.close()
