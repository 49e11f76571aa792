"""Make a configuration ready for use: policy compiled, private keys parsed, our name settled.

Errors: `Unusable` with a sentence for each thing that only shows here (a key that is no key).
"""

import socket

from relay.flow.snapshot import Snapshot
from relay.mail.signers import Signers
from relay.model.settings import Settings
from relay.policy.policy import Policy

# Why a relay that begins to stop takes no configuration over: it would open listeners again.
STOPPING = "the relay is stopping"


class Unusable(Exception):  # noqa: N818 - it names what is wrong, like the configuration's faults
    """A configuration that loads and still cannot be used."""


def snapshot_of(settings: Settings) -> Snapshot:
    """Build the snapshot that transactions keep."""
    signers = Signers.of(settings.dkim)
    if isinstance(signers, tuple):
        raise Unusable("\n".join(fault.text for fault in signers))
    return Snapshot(
        settings=settings,
        hostname=settings.hostname or socket.getfqdn(),
        policy=Policy(settings),
        signers=signers,
    )
