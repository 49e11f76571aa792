"""Content transfer encodings, written in pieces: quoted-printable and base64.

Standards: RFC 2045 §6.7 (quoted-printable; lines of 76, CR LF kept), §6.8 (base64).
Errors: none.
"""

import binascii
import re
from collections.abc import Iterable, Iterator

from relay.mail.pieces import PIECE, pieces

_COLUMN = 76
_ONE_TOO_LONG = re.compile(rb"^(.{74})(=20|=09)$", re.MULTILINE)
_BLOCK = 57 * 4096  # octets; 57 make a line of base64


def quoted_printable(octets: bytes | memoryview) -> bytes | None:
    """Encode text of CR LF lines; None where a line is so long that it is no text."""
    out: list[bytes] = []
    for piece in pieces(octets):
        if len(piece) > PIECE:
            return None
        # The library ends soft line breaks in LF alone where the piece has no CR LF.
        encoded = binascii.b2a_qp(piece, istext=True)
        lines = encoded.replace(b"\r\n", b"\n")
        # It makes a line of 77 where a blank at its end must be spelt out.
        lines = _ONE_TOO_LONG.sub(rb"\1=\n\2", lines)
        out.append(lines.replace(b"\n", b"\r\n"))
    return b"".join(out)


def base64(octets: bytes | memoryview) -> bytes:
    """Encode octets in lines of 76; the last line has no CR LF of its own."""
    blocks = (
        binascii.b2a_base64(octets[start : start + _BLOCK], newline=False)
        for start in range(0, len(octets), _BLOCK)
    )
    return _in_lines(blocks)


def unquoted(octets: bytes | memoryview) -> bytes:
    """Decode quoted-printable."""
    return b"".join([binascii.a2b_qp(piece) for piece in pieces(octets)])


def wrapped(octets: bytes | memoryview) -> bytes:
    """Set octets that are base64 already in lines of 76."""
    return _in_lines(_regular(piece.replace(b"\r\n", b"") for piece in pieces(octets)))


def _regular(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Give the same octets in blocks of whole lines, but for the last."""
    rest = b""
    for block in blocks:
        joined = rest + block
        whole = len(joined) - len(joined) % _COLUMN
        yield joined[:whole]
        rest = joined[whole:]
    yield rest


def _in_lines(blocks: Iterable[bytes]) -> bytes:
    return b"\r\n".join(
        block[start : start + _COLUMN]
        for block in blocks
        for start in range(0, len(block), _COLUMN)
    )
