"""The virus scan, which finds the one file that is made to be found.

SES facts: a message with a virus is accepted and answered with its id, then dropped with a Reject
event, reason "Bad content"; it is billed and counts against the quota. The EICAR file as an
attachment is SES's own test of that (SES Developer Guide, send-an-email-from-console).

Standards: the EICAR standard anti-virus test file: 68 octets at the start of a file, white space
after them; RFC 2045 §6.8 (base64).

Errors: none.
"""

import binascii
import re
from collections.abc import Callable

# In two halves, or scanners would take this very file for one.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"
_MOST = 128  # octets of the file
_FIRST = binascii.b2a_base64(EICAR[:30], newline=False)
_LONGEST = 2 * _MOST  # of it in base64, with its line ends
_END = re.compile(rb"\r\n--|\Z")  # of the part, or of what is looked at


def is_infected(raw: bytes) -> bool:
    """Say if the content of some part is the test file, as it is or in base64."""
    return _found(raw, EICAR[:30], bytes) or _found(raw, _FIRST, _decoded)


def _found(raw: bytes, first: bytes, decode: Callable[[bytes], bytes]) -> bool:
    at = -1
    while (at := raw.find(b"\r\n\r\n" + first, at + 1)) >= 0:
        start = at + 4
        end = _END.search(raw, start, start + _LONGEST)
        content = decode(raw[start : end.start() if end else None])
        if len(content) <= _MOST and content.rstrip() == EICAR:
            return True
    return False


def _decoded(content: bytes) -> bytes:
    try:
        return binascii.a2b_base64(content)
    except binascii.Error:
        return b""
