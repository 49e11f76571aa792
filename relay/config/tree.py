"""YAML text to a tree of texts, with the line of every key.

The nodes are composed, never constructed: no YAML tag can make an object, and a scalar keeps what
the operator wrote. Plain scalars are read by the core schema of YAML 1.2: only `true` and `false`
are booleans, so that `off`, `no` and `1:30` stay the words they look like.

Standards: YAML 1.2.2 §10.3 (core schema), on a YAML 1.1 parser.

Errors: `parse` returns a `Document` with findings in it, it never raises. A sentence about broken
YAML never quotes the text, which could be a password that lacks its quotes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from relay.config.expand import UnsetVariable, expand
from relay.config.fault import Finding, Loc, shown

NOTHING = "nothing"  # what kind() says of an empty value
MAX_DEPTH = 24  # the deepest option is six levels down
MAX_NODES = 500_000  # ten thousand users have 200,000; aliases can make a short text a huge tree

# More digits than any option needs are a text: no number here is infinite, or beyond 2**53.
_INT = re.compile(r"[-+]?[0-9]{1,15}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,15}|[0-9]{1,15}(?:\.[0-9]{0,15})?)(?:[eE][-+]?[0-9]{1,2})?")
_KEYWORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))
_Parser: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _loader(parser: type[yaml.SafeLoader]) -> type[yaml.SafeLoader]:
    """Derive a loader that leaves every plain scalar a text: `Scalar.value` knows better."""
    return type("Loader", (parser,), {"yaml_implicit_resolvers": {}})


_Loader = _loader(_Parser)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text: as written, and with the variables of the environment in it."""

    written: str
    text: str
    plain: bool  # without quotes

    @property
    def value(self) -> str | float | bool | None:
        """The text as YAML understands it; text from the environment stays text."""
        if self.text != self.written:
            return self.text or None
        if not self.plain:
            return self.text
        if self.text in _KEYWORDS:
            return _KEYWORDS[self.text]
        number = self.number
        return self.text if number is None else number

    @property
    def number(self) -> float | None:
        """The text as a number, in quotes or from the environment too; None if it is none."""
        if _INT.fullmatch(self.text):
            return int(self.text)
        return float(self.text) if _FLOAT.fullmatch(self.text) else None


@dataclass(frozen=True, slots=True)
class Listing:
    """A YAML sequence."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A YAML mapping; each key stands once."""

    entries: Mapping[str, "Node"]


@dataclass(frozen=True, slots=True)
class Broken:
    """Stands where a finding says that nothing could be read."""


Node: TypeAlias = Scalar | Listing | Table | Broken


