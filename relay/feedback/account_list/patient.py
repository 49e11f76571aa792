"""A list that is asked again, more slowly each time, where SES says that it is asked too much.

Errors: `Unanswered`, as of the list itself.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from relay.model.clock import Clock
from relay.model.ports import AccountListAtSes, Listed, ListedReason, ListPage
from relay.model.unanswered import Unanswered, Why

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 64.0  # seconds

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class PatientList:
    """Implements `relay.model.ports.AccountListAtSes` over another. `before`: awaited first."""

    there: AccountListAtSes
    before: Callable[[], Awaitable[None]]
    clock: Clock
    chance: Callable[[], float] = random.random

    async def name(self) -> str | Unanswered:
        """Say whose list it is."""
        return await self._asked(self.there.name)

    async def page(self, since: datetime | None, token: str | None) -> ListPage | Unanswered:
        """Read a part."""
        return await self._asked(partial(self.there.page, since, token))

    async def find(self, address: str) -> Listed | Unanswered | None:
        """Look one address up."""
        return await self._asked(partial(self.there.find, address))

    async def in_sandbox(self) -> bool | Unanswered:
        """Say if the account is in the sandbox."""
        return await self._asked(self.there.in_sandbox)

    async def put(self, address: str, reason: ListedReason) -> Unanswered | None:
        """Put an address there."""
        return await self._asked(partial(self.there.put, address, reason))

    async def delete(self, address: str) -> Unanswered | None:
        """Take an address off."""
        return await self._asked(partial(self.there.delete, address))

    async def _asked(self, call: Callable[[], Awaitable[T]]) -> T:
        pause = FIRST_PAUSE
        while True:
            await self.before()
            said = await call()
            throttled = isinstance(said, Unanswered) and said.why is Why.THROTTLED
            if not throttled or pause > LONGEST_PAUSE:
                return said
            await self.clock.sleep(pause * (0.5 + self.chance()))
            pause *= 2
