"""From the columns of a count to what they say; for every store.

Errors: none.
"""

from collections.abc import Iterable
from typing import Any

from relay.model.ports import Subject, Tally
from relay.stores.codec import to_time


def tally_of(row: Iterable[Any]) -> Tally:
    """Read subject, name, slot and the counts, in the order that they are unpacked here."""
    subject, name, slot, messages, relayed, bounced, complained, simulated = row
    return Tally(
        subject=Subject(subject),
        name=name,
        slot=to_time(slot),
        messages=messages,
        relayed=relayed,
        bounced=bounced,
        complained=complained,
        simulated=simulated,
    )
