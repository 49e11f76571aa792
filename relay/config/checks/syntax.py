"""Forms of names that SES and mail prescribe, shared by the checks.

Standards: RFC 5321 §4.1.2 (Domain), RFC 5322 §2.2 (field names). SES facts: names of
configuration sets and of message tags, and tag values, are ASCII letters, digits, `_` and `-`
(SES API reference, MessageTag and ConfigurationSet).

Errors: none; findings.
"""

import re
from collections.abc import Iterator, Mapping

from relay.config.fault import Finding, Loc, shown

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DOMAIN = re.compile(rf"(?=.{{1,255}}$){_LABEL}(?:\.{_LABEL})*")
_FIELD_NAME = re.compile(r"[!-9;-~]{1,76}")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_domain(text: str) -> bool:
    """Say if a text is a domain name in ASCII."""
    return _DOMAIN.fullmatch(text) is not None


def is_field_name(text: str) -> bool:
    """Say if a text can be the name of a header field."""
    return _FIELD_NAME.fullmatch(text) is not None


def check_domain(text: str | None, loc: Loc) -> Iterator[Finding]:
    """Find what is no domain name."""
    if text is not None and not is_domain(text):
        yield Finding(loc, f"{shown(text)} is not a domain name", "write it like mail.example.com")


def check_configuration_set(name: str | None, loc: Loc) -> Iterator[Finding]:
    """Find what SES does not take as the name of a configuration set."""
    if name is not None and not _SET.fullmatch(name):
        yield Finding(
            loc,
            f"{shown(name)} cannot be the name of a configuration set",
            "write at most 64 letters, digits, - and _",
        )


def check_tags(tags: Mapping[str, str], loc: Loc) -> Iterator[Finding]:
    """Find what SES does not take as message tags."""
    for name, value in tags.items():
        for text in (name, value):
            if not _TAG.fullmatch(text):
                yield Finding(
                    (*loc, name),
                    f"{shown(text)} cannot stand in a message tag",
                    "write letters, digits, - and _, at most 256",
                )
