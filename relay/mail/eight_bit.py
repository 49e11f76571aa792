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
from collections.abc import Callable
from urllib.parse import quote

import idna

from relay.mail.changes import Change, Changed
from relay.mail.refusal import Refusal
from relay.mail.words import decode_raw, encoded
from relay.model import replies
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
_DOMAIN_OCTETS = 1024  # far beyond 255 characters in UTF-8
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
    return _with_runs_encoded(re.split(rb"([ \t]+)", value), _plain)


def _address_list(value: bytes) -> bytes | Refusal:
    """Encode phrases and comments, and turn domains into A-labels."""
    refusal = Refusal.of(
        replies.NON_ASCII_ADDRESS, "An address in the header has non-ASCII characters"
    )
    tokens: list[bytes] = []
    for token in _ADDRESS_TOKEN.findall(value):
        if token.startswith(b"@") and tokens and not tokens[-1].isascii():
            return refusal  # a quoted local part
        if token.isascii() or token.startswith(b'"') or b"@" not in token:
            tokens.append(token)
            continue
        spelled = _a_labels(token)
        if spelled is None:
            return refusal
        tokens.append(spelled)
    return _with_runs_encoded(tokens, _unquoted)


def _plain(token: bytes) -> bytes:
    return token


def _unquoted(token: bytes) -> bytes:
    return _ESCAPE.sub(rb"\1", token[1:].removesuffix(b'"')) if token[:1] == b'"' else token


def _with_runs_encoded(tokens: list[bytes], meaning: Callable[[bytes], bytes]) -> bytes:
    """Encode neighbouring 8-bit tokens as one text, the blanks between them included.

    Readers drop blanks between two encoded words (RFC 2047 §6.2), so these must be part of one; and
    an encoded word has blanks around it but in a comment's parentheses (§5).
    """
    out: list[bytes] = []
    run: list[bytes] = []
    blanks = b""
    for token in [*tokens, b""]:
        if not token.isascii():
            if not run and out and out[-1][-1:] not in b" \t(":
                out.append(b" ")
            run += [blanks, meaning(token)] if run else [meaning(token)]
            blanks = b""
        elif run and token and not token.strip(b" \t"):
            blanks = token
        else:
            if run:
                apart = b"" if not token or token == b")" else b" "
                out += [encoded(decode_raw(b"".join(run))), blanks or apart]
                run, blanks = [], b""
            out.append(token)
    return b"".join(out)


def _a_labels(token: bytes) -> bytes | None:
    """Spell `local@domain` with an A-label domain; None where that cannot be done."""
    local, _, domain = token.rpartition(b"@")
    if not local.isascii() or len(domain) > _DOMAIN_OCTETS:
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
