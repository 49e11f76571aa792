"""Who has sent by which account, written down now and then.

Errors: a store that cannot write it is told of, once until it can again; nobody is forgotten.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from relay.delivery.verified import Verified
from relay.model.clock import Clock
from relay.model.ports import Senders, StoreFault
from relay.model.settings import Route

SAVE_EACH = 5.0  # seconds


@dataclass(slots=True, kw_only=True)
class VerifiedSenders:
    """One memory for each account, whichever routes lead there."""

    senders: Senders
    on_fault: Callable[[StoreFault], None]
    clock: Clock
    _by_account: dict[str, Verified] = field(default_factory=dict)
    _fault: StoreFault | None = None

    def of(self, route: Route) -> Verified:
        """Give the memory of the account behind a route."""
        account = " ".join(part or "-" for part in route.account)
        known = self._by_account.get(account)
        if known is None:
            known = self._by_account[account] = Verified(self.senders, account, self.clock)
        return known

    async def run(self) -> None:
        """Save for ever."""
        while True:
            await self.clock.sleep(SAVE_EACH)
            await self.save()

    async def save(self) -> None:
        """Save once."""
        for verified in tuple(self._by_account.values()):
            fault = await verified.save()
            if fault is not None and fault != self._fault:
                self.on_fault(fault)
            self._fault = fault
