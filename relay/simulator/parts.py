"""The MIME structure of a message, walked for malformed parts and refused attachments.

One forward search over the octets: a stack holds the open boundaries, and each line that starts
with two dashes is compared with them. The cost is linear in the message, whatever its nesting,
since no octet is looked at by more than one search.

SES facts: SES Developer Guide, mime-types / attachments (refused by file extension, archives
are not opened), quotas (500 parts). Texts of structural faults are those seen from SES where
known, else UNCERTAIN.

Standards: RFC 2046 §5.1 (multipart), §5.2.1 (message/rfc822); RFC 2183 (filename);
RFC 2231 (continued and encoded parameters); RFC 2047 (as misused in file names).

Errors: none; a fault is its text.
"""

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from urllib.parse import unquote

from . import limits
from .content import Content, Field, fields_of

_DASHES = re.compile(rb"\r\n--([^\r\n]+)")
# The value runs to the semicolon: programs leave names with blanks in them unquoted.
_PARAMETER = re.compile(r';\s*([^=;\s"]+)\s*(=)?\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_QUOTED_PAIR = re.compile(r"\\(.)")
_SECTION = re.compile(r"(?P<name>[^*]+)(?:\*(?P<number>\d{1,3}))?(?P<encoded>\*)?")


def structure_fault(content: Content) -> str | None:
    """Why SES would refuse the message's parts, or None."""
    return _Walk(content).fault()


class _Walk:
    """One pass over the parts of a message; `_position` only moves forward."""

    def __init__(self, content: Content) -> None:
        self._raw = content.raw
        self._fields = content.fields
        self._position = content.body_at
        self._open: list[bytes] = []
        self._parts = 0

    def fault(self) -> str | None:
        """Walk until the last open multipart ends, or to the first fault."""
        while True:
            if (fault := _part_fault(self._fields)) is not None:
                return fault
            kind, boundary = _kind(self._fields)
            if kind == "message/rfc822":
                self._read_header()
            else:
                if kind.startswith("multipart/"):
                    if not boundary:
                        return "Missing start boundary"
                    self._open.append(boundary)
                if not self._next_part():
                    # An unclosed last part is common and harmless; no part at all is not.
                    return "Missing start boundary" if self._open and not self._parts else None
            self._parts += 1
            if self._parts > limits.MIME_PARTS:
                return f"Message has more than {limits.MIME_PARTS} MIME parts."

    def _next_part(self) -> bool:
        """Move to the next part of any open multipart; False at the end of them all."""
        while self._open:
            # The line end before a delimiter belongs to it (RFC 2046 §5.1.1), also where it
            # ends the header, so the search starts at the line end before the body.
            found = _DASHES.search(self._raw, max(self._position - 2, 0))
            if found is None:
                return False
            self._position = found.end() + 2
            line = found[1].rstrip(b" \t")
            if line in self._open:
                del self._open[self._open.index(line) + 1 :]
                self._read_header()
                return True
            if line.endswith(b"--") and line[:-2] in self._open:
                del self._open[self._open.index(line[:-2]) :]
        return False

    def _read_header(self) -> None:
        start = self._position
        if self._raw.startswith(b"\r\n", start):
            self._fields, self._position = (), start + 2
            return
        end = self._raw.find(b"\r\n\r\n", start)
        end = len(self._raw) if end < 0 else end
        self._fields = fields_of(self._raw[start:end])
        self._position = min(end + 4, len(self._raw))


def _part_fault(fields: tuple[Field, ...]) -> str | None:
    for field in fields:
        if field.name not in {"content-type", "content-disposition"}:
            continue
        parameters = _parameters(field.value)
        if isinstance(parameters, str):
            return parameters
        for name in ("filename", "name"):
            if (fault := _filename_fault(parameters.get(name, ""))) is not None:
                return fault
    return None


def _kind(fields: tuple[Field, ...]) -> tuple[str, bytes]:
    """The media type of a part in lower case, and its boundary if it names one."""
    for field in fields:
        if field.name == "content-type":
            parameters = _parameters(field.value)
            boundary = "" if isinstance(parameters, str) else parameters.get("boundary", "")
            kind = field.value.partition(";")[0].strip().lower()
            return kind, boundary.partition("\n")[0].rstrip().encode("utf-8", "replace")
    return "text/plain", b""


def _parameters(value: str) -> dict[str, str] | str:
    """The parameters of a header value by lower-case name, RFC 2231 undone, or the fault."""
    plain: dict[str, str] = {}
    sections: dict[str, list[tuple[int, bool, str]]] = {}
    for name, equals, written in _PARAMETER.findall(value):
        if not equals:
            return "Expected '=', got 'null'"
        text = _QUOTED_PAIR.sub(r"\1", written[1:-1]) if written[:1] == '"' else written.strip()
        split = _SECTION.fullmatch(name.lower())
        if split is None or (split["number"] is None and split["encoded"] is None):
            plain.setdefault(name.lower(), text)
            continue
        section = (int(split["number"] or 0), split["encoded"] is not None, text)
        sections.setdefault(split["name"], []).append(section)
    # Both forms may be present; the extended one is what clients show (RFC 2231 §4).
    # A refused extension in either counts, so the plain one stays beside it as a last resort.
    for name, pieces in sections.items():
        joined = "".join(_section_text(piece) for piece in sorted(pieces))
        plain[name] = f"{plain[name]}\n{joined}" if name in plain else joined
    return plain


def _section_text(piece: tuple[int, bool, str]) -> str:
    number, encoded, text = piece
    if not encoded:
        return text
    # RFC 2231 §4: only the first section carries charset'language'.
    return unquote(text.split("'", 2)[-1] if number == 0 else text, errors="replace")


def _filename_fault(names: str) -> str | None:
    for name in names.splitlines():
        shown = _decoded(name).strip()
        extension = shown.rstrip(". ").rpartition(".")[2].lower()
        if "." in shown and extension in limits.REFUSED_EXTENSIONS:
            return f"Illegal filename '{shown}'."  # wording UNCERTAIN
    return None


def _decoded(name: str) -> str:
    """Undo RFC 2047 words, which many programs put where RFC 2231 belongs."""
    if "=?" not in name:
        return name
    try:
        return str(make_header(decode_header(name)))
    except (HeaderParseError, LookupError, UnicodeError):
        return name  # not decodable, so nobody is shown another name
