"""Checks of the rules.

Standards: RFC 5322 §2.2 (header fields). SES facts: X-SES-* fields are instructions to SES, so
the relay removes them all (SES Developer Guide, event-publishing-send-email).

Errors: none; findings.
"""

from collections.abc import Iterator

from relay.config.checks.listeners import keeps_nothing
from relay.config.checks.syntax import check_configuration_set, check_tags, is_field_name
from relay.config.fault import Finding, Loc, shown
from relay.model.ses_limits import RECIPIENTS
from relay.model.settings import Actions, Conditions, Rule, Settings

_LONGEST_REASON = 400  # RFC 5321 §4.5.3.1.5 gives a reply line 512 octets


def check_rules(settings: Settings) -> Iterator[Finding]:
    """Find rules that do nothing, contradict themselves, or point nowhere."""
    names: dict[str, int] = {}
    for n, rule in enumerate(settings.rules):
        loc: Loc = ("rules", n)
        first = names.setdefault(rule.name, n)
        if first != n:
            yield Finding(
                (*loc, "name"), f"rules[{first}] has the same name", "give each rule its own name"
            )
        yield from _actions(rule, (*loc, "then"))
        yield from _fields(rule.when, rule.then, loc)
        yield from check_configuration_set(
            rule.then.configuration_set, (*loc, "then", "configuration_set")
        )
        yield from check_tags(rule.then.tags, (*loc, "then", "tags"))
        if rule.then.route is not None and rule.then.route not in settings.routes:
            yield Finding(
                (*loc, "then", "route"),
                f"there is no route {shown(rule.then.route)}",
                f"write one of: {', '.join(settings.routes)}",
                rests_on=("routes",),
            )
        if rule.then.hold and keeps_nothing(settings):
            yield Finding(
                (*loc, "then", "hold"),
                "queue.store is none, so that nothing can be held",
                "choose a store, or another action",
                rests_on=("queue",),
            )
        yield from _one_request(rule, settings, loc)


def _one_request(rule: Rule, settings: Settings, loc: Loc) -> Iterator[Finding]:
    """Find redirects that, without a store, would be sent back for ever."""
    most = max(
        (route.recipients_per_request for route in settings.routes.values()), default=RECIPIENTS
    )
    if keeps_nothing(settings) and len(rule.then.redirect) > most:
        yield Finding(
            (*loc, "then", "redirect"),
            f"queue.store is none, so that one request must carry all, and {most} is the most",
            "choose a store, or fewer addresses",
            rests_on=("queue", "routes"),
        )


def _actions(rule: Rule, loc: Loc) -> Iterator[Finding]:
    then = rule.then
    final = [key for key in ("reject", "discard", "hold") if getattr(then, key)]
    if len(final) > 1:
        yield Finding(
            loc, f"has {' and '.join(final)}, of which only one can end the message", "keep one"
        )
    changes = _changes(then)
    if not final and not changes:
        yield Finding(loc, "does nothing", "write an action, such as reject: TEXT or lane: bulk")
    if changes and (then.reject is not None or then.discard):
        yield Finding(
            loc,
            f"changes ({', '.join(changes)}) a message that is not sent",
            f"remove the change, or {final[0]}",
        )
    if then.reject is not None and not (
        then.reject.isascii() and then.reject.isprintable() and len(then.reject) <= _LONGEST_REASON
    ):
        yield Finding(
            (*loc, "reject"),
            "cannot be sent in an SMTP reply",
            f"write one line of ASCII, at most {_LONGEST_REASON} characters",
        )


def _changes(then: Actions) -> list[str]:
    """List the changes that a rule makes, by their keys."""
    keys = (
        "redirect",
        "rewrite_from",
        "rewrite_sender",
        "add_header",
        "remove_header",
        "route",
        "lane",
        "configuration_set",
        "tags",
    )
    return [key for key in keys if getattr(then, key)]


def _fields(when: Conditions, then: Actions, loc: Loc) -> Iterator[Finding]:
    named = [
        *(((*loc, "when", "header", name), name) for name in when.header),
        *(((*loc, "then", "add_header", name), name) for name in then.add_header),
        *(((*loc, "then", "remove_header"), name) for name in then.remove_header),
    ]
    for place, name in named:
        if not is_field_name(name):
            yield Finding(
                place, f"{shown(name)} is not the name of a header field", "write it like X-Env"
            )
    for name, value in then.add_header.items():
        place = (*loc, "then", "add_header", name)
        if not value.isprintable():
            yield Finding(place, "the value has a control character in it", "write one line")
        if name.lower().startswith("x-ses-"):
            yield Finding(
                place,
                "X-SES-* fields are removed before SES sees the message",
                "write configuration_set or tags instead",
            )
