"""HTML by construction: everything that is not made here is text and gets escaped.

There is no way to put a peer's text into a page unescaped short of calling `Html` oneself.

Standards: WHATWG HTML (escaping of text and of quoted attribute values).
Errors: none.
"""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

_VOID = frozenset({"meta", "link", "input", "br"})


class Html(str):
    """Markup that is safe as it stands."""

    __slots__ = ()


Child: TypeAlias = Html | str | int | float | Iterable["Child"] | None
Attribute: TypeAlias = str | int | float | bool | None


def el(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """Make an element. `class_` is `class`, `data_x` is `data-x`; None and False leave out."""
    shown = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{shown}>")
    return Html(f"<{name}{shown}>{markup(*children)}</{name}>")


def markup(*children: Child) -> Html:
    """Put children one after the other."""
    return Html("".join(_child(child) for child in children))


def octets(page: Html) -> bytes:
    """Encode a page; what is no Unicode (octets of a peer) shows as a question mark."""
    return page.encode("utf-8", "replace")


def _child(child: Child) -> str:
    match child:
        case None:
            return ""
        case Html():
            return child
        case str():
            return escape(child)
        case int() | float():
            return str(child)
        case _:
            return markup(*child)


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    return f' {name}="{escape(str(value))}"'
