"""Reads parameters of MIME fields: quoted, continued, percent-encoded, or in encoded words.

Encoded words have no place in parameters (RFC 2047 §5), yet many programs write file names so.

Standards: RFC 2045 §5.1, RFC 2231 §3, §4, RFC 2047 §2.
Errors: none, whatever the octets; what cannot be decoded stays as it is. Time is linear.
"""

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

# A quoted value that does not end takes the rest.
_PARAMETER = re.compile(rb';[ \t]*([^=;"\s]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([BbQq])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)[ \t]+(?==\?)")
_SECTIONS = 200  # RFC 2231 sections of one parameter; more are of no use to anybody


def main_value(value: bytes) -> bytes:
    """Give what stands before the first parameter, in lower case: `text/plain`, `attachment`."""
    return value.partition(b";")[0].strip().lower()


def parameters(value: bytes) -> dict[str, str]:
    """Give the parameters by name (lower case), decoded; of several of a name the first counts."""
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[bool, bytes]]] = {}
    for match in _PARAMETER.finditer(value):
        name = match.group(1).decode("latin-1").lower()
        octets = _unquoted(match.group(2))
        base, star, rest = name.partition("*")
        number = rest.removesuffix("*")
        if not star:
            plain.setdefault(name, _decode_words(_text(octets)))
        elif not number or (number.isascii() and number.isdigit() and len(number) < 4):
            found = sections.setdefault(base, {})
            if len(found) < _SECTIONS:
                found.setdefault(int(number or "0"), (name.endswith("*"), octets))
    for name, found in sections.items():
        plain[name] = _joined(found)  # RFC 2231 §4: the extended form wins
    return plain


def _unquoted(octets: bytes) -> bytes:
    if octets.startswith(b'"'):
        return _ESCAPE.sub(rb"\1", octets[1:].removesuffix(b'"'))
    return octets.strip()


def _joined(found: dict[int, tuple[bool, bytes]]) -> str:
    """Join the sections of a parameter in their order (RFC 2231 §4.1)."""
    charset = "utf-8"
    joined = b""
    for position, (_, (extended, octets)) in enumerate(sorted(found.items())):
        text = octets
        if extended:
            if position == 0 and text.count(b"'") >= 2:
                name, _, text = text.split(b"'", 2)
                charset = name.decode("latin-1") or charset
            text = unquote_to_bytes(text)
        joined += text
    return _decode(joined, charset)


def _decode_words(text: str) -> str:
    if "=?" not in text:
        return text
    return _WORD.sub(_decode_word, _BETWEEN_WORDS.sub("", text))


def _decode_word(match: re.Match[str]) -> str:
    charset, kind, text = match.groups()
    octets = text.encode("latin-1", "replace")
    if kind in "Qq":
        return _decode(binascii.a2b_qp(octets, header=True), charset)
    try:
        return _decode(base64.b64decode(octets + b"=" * (-len(octets) % 4)), charset)
    except (binascii.Error, ValueError):
        return match.group()


def _text(octets: bytes) -> str:
    return _decode(octets, "utf-8")


def _decode(octets: bytes, charset: str) -> str:
    try:
        return octets.decode(charset)
    except (LookupError, UnicodeError, ValueError):  # a charset is the sender's word
        return octets.decode("latin-1")
