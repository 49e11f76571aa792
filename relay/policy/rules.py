"""Walk the rules for one recipient, in order; the first final action ends the walk.

Later rules see the recipient as the client named it, not as an earlier rule redirected it: what a
rule matches does not depend on its neighbours.
Errors: none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from relay.model import replies
from relay.model.address import Address
from relay.model.reply import Reply
from relay.model.settings import Actions, Lane, Rule
from relay.policy.conditions import Applies, applies
from relay.policy.question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The changes that the rules passed on the way have asked for; later ones win."""

    rules: tuple[str, ...] = ()
    redirect: tuple[Address, ...] = ()
    rewrite_from: Address | None = None
    rewrite_sender: Address | None = None
    add_headers: tuple[tuple[str, str], ...] = ()
    remove_headers: tuple[str, ...] = ()
    route: str | None = None
    lane: Lane | None = None
    configuration_set: str | None = None
    tags: tuple[tuple[str, str], ...] = ()

    def after(self, rule: Rule) -> "Gathered":
        """Add one matching rule."""
        then = rule.then
        return replace(
            self,
            rules=(*self.rules, rule.name),
            redirect=then.redirect or self.redirect,
            rewrite_from=then.rewrite_from or self.rewrite_from,
            rewrite_sender=then.rewrite_sender or self.rewrite_sender,
            add_headers=(*self.add_headers, *then.add_header.items()),
            remove_headers=(*self.remove_headers, *then.remove_header),
            route=then.route or self.route,
            lane=then.lane or self.lane,
            configuration_set=then.configuration_set or self.configuration_set,
            tags=tuple({**dict(self.tags), **then.tags}.items()),
        )


@dataclass(frozen=True, slots=True)
class Passes:
    """No final action: the recipient is accepted, changed as gathered."""

    gathered: Gathered


@dataclass(frozen=True, slots=True)
class Rejects:
    """Refused by a rule."""

    rule: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class Discards:
    """Thrown away by a rule."""

    rule: str


@dataclass(frozen=True, slots=True)
class Holds:
    """Kept for an operator by a rule, changed as gathered up to it."""

    rule: str
    gathered: Gathered


@dataclass(frozen=True, slots=True)
class NeedsContent:
    """Only the content can tell what the rules say of this recipient.

    Recipients for whom the same rules are still open are treated alike, whatever it shows.
    """

    rules: tuple[str, ...]  # names of those that apply, as far as the envelope tells


Walked = Passes | Rejects | Discards | Holds | NeedsContent


def walk(rules: Sequence[Rule], question: Question) -> Walked:
    """Give what the rules say of one recipient."""
    gathered = Gathered()
    for rule in rules:
        match applies(rule.when, question):
            case Applies.NEEDS_CONTENT:
                # A later rule could refuse, but this one might redirect or discard first.
                return NeedsContent(
                    tuple(r.name for r in rules if applies(r.when, question) is not Applies.NO)
                )
            case Applies.YES:
                gathered = gathered.after(rule)
                if final := _final(rule.name, rule.then, gathered):
                    return final
            case Applies.NO:
                pass
    return Passes(gathered)


def _final(name: str, then: Actions, gathered: Gathered) -> Rejects | Discards | Holds | None:
    if then.reject is not None:
        return Rejects(name, replies.REFUSED_BY_RULE.saying(then.reject))
    if then.discard:
        return Discards(name)
    if then.hold:
        return Holds(name, gathered)
    return None
