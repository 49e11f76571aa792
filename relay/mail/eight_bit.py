"""Raw 8-bit header fields in their 7-bit spelling.

Where a field's grammar is known, its own means are used: encoded words in phrases and comments of
address fields, A-labels for domains, RFC 2231 for parameters of MIME fields. Everywhere else the
words with 8-bit octets become encoded words. Octets are read as UTF-8 where they are valid UTF-8,
otherwise as ISO-8859-1. A local part that is not ASCII cannot be sent through SES at all.

Standards: RFC 2047 §5, RFC 2231 §4, RFC 5890 §2.3.2.1 (A-labels), RFC 5322 §3.4.
SES facts: SES API reference, SendRawEmail: addresses are 7-bit ASCII, domains in Punycode, names
as MIME encoded words.
Errors: a `Refusal` for an address that has no 7-bit spelling.
"""

import re
from urllib.parse import quote

import idna

from relay.mail.changes import Change, Changed
from relay.mail.refusal import NON_ASCII_ADDRESS, Refusal
from relay.mail.words import decode_raw, encoded
from relay.model.content import Field

ADDRESS_FIELDS = frozenset(
    b"from sender reply-to to cc resent-from resent-sender resent-to resent-cc errors-to "
    b"disposition-notification-to return-receipt-to x-original-from".split()
)
PARAMETER_FIELDS = frozenset({b"content-type", b"content-disposition"})

# Tokens of an address list, in their raw spelling; every octet belongs to exactly one.
_ADDRESS_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^\s"()<>,:;]+|[ \t]+|.', re.DOTALL)
_PARAMETER = re.compile(
    rb';[ \t]*([!#-\'*-.0-9A-Z^-~]+?)\*?[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s;"]+)', re.DOTALL
)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)


def seven_bit(
    fields: tuple[Field, ...],
) -> tuple[tuple[Field, ...], tuple[Changed, ...]] | Refusal:
    """Give every field its 7-bit spelling; those that have it already stay as they are."""
    if all(field.raw.isascii() for field in fields):
        return fields, ()
    spelled: list[Field] = []
    changed: list[Changed] = []
    for field in fields:
        new = seven_bit_field(field)
        if isinstance(new, Refusal):
            return new
        if new is not field:
            name = field.raw.partition(b":")[0].rstrip(b" \t")
            changed.append(Changed(Change.EIGHT_BIT_HEADER, name.decode("ascii", "replace")))
        spelled.append(new)
    return tuple(spelled), tuple(changed)


def seven_bit_field(field: Field) -> Field | Refusal:
    """Spell one field in 7 bits."""
    if field.raw.isascii():
        return field
    name, value = field.raw.partition(b":")[0].rstrip(b" \t"), field.value
    if field.name in ADDRESS_FIELDS:
        spelled = _address_list(value)
        if isinstance(spelled, Refusal):
            return spelled
    elif field.name in PARAMETER_FIELDS:
        spelled = _parameters(value)
    else:
        spelled = _text(value)
    return Field(name + b": " + spelled + b"\r\n")


def _text(value: bytes) -> bytes:
    """Encode each run of words that holds 8-bit octets; the words around it stay."""
    words = re.split(rb"[ \t]+", value)
    out: list[bytes] = []
    run: list[bytes] = []
    for word in words:
        if word.isascii():
            if run:
                out.append(encoded(decode_raw(b" ".join(run))))
                run = []
            out.append(word)
        else:
            run.append(word)
    if run:
        out.append(encoded(decode_raw(b" ".join(run))))
    return b" ".join(out)


def _address_list(value: bytes) -> bytes | Refusal:
    """Encode phrases and comments, and turn domains into A-labels."""
    out: list[bytes] = []
    for token in _ADDRESS_TOKEN.findall(value):
        if token.isascii():
            out.append(token)
        elif token.startswith(b'"'):
            out.append(encoded(decode_raw(_ESCAPE.sub(rb"\1", token.strip(b'"')))))
        elif b"@" in token:
            spelled = _a_labels(token)
            if spelled is None:
                return Refusal.of(
                    NON_ASCII_ADDRESS, "An address in the header has non-ASCII characters"
                )
            out.append(spelled)
        else:
            out.append(encoded(decode_raw(token)))
    return _parted(out)


def _parted(tokens: list[bytes]) -> bytes:
    """Join tokens; neighbouring encoded words keep the blank between them as one of their own.

    RFC 2047 §6.2: blanks between two encoded words are not shown, so the second one brings its own.
    """
    joined = b"".join(tokens)
    return joined.replace(b"?= =?utf-8?b?", b"?= =?utf-8?q?_?= =?utf-8?b?")


def _a_labels(token: bytes) -> bytes | None:
    """Spell `local@domain` with an A-label domain; None where that cannot be done."""
    local, _, domain = token.rpartition(b"@")
    if not local.isascii():
        return None
    try:
        return local + b"@" + idna.encode(decode_raw(domain), uts46=True)
    except (idna.IDNAError, UnicodeError):
        return None


def _parameters(value: bytes) -> bytes:
    """Spell parameters by RFC 2231; 8-bit octets outside parameters become question marks."""

    def respelled(match: re.Match[bytes]) -> bytes:
        if match.group().isascii():
            return match.group()
        text = match.group(2)
        if text.startswith(b'"'):
            text = _ESCAPE.sub(rb"\1", text[1:-1])
        octets = quote(decode_raw(text), safe="").encode("ascii")
        return b";\r\n " + match.group(1) + b"*=utf-8''" + octets

    spelled = _PARAMETER.sub(respelled, value)
    return spelled if spelled.isascii() else re.sub(rb"[\x80-\xff]", b"?", spelled)
