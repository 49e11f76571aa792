"""Line endings and NUL of a message as received, before anything is parsed.

Only CR LF ends a line (RFC 5321 §2.3.8). A bare LF is an old device's line ending and can be
mended; a bare CR or a NUL has no harmless reading (SMTP smuggling, RFC 2045 §2.7) and is found
here so that the listener refuses it.

Standards: RFC 5321 §2.3.8, RFC 2045 §2.7, §2.8.
Errors: none; faults are values.
"""

from enum import Enum

from relay.model import replies
from relay.model.reply import Reply


class LineFault(Enum):
    """What is wrong with the line endings; the value is the reply that refuses the message."""

    NUL = replies.NUL_OCTET
    BARE_CR = replies.BARE_LINE_ENDING.saying("Bare CR in the message; lines end with CR LF")
    BARE_LF = replies.BARE_LINE_ENDING.saying("Bare LF in the message; lines end with CR LF")

    @property
    def reply(self) -> Reply:
        """The reply to the end of DATA."""
        return self.value


def fault(octets: bytes | bytearray) -> LineFault | None:
    """Find what SES and receivers must never see; whole octets, or a piece cut behind an LF."""
    if b"\0" in octets:
        return LineFault.NUL
    pairs = octets.count(b"\r\n")
    if octets.count(b"\r") != pairs:
        return LineFault.BARE_CR
    if octets.count(b"\n") != pairs:
        return LineFault.BARE_LF
    return None


def mend(octets: bytes) -> bytes:
    """Make every bare LF a CR LF; clean octets come back as they are, without a copy.

    Look for `BARE_CR` and `NUL` first or afterwards: they stay. A piece must be cut behind an LF.
    """
    if octets.count(b"\n") == octets.count(b"\r\n"):
        return octets
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