@dataclass(slots=True)
class Document:
    """One file: its tree, the line of each place in it, and what was wrong on the way."""

    root: Table = field(default_factory=lambda: Table({}))
    lines: dict[Loc, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def line(self, loc: Loc) -> int:
        """Give the line of a place, or of the nearest place around it that was written."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)


def parse(octets: bytes, environ: Mapping[str, str]) -> Document:
    """Read the octets of a file."""
    document = Document()
    try:
        node = _compose(octets)
        if node is not None:
            root = _Growth(document, environ).grow(node, ())
            if isinstance(root, Table):
                document.root = root
            elif not isinstance(root, Broken):
                _find(document, 1, "the file is not a mapping", "write options as `key: value`")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        _find(document, line, "there is an octet that is not UTF-8", "save the file as UTF-8")
    except yaml.MarkedYAMLError as error:
        _find(document, *_explain(error, octets))
    except yaml.reader.ReaderError as error:
        line = octets.decode(errors="replace").count("\n", 0, error.position) + 1
        _find(document, line, "there is a control character", "remove it")
    except _TooMuchError as error:
        _find(
            document,
            error.line,
            "the file is nested too deeply or too large",
            "write it as the example file does",
        )
    return document


def _compose(octets: bytes) -> yaml.Node | None:
    """Give the YAML library's node tree of the one document in the text."""
    loader = _Loader(octets.decode("utf-8-sig"))
    try:
        node: yaml.Node | None = loader.get_single_node()
    except RecursionError:
        raise _TooMuchError(1) from None
    finally:
        loader.dispose()
    return node


def _find(document: Document, line: int, wrong: str, instead: str) -> None:
    document.findings.append(Finding((), wrong, instead, line=line))


def _explain(  # noqa: PLR0911 - one return per complaint
    error: yaml.MarkedYAMLError, octets: bytes
) -> tuple[int, str, str]:
    """Say what a YAML parser's complaint means to someone who writes a configuration."""
    context, problem = error.context or "", error.problem or ""
    mark = error.problem_mark or error.context_mark
    if "quoted scalar" in context and error.context_mark is not None:
        line = error.context_mark.line + 1
        return line, "a quote is opened here and never closed", "close it on the same line"
    if mark is None:
        return 1, "this is not YAML", "begin with the example file"
    line, column = mark.line + 1, mark.column + 1
    lines = octets.decode("utf-8-sig").splitlines()
    if mark.line < len(lines) and "\t" in lines[mark.line][:column]:
        return line, "there is a tab in the indentation", "indent with spaces"
    if "single document" in context:
        return line, "a second document begins here", "keep one, without --- in between"
    if "alias" in problem:
        return line, f"the value at column {column} begins with *", 'put it in quotes, like "*"'
    if "cannot start any token" in problem:
        return line, f"the character at column {column} cannot begin a value", "use quotes"
    if mark.line < len(lines) and "${" in lines[mark.line]:
        return line, f"this is not YAML at column {column}", 'put "${…}" in quotes'
    return (
        line,
        f"this is not YAML at column {column}",
        "check the indentation, the quotes and the colons of this line and the one before",
    )


class _TooMuchError(Exception):
    """The tree is deeper or larger than any configuration; `line` is where it was noticed."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Growth:
    """Builds the tree of one document, and counts what it builds."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._document = document
        self._environ = environ
        self._nodes = 0

    def grow(self, node: yaml.Node, loc: Loc) -> Node:
        """Turn one YAML node into ours."""
        self._nodes += 1
        self._document.lines.setdefault(loc, node.start_mark.line + 1)
        if len(loc) > MAX_DEPTH or self._nodes > MAX_NODES:
            raise _TooMuchError(node.start_mark.line + 1)
        if node.tag not in _TAGS:
            return self._refuse(loc, "YAML tags are not used here", "remove the word with the !")
        match node:
            case yaml.ScalarNode():
                return self._scalar(node, loc)
            case yaml.SequenceNode():
                items = (self.grow(item, (*loc, n)) for n, item in enumerate(node.value))
                return Listing(tuple(items))
            case yaml.MappingNode():
                return self._table(node, loc)
            case _:
                raise TypeError(f"YAML has no node of type {type(node)}")

    def _scalar(self, node: yaml.ScalarNode, loc: Loc) -> Scalar | Broken:
        match expand(node.value, self._environ):
            case UnsetVariable(name=name, valid=True):
                return self._refuse(
                    loc,
                    f"the environment variable {name} is not set",
                    f"set it, or write ${{{name}:-DEFAULT}}",
                )
            case UnsetVariable():
                return self._refuse(
                    loc,
                    "there is a ${…} that names no environment variable",
                    "write ${NAME} or ${NAME:-DEFAULT}, or $${ for a plain ${",
                )
            case text:
                return Scalar(node.value, text, plain=not node.style)

    def _table(self, node: yaml.MappingNode, loc: Loc) -> Table:
        entries: dict[str, Node] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(loc, "a key is a list or a mapping", "write a name as the key", line)
            elif key_node.value in entries:
                self._refuse(
                    (*loc, key_node.value),
                    f"stands on line {self._document.lines[*loc, key_node.value]} already",
                    "keep one of the two",
                    line,
                )
            else:
                inner = (*loc, key_node.value)
                self._document.lines[inner] = line
                entries[key_node.value] = self.grow(value_node, inner)
        return Table(entries)

    def _refuse(self, loc: Loc, wrong: str, instead: str, line: int = 0) -> Broken:
        self._document.findings.append(Finding(loc, wrong, instead, line=line))
        return Broken()


def kind(node: Node) -> str:
    """Say what a node is, for a message; what a text came to from the environment is not shown."""
    match node:
        case Scalar(value=None):
            return NOTHING
        case Scalar(value=int() | float(), written=written):
            return written[:60]
        case Scalar(written=written):
            return shown(written)
        case Listing():
            return "a list"
        case Table():
            return "a mapping"
        case Broken():
            return "something unreadable"
