"""The list of verdicts that are owed: never "no" for one that is kept."""

import asyncio

from fakes import FakeClock

from relay.model.ports import StoreFault
from relay.stores.owed import FRESH, OwedVerdicts


class Listing:
    """A store that answers when it is told to."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self):
        self.asked += 1
        answer = self.answers.pop(0)
        await self.go_on.wait()
        return answer


async def test_what_the_store_has_is_known_and_the_rest_is_not():
    owed = OwedVerdicts(Listing([b"a"]), FakeClock())
    assert await owed.may_have(b"a") is True
    assert await owed.may_have(b"b") is False


async def test_what_is_kept_here_is_known_at_once():
    listing = Listing([])
    owed = OwedVerdicts(listing, FakeClock())
    assert await owed.may_have(b"a") is False
    owed.add(b"a")
    assert await owed.may_have(b"a") is True
    assert listing.asked == 1


async def test_what_another_process_keeps_is_known_within_a_second():
    clock = FakeClock()
    listing = Listing([], [b"a"])
    owed = OwedVerdicts(listing, clock)
    assert await owed.may_have(b"a") is False
    clock.advance(FRESH)
    assert await owed.may_have(b"a") is True


async def test_nobody_hears_no_before_the_list_was_read():
    listing = Listing([b"a"])
    listing.go_on.clear()
    owed = OwedVerdicts(listing, FakeClock())
    asking = [asyncio.create_task(owed.may_have(b"a")) for _ in range(3)]
    await asyncio.sleep(0)
    listing.go_on.set()
    assert await asyncio.gather(*asking) == [True, True, True]
    assert listing.asked == 1


async def test_what_is_kept_while_the_list_is_read_is_not_forgotten():
    listing = Listing([])
    listing.go_on.clear()
    owed = OwedVerdicts(listing, FakeClock())
    asking = asyncio.create_task(owed.may_have(b"a"))
    await asyncio.sleep(0)
    owed.add(b"a")
    listing.go_on.set()
    assert await asking is True


async def test_an_ill_store_is_asked_once_a_second():
    clock, fault = FakeClock(), StoreFault("ill")
    listing = Listing(fault, fault)
    owed = OwedVerdicts(listing, clock)
    assert await owed.may_have(b"a") is fault
    assert await owed.may_have(b"a") is False
    clock.advance(FRESH)
    assert await owed.may_have(b"a") is fault
    assert listing.asked == 2
