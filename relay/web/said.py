"""What an operator's word did, shown on the page that comes after it.

The words travel in the address of that page, as names of a closed list and numbers: nobody can make
a link that shows other words.

Errors: none.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from relay.web.html import Html, el
from relay.web.operator import Refused

_WORDS = {
    "retry": "made due now",
    "hold": "held",
    "release": "released",
    "drop": "thrown away",
    "add": "suppressed",
    "remove": "removed from the list",
    **{refused.name.lower(): refused.value for refused in Refused},
    "fault": "not changed: the store has a fault, see the log",
}
_BAD = frozenset({"fault", *(refused.name.lower() for refused in Refused)})
_MOST_DIGITS = 6


def after(path: str, word: str, count: int = 0) -> str:
    """Give the address of the page to go on with."""
    return f"{path}?{urlencode({'done': word, 'n': count})}"


def said(query: Mapping[str, str]) -> Html | None:
    """Show what was done, if this page comes after it."""
    word, number = query.get("done", ""), query.get("n", "")
    if word not in _WORDS or not (number.isdecimal() and len(number) <= _MOST_DIGITS):
        return None
    if word in _BAD:
        return el("p", _WORDS[word].capitalize(), class_="bad", role="alert")
    if number == "0":
        return el("p", "Nothing was changed: it is not there, or on its way", class_="wait")
    return el("p", f"{number} {_WORDS[word]}", class_="good", role="status")
