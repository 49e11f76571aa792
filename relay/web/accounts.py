"""What SES says of the account behind each route, on the first page.

Errors: none.
"""

from collections.abc import Iterable

from relay.model.account import AccountState, RouteAccount
from relay.web.frame import moment, pill, section, table
from relay.web.html import Html, el, markup

UNLIMITED = -1  # SES's word for an account without a quota


def accounts_section(accounts: Iterable[RouteAccount]) -> Html:
    """Give a line to each route."""
    title = markup("SES account", el("small", "as SES said it last"))
    names = ("Route", "Region", "Standing", "May write to", "Rate", "24 hours", "Asked")
    return section(title, table(names, [_row(account) for account in accounts]))


def standing(state: AccountState) -> str:
    """Say in one word how the account stands."""
    if not state.sending_enabled:
        return "paused"
    return state.enforcement.lower()


def _row(account: RouteAccount) -> Html:
    state = account.state
    head = (
        el("td", account.route, data_label="route"),
        el("td", account.region, data_label="region"),
    )
    fault = el("p", account.unknown, class_="bad") if account.unknown else None
    if state is None:
        words = fault or el("span", "SES has not been asked yet", class_="soft")
        return el("tr", *head, el("td", words, colspan=5))
    quota = (
        "no limit"
        if state.max_24_hour_send == UNLIMITED
        else f"{state.sent_last_24_hours:,.0f} of {state.max_24_hour_send:,.0f} recipients"
    )
    return el(
        "tr",
        *head,
        el("td", pill(standing(state)), data_label="standing"),
        el(
            "td",
            markup(pill("sandbox"), " verified addresses alone") if state.sandbox else "everybody",
            data_label="may write to",
        ),
        el("td", f"{state.max_send_rate:,.4g} recipients a second", data_label="rate"),
        el("td", quota, data_label="24 hours"),
        el("td", moment(account.at) if account.at else None, fault, data_label="asked"),
    )
