"""Takes off our list what an account's list has lost, each address asked after once more.

SES facts: SES empties the list of an account 90 days after it was paused (SES Developer Guide,
sending-email-suppression-list); so a list that has lost very much at once is not followed unless an
operator says so.

Errors: `Halt` as a value.
"""

from datetime import datetime

from relay.feedback.account_list.work import Halt, Trouble, Work, trouble_with
from relay.model.ports import ListCounts, StoreFault
from relay.model.unanswered import Unanswered

MANY = 100  # addresses that any list may lose at once
_BATCH = 100


async def lose(work: Work, begun: datetime, *, ours_too: bool, emptied: bool) -> Halt | None:
    """Follow a whole reading begun then; `emptied`: however much it did not show."""
    counts = await work.mirrors.counts(work.name, begun)
    if isinstance(counts, StoreFault):
        return counts
    if not emptied and counts.absent > max(MANY, counts.known // 2):
        return _too_much(counts)
    after = ""
    while absent := await work.mirrors.absent(work.name, begun, after, _BATCH):
        if isinstance(absent, StoreFault):
            return absent
        for address in absent:
            if halt := work.one_more() or await _lose(work, address, begun, ours_too=ours_too):
                return halt
        after = absent[-1]
    return await work.mirrors.forget(work.name, begun)


async def _lose(work: Work, address: str, begun: datetime, *, ours_too: bool) -> Halt | None:
    found = await work.there.find(address)
    if isinstance(found, Unanswered):
        return trouble_with("GetSuppressedDestination", found)
    if found is not None:
        seen = await work.mirrors.take_over(work.name, [found], work.clock.now())
        return seen if isinstance(seen, StoreFault) else None
    gone = await work.mirrors.drop(work.name, [address], begun, ours_too=ours_too)
    if isinstance(gone, StoreFault):
        return gone
    for one in gone:
        work.told.removed(one)
    work.counts.removed += len(gone)
    return None


def _too_much(counts: ListCounts) -> Trouble:
    return Trouble(
        says=f"the list has lost {counts.absent:,} of {counts.known:,} addresses at once, "
        "and they stay on ours",
        fix="`ses-relay suppression sync --all-removals` takes them off, if that is right",
    )
