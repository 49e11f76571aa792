"""Walks a large body in pieces, so that no single step copies or blocks for long.

Errors: none.
"""

from collections.abc import Iterator

PIECE = 256 * 1024  # octets; searching or hashing this much takes well under a millisecond


def pieces(body: bytes | memoryview) -> Iterator[bytes]:
    """Cut a body behind line ends into pieces of at most `PIECE` octets, or one line if longer."""
    start, size = 0, len(body)
    while start < size:
        length = PIECE
        piece = bytes(body[start : start + length])
        while start + len(piece) < size:
            end = piece.rfind(b"\n") + 1
            if end:
                piece = piece[:end]
                break
            length *= 2  # a line longer than the piece: look further, twice as far each time
            piece = bytes(body[start : start + length])
        yield piece
        start += len(piece)
