"""Hands messages to Amazon SES, says what became of them, and watches the account.

From the outside in: `ses` chooses the API and when to ask again, `requests` writes the request,
`direct` and `takeover` make it fast, `exchange` tells what can have left from what cannot,
`answers` holds the table of SES's answers, `named` reads whom they name.
"""

from relay.delivery.account import AccountPoller, AccountUnknown, Look
from relay.delivery.exchange import deadline
from relay.delivery.ses import SesTransport, ses_transport

__all__ = [
    "AccountPoller",
    "AccountUnknown",
    "Look",
    "SesTransport",
    "deadline",
    "ses_transport",
]
