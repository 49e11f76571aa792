"""The configuration of one moment, ready for use; a transaction keeps the one it began with."""

from dataclasses import dataclass

from relay.flow.admission import largest
from relay.mail.signers import Signers
from relay.model import ses_limits
from relay.model.settings import Api, Settings, User
from relay.policy.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class Snapshot:
    """Everything a transaction needs of the configuration. A reload makes a new one.

    It lives as long as somebody keeps it: that is how an old one is known to be out of use.
    """

    settings: Settings
    hostname: str  # what we call ourselves, never empty
    policy: Policy
    signers: Signers  # private keys, parsed once

    def size_limit(self, user: User) -> int:
        """Octets that user may send in one message, before the relay adds its own headers."""
        api = self.settings.routes[user.route].api
        most = ses_limits.V1_OCTETS if api is Api.V1 else ses_limits.V2_OCTETS
        # More than ever finds room would be sent away with 452 again and again.
        room = largest(self.settings.limits.octets_in_flight)
        return min(user.limits.message_size, most - ses_limits.HEADROOM, room)
