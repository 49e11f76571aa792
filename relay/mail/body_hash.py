"""The DKIM body hash under simple canonicalisation: the octets as they are, in pieces.

A body of megabytes is never copied as a whole, and no single call works on more than a piece; in a
thread, the event loop gets its turn between pieces.

Standards: RFC 6376 §3.4.3 (simple body: empty lines at its end are one line end), §3.7 (bh=).
Errors: none.
"""

import base64
import hashlib

from relay.mail.pieces import PIECE

_LINE_END = b"\r\n"


def body_hash(body: bytes | memoryview) -> bytes:
    """Hash a body of CR LF lines and give it as bh= wants it, in base64."""
    view = memoryview(body)
    end = _text_end(view)
    digest = hashlib.sha256()
    for start in range(0, end, PIECE):
        digest.update(view[start : min(start + PIECE, end)])
    digest.update(_LINE_END)
    return base64.b64encode(digest.digest())


def _text_end(body: memoryview) -> int:
    """Find where the text of a body ends: what follows is line ends alone."""
    end = len(body)
    while end:
        start = max(0, end - PIECE)
        text = bytes(body[start:end]).rstrip(_LINE_END)
        if text:
            return start + len(text)
        end = start
    return 0
