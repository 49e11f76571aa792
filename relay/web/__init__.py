"""What people and machines see over HTTP: health, metrics, dashboard, API, and the demo's inbox."""

from relay.web.access import Access
from relay.web.app import Sources, make_app
from relay.web.inbox import Inbox, InboxMessage
from relay.web.readiness import Readiness
from relay.web.recent import Happening, Life, Recent
from relay.web.server import serve
from relay.web.store import Store

__all__ = [
    "Access",
    "Happening",
    "Inbox",
    "InboxMessage",
    "Life",
    "Readiness",
    "Recent",
    "Sources",
    "Store",
    "make_app",
    "serve",
]
