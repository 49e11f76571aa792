"""The DKIM body hash under relaxed canonicalisation, in pieces and in linear time.

A body of megabytes is never copied as a whole, and no single call works on more than a piece: in a
thread, the event loop gets its turn between pieces.

Standards: RFC 6376 §3.4.4 (relaxed body), §3.7 (bh=).
Errors: none.
"""

import base64
import hashlib

from relay.mail.pieces import pieces

_EMPTY_LINES = b"\r\n" * 4096


def body_hash(body: bytes | memoryview) -> bytes:
    """Hash a body of CR LF lines and give it as bh= wants it, in base64."""
    digest = hashlib.sha256()
    hashed = False
    held = 0  # line ends not hashed yet: empty lines at the end of the body do not count
    for piece in pieces(body):
        canonical = _relaxed(piece)
        text = canonical.rstrip(b"\r\n")
        ends = (len(canonical) - len(text)) // 2
        if not text:
            held += ends
            continue
        while held:
            digest.update(_EMPTY_LINES[: 2 * held])
            held -= min(held, 4096)
        digest.update(text)
        hashed = True
        # A last line without CR LF gets one (RFC 6376 §3.4.4).
        held = ends or 1
    if hashed:
        digest.update(b"\r\n")
    return base64.b64encode(digest.digest())


def _relaxed(piece: bytes) -> bytes:
    """Shorten blanks to one space and drop them at line ends.

    Each step is one pass in C over what the step before left, and the last one ends after a few:
    runs of blanks are shorter than 16 by then, and a pass halves them. Searching for one octet
    first costs next to nothing and spares base64, which has no blanks, all the rest.
    """
    if b"\t" in piece:
        piece = piece.replace(b"\t", b" ")
    if b" " not in piece:
        return piece
    if b"  " in piece:
        piece = piece.replace(b" " * 256, b" ").replace(b" " * 16, b" ")
        while b"  " in piece:
            piece = piece.replace(b"  ", b" ")
    # Only a last line without CR LF can end in a blank of its own.
    return piece.replace(b" \r\n", b"\r\n").removesuffix(b" ")
