"""One instance of each header field that SES allows once: the rule for every name.

Instances with the same value (blanks and folding aside) become one, whatever the name. Where they
differ, `RULES` says what happens. A refusal names the field in SES's own words, so that whoever
knows the SMTP interface of SES knows the message.

Standards: RFC 5322 §3.6 (how often a field may occur), RFC 2369 §2 (lists of URLs), RFC 3834 §5.
SES facts: SES Developer Guide, header-fields: `Duplicate header 'X'` refuses the whole message.
Errors: a `Refusal` where the instances contradict each other.
"""

from collections.abc import Iterable
from enum import Enum

from relay.mail.changes import Change, Changed
from relay.mail.headers import ONCE_ONLY
from relay.mail.refusal import Refusal
from relay.model import replies
from relay.model.content import Field


class Rule(Enum):
    """What becomes of instances that differ."""

    REFUSE = "refused: no choice between them is right"
    FIRST = "the first stays: advice that changes no content"
    LIST = "merged, separated by commas: the grammar is a list"
    TEXT = "merged, separated by semicolons: free text"
    IDS = "merged: each message id once, in order"
    AUTOMATIC = "the first that is not `no` stays, so that nobody answers a machine"
    ELSEWHERE = "removed, or reduced by the rules for signatures"


RULES: dict[bytes, Rule] = {
    **dict.fromkeys(ONCE_ONLY, Rule.FIRST),
    **dict.fromkeys(
        (
            b"from",
            b"sender",
            b"subject",
            b"list-id",
            b"content-type",
            b"content-transfer-encoding",
            b"content-disposition",
            b"content-id",
            b"content-md5",
            b"content-location",
            b"content-base",
            b"content-alternative",
        ),
        Rule.REFUSE,
    ),
    **dict.fromkeys(
        (
            b"reply-to",
            b"keywords",
            b"accept-language",
            b"acceptlanguage",
            b"content-language",
            b"disposition-notification-to",
            b"list-archive",
            b"list-help",
            b"list-owner",
            b"list-post",
            b"list-subscribe",
            b"list-unsubscribe",
        ),
        Rule.LIST,
    ),
    **dict.fromkeys((b"comments", b"content-description"), Rule.TEXT),
    **dict.fromkeys((b"references", b"in-reply-to"), Rule.IDS),
    b"auto-submitted": Rule.AUTOMATIC,
    **dict.fromkeys((b"bounces-to", b"return-path", b"dkim-signature"), Rule.ELSEWHERE),
}

# Values that compare without regard to case (RFC 2045 §5.1, §6.1; RFC 3834 §5).
_CASELESS = frozenset(
    {b"content-transfer-encoding", b"mime-version", b"auto-submitted", b"precedence"}
)


def reduce_duplicates(
    fields: Iterable[Field],
) -> tuple[tuple[Field, ...], tuple[Changed, ...]] | Refusal:
    """Give each once-only field one instance, where the first one stood."""
    instances: dict[bytes, list[Field]] = {}
    kept: list[Field | bytes] = []
    for field in fields:
        name = field.name
        if RULES.get(name, Rule.ELSEWHERE) is Rule.ELSEWHERE:
            kept.append(field)
        elif name in instances:
            instances[name].append(field)
        else:
            instances[name] = [field]
            kept.append(name)
    single: dict[bytes, Field] = {}
    changed: list[Changed] = []
    for name, found in instances.items():
        if len(found) == 1:
            single[name] = found[0]
            continue
        distinct = _distinct(name, found)
        chosen = _reduce(RULES[name], distinct) if len(distinct) > 1 else distinct[0]
        if isinstance(chosen, Refusal):
            return chosen
        single[name] = chosen
        changed.append(Changed(Change.DUPLICATE, _spelling(chosen)))
    return (
        tuple(single[field] if isinstance(field, bytes) else field for field in kept),
        tuple(changed),
    )


def _reduce(rule: Rule, found: list[Field]) -> Field | Refusal:
    first = found[0]
    match rule:
        case Rule.REFUSE:
            return Refusal.of(replies.MALFORMED, f"Duplicate header '{_spelling(first)}'")
        case Rule.LIST:
            return _joined(found, b",")
        case Rule.TEXT:
            return _joined(found, b";")
        case Rule.IDS:
            words = dict.fromkeys(word for field in found for word in field.value.split())
            return Field(_start(first) + b"\r\n ".join(words) + b"\r\n")
        case Rule.AUTOMATIC:
            return next((field for field in found if field.value.lower() != b"no"), first)
        case Rule.FIRST | Rule.ELSEWHERE:
            return first


def _distinct(name: bytes, found: list[Field]) -> list[Field]:
    """Leave out later instances that say the same; blanks and folding say nothing."""
    distinct: dict[bytes, Field] = {}
    for field in found:
        value = b" ".join(field.value.split())
        distinct.setdefault(value.lower() if name in _CASELESS else value, field)
    return list(distinct.values())


def _joined(found: list[Field], separator: bytes) -> Field:
    values = [field.raw.partition(b":")[2].strip(b" \t\r\n,;") for field in found]
    return Field(_start(found[0]) + (separator + b"\r\n ").join(filter(None, values)) + b"\r\n")


def _start(field: Field) -> bytes:
    return field.raw.partition(b":")[0] + b": "


def _spelling(field: Field) -> str:
    return field.raw.partition(b":")[0].rstrip(b" \t").decode("ascii", "replace")
