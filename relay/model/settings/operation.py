"""Settings for the people who run the relay: HTTP and the log.

Errors: none.
"""

from relay.model.ses_prices import PER_1000_RECIPIENTS
from relay.model.settings.option import option, section
from relay.model.settings.values import Bind, Secret, TcpBind
from relay.model.settings.words import LogFormat, LogLevel, LogRecipients


@section
class Http:
    """Health, metrics, dashboard and API."""

    bind: Bind = option(default=TcpBind("127.0.0.1", 8080), reason="Address to serve on.")
    token: Secret | None = option(
        default=None,
        example="{file: token}",
        reason="Guards the dashboard and the API; beyond loopback they are not served without it.",
    )


@section
class Prices:
    """What SES charges, for the estimates of `report`, dashboard and metrics."""

    per_thousand_recipients: float = option(
        default=PER_1000_RECIPIENTS,
        at_least=0,
        reason="Dollars; 0.16 on the plan Essentials, which new accounts begin on.",
    )


@section
class Log:
    """Lines on standard output."""

    format: LogFormat = option(default=LogFormat.JSON, reason="json or console.")
    level: LogLevel = option(default=LogLevel.INFO, reason="debug, info, warning or error.")
    recipients: LogRecipients = option(
        default=LogRecipients.FULL,
        reason="How recipients appear: full, hashed (the same address gives the same hash) or "
        "domain.",
    )
