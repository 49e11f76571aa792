"""Which identities SES must know in which route, as far as the configuration tells.

SES facts: a verified domain covers its addresses and its subdomains; identities belong to one
Region (SES Developer Guide, creating-identities).
Errors: none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from relay.model.address import Address
from relay.model.settings import NULL_SENDER, AuthMode, BounceTo, Rule, Settings, User
from relay.policy.policy import NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """One address or domain that mail of a route will name as its sender or author."""

    route: str
    key: str  # the option that says so
    name: str  # as it is written there
    candidates: tuple[str, ...]  # identities that would cover it, the closest first; empty: any
    rewritten_by: str = ""  # a rule that may put another address in its place


def needed(settings: Settings) -> Iterator[Needed]:
    """List what the routes' accounts must have verified, each once for each route."""
    seen: set[tuple[str, str]] = set()
    for one in _all(settings):
        if (one.route, one.name) not in seen:
            seen.add((one.route, one.name))
            yield one


def routes_of(settings: Settings, user: User) -> Iterator[str]:
    """List the routes that mail of a user may take."""
    chosen = [rule.then.route for rule in settings.rules if _concerns(rule, user)]
    for first in (user.route, *chosen):
        route = first
        while route is not None:  # the configuration sees to it that they lead in no circle
            yield route
            route = settings.routes[route].fallback


def _all(settings: Settings) -> Iterator[Needed]:
    for name, route in settings.routes.items():
        if route.null_sender is not None:
            yield _address(name, f"routes.{name}.null_sender", route.null_sender)
    bounces = settings.bounces
    for user in _users(settings):
        for name in dict.fromkeys(routes_of(settings, user)):
            yield from _of_user(settings, user, name)
            if bounces.to is not BounceTo.OFF and bounces.from_ is not None:
                yield _address(name, "bounces.from", bounces.from_)


def _users(settings: Settings) -> Iterator[User]:
    """List the users, and nobody in particular where a listener takes mail without AUTH."""
    yield from settings.users
    if any(listener.auth is not AuthMode.REQUIRED for listener in settings.listeners):
        yield NOBODY


def _of_user(settings: Settings, user: User, route: str) -> Iterator[Needed]:
    rules = [rule for rule in settings.rules if _concerns(rule, user)]
    rewriting = [r.name for r in rules if r.then.rewrite_from or r.then.rewrite_sender]
    for pattern in user.senders:
        if pattern.text != NULL_SENDER:
            yield Needed(
                route=route,
                key=f"users.{user.name}.senders",
                name=pattern.text,
                candidates=_candidates(pattern.text),
                rewritten_by=", ".join(rewriting),
            )
    if user.default_from is not None:
        yield _address(route, f"users.{user.name}.default_from", user.default_from)
    for rule in rules:
        for key in ("rewrite_from", "rewrite_sender"):
            address = getattr(rule.then, key)
            if address is not None and (rule.then.route or route) == route:
                yield _address(route, f"rules.{rule.name}.then.{key}", address)


def _concerns(rule: Rule, user: User) -> bool:
    return not rule.when.user or any(glob.matches(user.name) for glob in rule.when.user)


def _address(route: str, key: str, address: Address) -> Needed:
    return Needed(route=route, key=key, name=str(address), candidates=_candidates(str(address)))


def _candidates(pattern: str) -> tuple[str, ...]:
    local, _, domain = pattern.rpartition("@")
    labels = domain.lower().split(".")
    # What stands left of the last star may be anything; a subdomain is covered by its parent.
    stars = [place for place, label in enumerate(labels) if "*" in label]
    labels = labels[stars[-1] + 1 :] if stars else labels
    # No single label is anybody's identity: `*@*.com` says nothing about what to verify.
    parents = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    if stars or "*" in local or not parents:
        return tuple(parents)
    return (f"{local}@{domain.lower()}", *parents)
