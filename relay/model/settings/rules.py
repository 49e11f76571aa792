"""Settings of the rules: what is to happen to which messages.

All conditions of one rule must hold; within one condition any of its values. Rules are tried in
order for each recipient; the first final action (reject, discard, hold) ends the walk.

Errors: none.
"""

from collections.abc import Mapping

from relay.model.address import Address
from relay.model.settings.option import Unit, option, required, section
from relay.model.settings.patterns import AddressPattern, Glob
from relay.model.settings.values import Network
from relay.model.settings.words import Lane


@section
class Conditions:
    """To which messages and recipients a rule applies; what is left out is not asked."""

    user: tuple[Glob, ...] = option(
        default=(), min_length=1, example='["app-*"]', reason="Name of the user."
    )
    recipient: tuple[AddressPattern, ...] = option(
        default=(), min_length=1, example='["*@example.org"]', reason="Envelope recipient."
    )
    author: tuple[AddressPattern, ...] = option(
        default=(), min_length=1, example='["*@example.com"]', reason="Address in From:."
    )
    sender: tuple[AddressPattern, ...] = option(
        default=(),
        min_length=1,
        example='["*@example.com"]',
        reason='MAIL FROM; "<>" is the null sender.',
    )
    network: tuple[Network, ...] = option(
        default=(), min_length=1, example='["10.0.0.0/8"]', reason="Address of the client."
    )
    listener: tuple[Glob, ...] = option(
        default=(),
        min_length=1,
        example='["127.0.0.1:1025"]',
        reason="Name or bind of the listener.",
    )
    header: Mapping[str, Glob] = option(
        default_factory=dict,
        min_length=1,
        example="{X-Env: staging}",
        reason="Header fields and what they say; case counts in the value, * stands for anything.",
    )
    larger_than: int | None = option(
        default=None, unit=Unit.OCTETS, at_least=0, reason="Size of the message as received."
    )


@section
class Actions:
    """What a rule does: at most one final action, and any number of changes."""

    reject: str | None = option(
        default=None, min_length=1, reason="Final: refuse with 550 5.7.1 and this text."
    )
    discard: bool = option(default=False, reason="Final: say 250 and drop it (logged).")
    hold: bool = option(default=False, reason="Final: keep it until an operator releases it.")
    redirect: tuple[Address, ...] = option(
        default=(),
        example='["qa@example.com"]',
        reason="Send to these addresses instead of the recipient.",
    )
    rewrite_from: Address | None = option(
        default=None,
        reason="Author address to use; Reply-To keeps the original one.",
    )
    rewrite_sender: Address | None = option(default=None, reason="Sender (reverse-path) to use.")
    add_header: Mapping[str, str] = option(
        default_factory=dict, reason="Header fields to add, name and value."
    )
    remove_header: tuple[str, ...] = option(default=(), reason="Names of header fields to remove.")
    route: str | None = option(default=None, reason="Route to use.")
    lane: Lane | None = option(default=None, reason="Lane to use.")
    configuration_set: str | None = option(default=None, reason="SES configuration set to use.")
    tags: Mapping[str, str] = option(default_factory=dict, reason="SES message tags to add.")


@section
class Rule:
    """One rule: a name for the log, conditions and actions."""

    name: str = required(min_length=1, example="staging", reason="Name in logs and in `explain`.")
    when: Conditions = option(
        default_factory=Conditions, reason="To whom it applies; left out: to all mail."
    )
    then: Actions = required(example="{lane: bulk}", reason="What is done.")
