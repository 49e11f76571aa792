"""Writes to an account's list what changed on ours.

SES facts: an account in the sandbox may put nothing on its list; the list knows bounces and
complaints and no end of either, so that it gets what is suppressed for good, an operator's words as
bounces; addresses of the mailbox simulator are on no list.

Errors: `Halt` as a value.
"""

from relay.feedback.account_list.work import Halt, Trouble, Work, trouble_with
from relay.feedback.treatment import is_simulated
from relay.model.address import Address
from relay.model.ports import ListedReason, ListStanding, StoreFault, Suppressed
from relay.model.unanswered import Unanswered, Why

_BATCH = 100  # addresses taken off, or changes looked at, between two questions to the store

SANDBOX = Trouble(
    says="SES lets nobody put addresses on the list of an account in the sandbox",
    fix="ask for production access, or write account_list: read",
)


async def delete(work: Work) -> Halt | None:
    """Take off there what was taken off here."""
    done: set[str] = set()
    while True:
        owed = await work.mirrors.to_delete(work.name, _BATCH)
        if isinstance(owed, StoreFault):
            return owed
        left = [address for address in owed if address not in done]
        if not left:
            return None
        for address in left:
            done.add(address)
            if halt := work.one_more() or await _delete(work, address):
                return halt


async def put(work: Work, standing: ListStanding, after: int) -> Halt | None:
    """Put there what is ours and is lacking, among the changes beyond a number."""
    asked = False
    while True:
        owed = await work.mirrors.to_put(work.name, after, _BATCH)
        if isinstance(owed, StoreFault):
            return owed
        if owed.upto is None:
            return await work.mirrors.stand(work.name, standing.having_put(after))
        for entry in filter(_is_real, owed.entries):
            # An account that cannot be asked about is most likely none in the sandbox.
            if not asked and await work.there.in_sandbox() is True:
                return SANDBOX
            asked = True
            if halt := work.one_more() or await _put(work, entry):
                return halt
        after = owed.upto
        if not owed.entries:  # nothing was done that would have to be done again
            continue
        if fault := await work.mirrors.stand(work.name, standing.having_put(after)):
            return fault


async def _delete(work: Work, address: str) -> Halt | None:
    match await work.there.delete(address):
        case Unanswered(why=Why.REFUSED):
            work.counts.refused += 1
        case Unanswered() as said:
            return trouble_with("DeleteSuppressedDestination", said)
        case None:
            work.counts.deleted += 1
    return await work.mirrors.written(work.name, address, None, work.clock.now())


async def _put(work: Work, entry: Suppressed) -> Halt | None:
    reason = ListedReason.COMPLAINT if entry.reason == "complaint" else ListedReason.BOUNCE
    match await work.there.put(entry.address, reason):
        case Unanswered(why=Why.REFUSED):  # looked at again when the entry changes
            work.counts.refused += 1
            return None
        case Unanswered() as said:
            return trouble_with("PutSuppressedDestination", said)
        case None:
            work.counts.put += 1
    return await work.mirrors.written(work.name, entry.address, reason, work.clock.now())


def _is_real(entry: Suppressed) -> bool:
    address = Address.parse(entry.address)
    return not (isinstance(address, Address) and is_simulated(address))
