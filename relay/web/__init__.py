"""What people and machines see over HTTP: health, metrics, dashboard, API, and the demo's inbox."""

from relay.web.access import Access
from relay.web.app import Signed, make_app, make_signed_app
from relay.web.inbox import Inbox, InboxMessage
from relay.web.patience import Patience
from relay.web.readiness import Readiness
from relay.web.recent import Happening, Life, Recent
from relay.web.server import Served, serve
from relay.web.sources import Sources, Users
from relay.web.store import Store

__all__ = [
    "Access",
    "Happening",
    "Inbox",
    "InboxMessage",
    "Life",
    "Patience",
    "Readiness",
    "Recent",
    "Served",
    "Signed",
    "Sources",
    "Store",
    "Users",
    "make_app",
    "make_signed_app",
    "serve",
]
