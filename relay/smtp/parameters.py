"""The parameters of MAIL and RCPT.

Standards: RFC 5321 §4.1.2 (esmtp-param), RFC 1870 (SIZE), RFC 6152 (BODY), RFC 4954 §5 (AUTH),
RFC 3461 §4 and §5 (RET, ENVID, NOTIFY, ORCPT, xtext).
Errors: `Reply` for the peer: 555 for a parameter that is not offered, 501 for a bad value.
"""

import re
from collections.abc import Iterable

from relay.model import replies
from relay.model.envelope import Notify, Ret
from relay.model.ports import MailParameters
from relay.model.reply import Reply

_SIZE = re.compile(r"[0-9]{1,20}", re.ASCII)
# RFC 3461 §4: printable but `+` and `=`, which are written as `+` and two hexadecimal digits.
_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})"
_ENVID = re.compile(rf"{_XTEXT}{{1,100}}")  # §4.4: 100 characters at most
_ORCPT = re.compile(rf"[A-Za-z0-9-]+;{_XTEXT}{{1,500}}")  # §4.2: 500 characters at most
_BODIES = frozenset({"7BIT", "8BITMIME"})
_DSN = frozenset({"RET", "ENVID", "NOTIFY", "ORCPT"})


def read_mail(words: Iterable[str], *, dsn: bool) -> MailParameters | Reply:
    """Read the parameters of MAIL; those of RFC 3461 only where DSN is offered."""
    size: int | None = None
    ret: Ret | None = None
    envid: str | None = None
    named = _by_name(words, dsn=dsn)
    if isinstance(named, Reply):
        return named
    for name, value in named.items():
        match name:
            case "SIZE" if _SIZE.fullmatch(value):
                size = int(value)
            case "BODY" if value.upper() in _BODIES:
                pass  # both arrive in the same way; SES takes 8-bit content
            case "AUTH" if value:
                pass  # RFC 4954 §5: who submitted it first; nobody here trusts the claim
            case "RET" if value.upper() in (Ret.FULL, Ret.HEADERS):
                ret = Ret(value.upper())
            case "ENVID" if _ENVID.fullmatch(value):
                envid = value
            case "SIZE" | "BODY" | "AUTH" | "RET" | "ENVID":
                return replies.SYNTAX
            case _:
                return replies.PARAMETER_UNKNOWN
    return MailParameters(size=size, ret=ret, envid=envid)


def read_rcpt(words: Iterable[str], *, dsn: bool) -> tuple[frozenset[Notify], str | None] | Reply:
    """Read the parameters of RCPT: NOTIFY (empty: not said) and ORCPT."""
    notify: frozenset[Notify] = frozenset()
    orcpt: str | None = None
    named = _by_name(words, dsn=dsn)
    if isinstance(named, Reply):
        return named
    for name, value in named.items():
        match name:
            case "NOTIFY":
                notify = _read_notify(value)
                if not notify:
                    return replies.SYNTAX
            case "ORCPT" if _ORCPT.fullmatch(value):
                orcpt = value
            case "ORCPT":
                return replies.SYNTAX
            case _:
                return replies.PARAMETER_UNKNOWN
    return notify, orcpt


def _by_name(words: Iterable[str], *, dsn: bool) -> dict[str, str] | Reply:
    """Give the parameters by upper-case name; each may be said once."""
    named: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        name = name.upper()
        if name in named:
            return replies.SYNTAX
        if name in _DSN and not dsn:
            return replies.PARAMETER_UNKNOWN
        named[name] = value
    return named


def _read_notify(value: str) -> frozenset[Notify]:
    """Read RFC 3461 §4.1; empty when it is not one."""
    words = value.upper().split(",")
    try:
        notify = frozenset(Notify(word) for word in words)
    except ValueError:
        return frozenset()
    if len(notify) != len(words) or (Notify.NEVER in notify and len(notify) > 1):
        return frozenset()
    return notify
