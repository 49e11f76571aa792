"""The SMTP front door: listeners, sessions, TLS, AUTH and limits.

The only package that knows aiosmtpd. It calls `relay.model.ports.Reception` for each transaction
and answers what that says; everything else here is about who speaks and how.
"""

from relay.smtp.listeners import Listeners
from relay.smtp.sockets import Doors, ListenFault, OwnDoors, open_dealt, written

__all__ = ["Doors", "ListenFault", "Listeners", "OwnDoors", "open_dealt", "written"]
