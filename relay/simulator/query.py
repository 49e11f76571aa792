"""The Query protocol of v1 and STS: form in, XML out.

SES facts: botocore service model `ses` 2010-12-01 (protocol query, namespace, result
wrappers); the message arrives percent-encoded in `RawMessage.Data`.

Errors: none; a form or a member that cannot be read is a `Refusal`.
"""

import binascii
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

from . import refusal
from .exchange import Answer
from .refusal import Refusal

SES_NAMESPACE = "http://ses.amazonaws.com/doc/2010-12-01/"
STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"

# Beyond the octets XML 1.0 can carry at all, which a parser would choke on.
_UNPRINTABLE = {code: "\ufffd" for code in range(32) if code not in (9, 10, 13)}


@dataclass(frozen=True, slots=True)
class Form:
    """A decoded request body; values stay octets, as one of them may be a 10 MiB message."""

    values: dict[str, bytes] = field(repr=False)

    def text(self, name: str) -> str | None:
        """A member's text; None where it was not given."""
        value = self.values.get(name)
        return None if value is None else value.decode("utf-8", "replace")

    def members(self, name: str) -> tuple[str, ...] | None:
        """A list's members in order; None where the list was not given or is empty."""
        found: list[str] = []
        while (value := self.text(f"{name}.member.{len(found) + 1}")) is not None:
            found.append(value)
        return tuple(found) or None

    def blob(self, name: str) -> bytes | Refusal | None:
        """A member's octets out of base64; None where it was not given."""
        value = self.values.get(name)
        if value is None:
            return None
        try:
            return binascii.a2b_base64(value, strict_mode=True)
        except binascii.Error:
            return refusal.unreadable(f"{name} is not valid base64.")


def read_form(body: bytes) -> Form:
    """Decode application/x-www-form-urlencoded; of a repeated name the last value counts."""
    values: dict[str, bytes] = {}
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name:
            values[_decoded(name).decode("utf-8", "replace")] = _decoded(value)
    return Form(values)


def _decoded(value: bytes) -> bytes:
    value = value.replace(b"+", b" ")
    if b"%" not in value:
        return value
    # Base64 holds three characters that need coding. Undoing them by replacement takes
    # milliseconds where the general decoder takes seconds for 10 MiB; %25 must come last,
    # so any other code leaves the value to the general decoder.
    plain = value.replace(b"%2B", b"+").replace(b"%2F", b"/").replace(b"%3D", b"=")
    return unquote_to_bytes(value) if b"%" in plain else plain


def element(name: str, *inside: str) -> str:
    """An XML element around finished XML."""
    return f"<{name}>{''.join(inside)}</{name}>"


def text_element(name: str, text: str) -> str:
    """An XML element around text."""
    return f"<{name}>{escape(text.translate(_UNPRINTABLE))}</{name}>"


def list_element(name: str, members: list[str]) -> str:
    """An XML list: each finished member becomes `<member>`."""
    return element(name, *(element("member", member) for member in members))


def result(action: str, namespace: str, request_id: str, inside: str) -> Answer:
    """The answer to an action that was done."""
    return _xml(
        200,
        f'<{action}Response xmlns="{namespace}">'
        + element(f"{action}Result", inside)
        + element("ResponseMetadata", text_element("RequestId", request_id))
        + f"</{action}Response>",
    )


def error(refused: Refusal, namespace: str, request_id: str) -> Answer:
    """The answer to a refused action."""
    kind = "Receiver" if refused.query_status >= 500 else "Sender"
    inside = element(
        "Error",
        text_element("Type", kind),
        text_element("Code", refused.query_code),
        text_element("Message", refused.message),
        *(text_element(name, text) for name, text in refused.members),
    )
    return _xml(
        refused.query_status,
        f'<ErrorResponse xmlns="{namespace}">{inside}'
        + text_element("RequestId", request_id)
        + "</ErrorResponse>",
    )


def _xml(status: int, document: str) -> Answer:
    return Answer(status, (("Content-Type", "text/xml"),), document.encode("utf-8", "replace"))
