"""Message content as octets, and back again, or a plain word that it is damaged.

The lengths of the header fields stand before them, so that the fields come back exactly as they
went in, whatever they look like.

Errors: `Corrupt` for any octets that are not what `encode_content` made; decoding never raises.
"""

import struct

from relay.model.content import Content, Field
from relay.model.ports import Corrupt
from relay.stores.frame import framed, unframed
from relay.stores.strict import DamagedError

_LENGTH = struct.Struct(">I")


def encode_content(content: Content) -> list[bytes | memoryview]:
    """Write a content as three pieces to be put one after the other; the body is not copied."""
    raws = [field.raw for field in content.fields]
    lengths = struct.pack(f">{len(raws) + 1}I", len(raws), *map(len, raws))
    return framed([b"".join([lengths, *raws]), content.body])


def decode_content(queue_id: str, octets: bytes) -> Content | Corrupt:
    """Read a content back; its body is a view on `octets`."""
    try:
        inner = unframed(octets)
        at = _LENGTH.size
        count = _LENGTH.unpack_from(inner)[0] if len(inner) >= at else -1
        if count < 0 or at + count * _LENGTH.size > len(inner):
            raise DamagedError("the list of header fields is cut short")  # noqa: TRY301 - the one place where damage becomes a value
        lengths = struct.unpack_from(f">{count}I", inner, at)
        at += count * _LENGTH.size
        if at + sum(lengths) > len(inner):
            raise DamagedError("the header is cut short")  # noqa: TRY301 - likewise
        fields = []
        for length in lengths:
            fields.append(Field(bytes(inner[at : at + length])))
            at += length
        return Content(tuple(fields), inner[at:])
    except DamagedError as fault:
        return Corrupt(queue_id, str(fault))
