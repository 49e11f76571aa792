"""Says at one look at a whole header that no step of mending would change it.

Nearly every message passes through half a dozen steps that each look at every field and find
nothing to do. What is looked for here stands for all of them; where anything is in doubt, the
steps look themselves.

Errors: none.
"""

from collections.abc import Collection

from relay.mail.headers import BLIND, BOUNCE_ADDRESSES, SES_PREFIX
from relay.mail.long_lines import LINE_LIMIT
from relay.model.content import Field

_HIDDEN = BLIND | BOUNCE_ADDRESSES
# Blanks at the end of a line or before a colon, an empty first line of a field, and what is a blank
# to some programs alone. Harmless in the middle of a value; then the steps find that out.
_IN_DOUBT = (b" \r\n", b"\t\r\n", b":\r\n", b" :", b"\t:", b"\x0b", b"\x0c")


def is_plain(fields: Collection[Field]) -> bool:
    """Tell that nothing is hidden, doubled, empty, obsolete, too long or in 8 bits."""
    header = b"".join([field.raw for field in fields])
    names = {field.name for field in fields}
    return (
        len(names) == len(fields)
        and header.isascii()
        and names.isdisjoint(_HIDDEN)
        and not any(sign in header for sign in _IN_DOUBT)
        and SES_PREFIX not in header.lower()
        and max([len(field.raw) for field in fields], default=0) <= LINE_LIMIT
    )
