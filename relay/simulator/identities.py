"""Who may send as whom: verified identities, sending authorisation, the sandbox, tenants.

SES facts: SES Developer Guide, creating-identities (a domain covers its addresses and
subdomains), send-using-smtp-programmatically (addresses are case-sensitive),
troubleshoot-smtp (From, Source, Sender and Return-Path must be verified),
request-production-access (sandbox recipients), sending-authorization; SES API reference,
SendRawEmail (the Source identity alone serves for From and Return-Path too).

Errors: none; refusals are values.
"""

from collections.abc import Iterable

from . import limits
from .account import Account
from .addresses import Mailbox


def covering(address: str, identities: Iterable[str]) -> str | None:
    """The identity among these that covers an address: the address itself, or its domain.

    The local part is compared exactly, domains without regard to case; the most specific
    identity is returned.
    """
    known = {_canonical(identity): identity for identity in identities}
    if (exact := known.get(_canonical(address))) is not None:
        return exact
    labels = address.rpartition("@")[2].lower().split(".")
    for start in range(len(labels)):
        if (domain := known.get(".".join(labels[start:]))) is not None:
            return domain
    return None


def identity_arn(account: Account, region: str, address: str) -> str:
    """The ARN IAM sees for a sender: of the covering identity, else of the address itself."""
    identity = covering(address, account.identities) or address
    return f"arn:aws:ses:{region}:{account.account_id}:identity/{identity}"


def configuration_set_arn(account: Account, region: str, name: str) -> str:
    """The ARN of a configuration set of this account."""
    return f"arn:aws:ses:{region}:{account.account_id}:configuration-set/{name}"


def arn_covers(arn: str, address: str) -> bool:
    """Whether a sending-authorisation ARN names an identity that covers this address."""
    _, slash, identity = arn.partition(":identity/")
    return bool(slash) and covering(address, (identity,)) is not None


def unverified(account: Account, boxes: Iterable[Mailbox]) -> list[str]:
    """Those mailboxes that no verified identity covers, as written, each once."""
    return list(
        dict.fromkeys(
            box.written for box in boxes if covering(box.address, account.identities) is None
        )
    )


def is_mailbox_simulator(box: Mailbox) -> bool:
    """Whether a recipient is one of the mailbox simulator's, exempt from sandbox and quota."""
    return box.domain == limits.MAILBOX_SIMULATOR


def _canonical(identity: str) -> str:
    local, at, domain = identity.rpartition("@")
    return f"{local}{at}{domain.lower()}"
