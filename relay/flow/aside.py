"""Pure work on one message, done where it does not stop the others.

The work is the same wherever it is done; a thread costs a tenth of a millisecond, so that a usual
message is better worked on at once.

Errors: none of its own; what the work raises leaves through here.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from relay.mail.shape import THREAD_ABOVE
from relay.model.content import Content

T = TypeVar("T")

# Octets of header: a list of addresses this long takes some milliseconds, the longest header that
# is read (256 KiB) half a second.
HEADER_ABOVE = 16 * 1024


def long_header(content: Content) -> bool:
    """Say if reading the header's fields would be felt by others."""
    return sum([len(field.raw) for field in content.fields]) > HEADER_ABOVE


def long(content: Content) -> bool:
    """Say if shaping the message would be felt by others."""
    return len(content.body) > THREAD_ABOVE or long_header(content)


async def aside(work: Callable[[], T], *, when: bool) -> T:
    """Do the work in a thread `when` it takes long, and at once otherwise."""
    return await asyncio.to_thread(work) if when else work()
