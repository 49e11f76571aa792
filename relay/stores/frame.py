"""The frame around everything that is kept: a mark, a format number and a checksum.

A database page or a file can rot where no checksum of its own guards it; the frame makes sure that
such octets are found at the first look and never sent.

Errors: `DamagedError` for octets that `framed` did not make.
"""

import struct
import zlib
from collections.abc import Sequence

from relay.stores.strict import DamagedError

FORMAT = 1
_MARK = b"SR"
_FRAME = struct.Struct(">2sBxI")  # mark, format, a spare octet, CRC-32 of what follows
OCTETS = _FRAME.size


def framed(pieces: Sequence[bytes | memoryview]) -> list[bytes | memoryview]:
    """Put the frame before the pieces; they are not joined."""
    checksum = 0
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
    return [_FRAME.pack(_MARK, FORMAT, checksum), *pieces]


def unframed(octets: bytes) -> memoryview:
    """Check the frame and give what stands in it."""
    if len(octets) < _FRAME.size:
        raise DamagedError("cut short")
    mark, version, checksum = _FRAME.unpack_from(octets)
    if mark != _MARK:
        raise DamagedError("not a record of this relay")
    if version != FORMAT or octets[3]:
        raise DamagedError(f"record format {version} is unknown")
    inner = memoryview(octets)[_FRAME.size :]
    if zlib.crc32(inner) != checksum:
        raise DamagedError("the checksum does not fit")
    return inner
