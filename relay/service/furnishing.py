"""Builds an office, for a relay of one process and for a supervisor alike.

Errors: none; nothing is opened or started yet.
"""

from collections.abc import Callable
from dataclasses import dataclass

from relay.service.account_lists import watching
from relay.service.accounts import Accounts
from relay.service.assembly import Outside
from relay.service.feedback import Around, learning
from relay.service.http import View
from relay.service.office import Office
from relay.service.rounds import rounds
from relay.service.routes import Routes
from relay.service.stores import Stores
from relay.web import Readiness


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """What there is before the office."""

    outside: Outside
    stores: Stores
    routes: Routes
    accounts: Accounts
    around: Around
    readiness: Callable[[], Readiness]


def furnished(premises: Premises) -> Office:
    """Wire it."""
    outside, stores, around = premises.outside, premises.stores, premises.around
    routes, accounts = premises.routes, premises.accounts
    feedback = learning(stores, around)
    lists = None
    if stores.mirrors is not None:
        lists = watching(stores.mirrors, routes.borrowed, around)
    return Office(
        outside=outside,
        stores=stores,
        feedback=feedback,
        lists=lists,
        rounds=rounds(around.settings, outside, routes, around.telemetry),
        view=View(
            readiness=premises.readiness,
            settings=around.settings,
            accounts=lambda: accounts.heard(around.settings().routes),
            users=feedback.reputation,
        ),
        watch_accounts=routes.watch_accounts,
    )
