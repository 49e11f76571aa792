"""One call of the v2 API as its operations see it, and pages of names.

SES facts: botocore service model `sesv2` (PageSize and NextToken in the query string, or in
the body where a list is asked for by POST).
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from . import refusal
from .document import Document
from .refusal import Refusal
from .submission import Caller

_MOST_A_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A routed call: arguments out of the path, the query, the body, and who calls."""

    arguments: tuple[str, ...]
    query: Mapping[str, list[str]]
    body: Document
    caller: Caller

    def parameter(self, name: str) -> str | None:
        """A parameter of the query string, or of the body, where it may be an integer."""
        found = self.query.get(name)
        if found:
            return found[-1]
        if self.body.is_number(name):
            return f"{self.body.number(name):g}"
        return self.body.text(name)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the names, and the token that asks for those after them."""

    names: tuple[str, ...]
    next_token: str | None

    def result(self, member: str, shown: list[object]) -> dict[str, object]:
        """The result of a list operation."""
        following = {} if self.next_token is None else {"NextToken": self.next_token}
        return {member: shown, **following}


def page(call: Call, names: list[str], filters: str = "") -> Page | Refusal:
    """Cut the page a call asks for out of sorted names.

    A token is good for the list, and the filters, that it was given for. It says after which name
    to go on, so that nothing is left out when the list gets shorter in between.
    """
    most = call.parameter("PageSize")
    size = _MOST_A_PAGE if most is None else _natural(most)
    if size is None or not 1 <= size <= _MOST_A_PAGE:
        return refusal.invalid(f"PageSize must be between 1 and {_MOST_A_PAGE}.")
    written = call.parameter("NextToken")
    after = "" if written is None else _after(written, filters)
    if after is None:
        return Refusal(
            query_code="InvalidParameterValue",
            rest_code="InvalidNextTokenException",
            message="The specified request includes an invalid or expired token.",
        )
    start = bisect_right(names, after)
    end = start + size
    return Page(tuple(names[start:end]), _token(names[end - 1], filters) if names[end:] else None)


def _token(after: str, filters: str) -> str:
    return urlsafe_b64encode(json.dumps([filters, after]).encode()).decode()


def _after(token: str, filters: str) -> str | None:
    """Read a token; None: it is not one of ours, or one of another list."""
    try:
        said = json.loads(urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError):
        return None
    match said:
        case [str(known), str(after)] if known == filters:
            return after
        case _:
            return None


def _natural(written: str) -> int | None:
    fits = written.isascii() and written.isdigit() and len(written) < 10
    return int(written) if fits else None
