"""RFC 2047 encoded words: the 7-bit spelling of other text in header fields.

Standards: RFC 2047 §2 (an encoded word has at most 75 characters), §5 (where it may stand), §6.2
(blanks between encoded words vanish).
Errors: none.
"""

import binascii
import codecs

from relay.mail.pieces import pieces

# 75 characters without `=?utf-8?b?` and `?=` hold 45 octets in base64.
_PIECE = 45


def decode_raw(octets: bytes) -> str:
    """Read raw 8-bit text: UTF-8 where it is valid UTF-8, otherwise ISO-8859-1, as was custom."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("iso-8859-1")


def is_utf8(octets: bytes | memoryview) -> bool:
    """Tell whether a large text is UTF-8, without decoding it as a whole."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in pieces(octets):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def encoded(text: str) -> bytes:
    """Write text as encoded words, one on a line; characters are never cut (RFC 2047 §5)."""
    pieces: list[bytes] = []
    piece = bytearray()
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(piece) + len(octets) > _PIECE:
            pieces.append(bytes(piece))
            piece.clear()
        piece += octets
    pieces.append(bytes(piece))
    return b"\r\n ".join(
        b"=?utf-8?b?" + binascii.b2a_base64(piece, newline=False) + b"?=" for piece in pieces
    )


def phrase(text: str) -> bytes:
    """Write a display name: a quoted string, or encoded words where it is not ASCII."""
    if text.isascii() and text.isprintable():
        return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode("ascii") + b'"'
    return encoded(text)
